#include "addon_batch.h"

#include <algorithm>

namespace cloze {

namespace {

template <class E>
Napi::TypedArrayOf<E> typed(const Napi::Object& o, const char* key, napi_typedarray_type type) {
  const Napi::Value v = o.Get(key);
  if (!v.IsTypedArray() || v.As<Napi::TypedArray>().TypedArrayType() != type) {
    throw std::invalid_argument(std::string("\"") + key + "\" of a batch must be " +
                                (type == napi_uint8_array ? "a Uint8Array." : "an Int32Array."));
  }
  return v.As<Napi::TypedArrayOf<E>>();
}

void read_objective(const Napi::Object& o, const Config& config, OwnedBatch& b) {
  if (o.Has("rowWeights")) b.row_weights = read_floats(o.Get("rowWeights"), "\"rowWeights\" of a batch");
  if (!b.row_weights.empty() && b.row_weights.size() != b.targets.size()) {
    throw std::invalid_argument("\"rowWeights\" of a batch must have an entry for each row.");
  }
  if (o.Has("choices")) {
    const auto choices = typed<int32_t>(o, "choices", napi_int32_array);
    b.choices.assign(choices.Data(), choices.Data() + choices.ElementLength());
  }
  for (const int32_t choice : b.choices) {
    if (choice < 0 || choice >= config.vocab) {
      throw std::invalid_argument("The choice " + std::to_string(choice) + " lies outside the vocabulary.");
    }
  }
  if (o.Has("smoothing")) b.smoothing = o.Get("smoothing").ToNumber().FloatValue();
  if (!(b.smoothing >= 0 && b.smoothing < 1)) {
    throw std::invalid_argument("\"smoothing\" of a batch must be at least 0 and below 1.");
  }
}

// What an encoder-decoder needs of a sample.
void check_parts(const uint8_t* loss_mask, int sample, int sep) {
  const std::string at = "Sample " + std::to_string(sample);
  if (sep == 0) throw std::invalid_argument(at + " has no Part A, which the encoder of this model needs.");
  if (std::any_of(loss_mask, loss_mask + sep, [](uint8_t counts) { return counts != 0; })) {
    throw std::invalid_argument(at + " has rows of Part A that count in the loss; the encoder of this model predicts " +
                                "nothing.");
  }
}

}  // namespace

OwnedBatch read_batch(const Napi::Object& o, const Config& config) {
  OwnedBatch b;
  b.rows = read_rows(o, config);
  const auto targets = typed<int32_t>(o, "targets", napi_int32_array);
  const auto mask = typed<uint8_t>(o, "lossMask", napi_uint8_array);
  const auto lengths = typed<int32_t>(o, "lengths", napi_int32_array);
  const auto seps = typed<int32_t>(o, "separators", napi_int32_array);
  const size_t n = b.rows.tokens.size();
  if (targets.ElementLength() != n || mask.ElementLength() != n || lengths.ElementLength() != seps.ElementLength()) {
    throw std::invalid_argument("The arrays of a batch must have the same number of rows.");
  }
  b.targets.assign(targets.Data(), targets.Data() + n);
  b.loss_mask.assign(mask.Data(), mask.Data() + n);
  read_objective(o, config, b);
  for (size_t r = 0; r < n; r++) {
    if (!b.loss_mask[r]) continue;
    if (b.targets[r] < 0 || b.targets[r] >= config.vocab) {
      throw std::invalid_argument("The target " + std::to_string(b.targets[r]) + " lies outside the vocabulary.");
    }
    if (!b.choices.empty() && std::find(b.choices.begin(), b.choices.end(), b.targets[r]) == b.choices.end()) {
      throw std::invalid_argument("The target " + std::to_string(b.targets[r]) + " is none of the choices.");
    }
  }
  int begin = 0;
  for (size_t i = 0; i < lengths.ElementLength(); i++) {
    const int length = lengths[i], sep = seps[i];
    if (length < 1 || length > static_cast<int>(n) - begin || sep < 0 || sep > length) {
      throw std::invalid_argument("Sample " + std::to_string(i) + " has length " + std::to_string(length) +
                                  " and separator " + std::to_string(sep) + ", which do not fit the rows.");
    }
    if (config.decoder_layers > 0) check_parts(b.loss_mask.data() + begin, static_cast<int>(i), sep);
    // A causal model has no Part A, whatever the sample says of it.
    b.samples.push_back({begin, length, config.causal ? 0 : sep});
    begin += length;
  }
  if (begin != static_cast<int>(n)) throw std::invalid_argument("The samples' lengths do not add up to the rows.");
  return b;
}

std::vector<float> read_floats(const Napi::Value& value, const char* what) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float32_array) {
    throw std::invalid_argument(std::string(what) + " must be a Float32Array.");
  }
  const auto values = value.As<Napi::Float32Array>();
  return {values.Data(), values.Data() + values.ElementLength()};
}

Napi::Float32Array float_array(Napi::Env env, const std::vector<float>& values) {
  auto out = Napi::Float32Array::New(env, values.size());
  std::copy(values.begin(), values.end(), out.Data());
  return out;
}

}  // namespace cloze
