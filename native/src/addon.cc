#include "addon.h"

namespace cloze {

namespace {

constexpr int kMostThreads = 1024;

int read_int(const Napi::Object& o, const char* key, int low) {
  const Napi::Value v = o.Get(key);
  const double n = v.IsNumber() ? v.As<Napi::Number>().DoubleValue() : -1;
  if (n < low || n > 1 << 30 || n != static_cast<int>(n)) {
    throw std::invalid_argument(std::string("The model configuration needs a whole number of at least ") +
                                std::to_string(low) + " for \"" + key + "\".");
  }
  return static_cast<int>(n);
}

std::string read_string(const Napi::Object& o, const char* key) {
  const Napi::Value v = o.Get(key);
  return v.IsString() ? v.As<Napi::String>().Utf8Value() : std::string();
}

// The index of the string under `key` in `choices`.
int read_choice(const Napi::Object& o, const char* key, const std::vector<std::string>& choices) {
  const std::string value = read_string(o, key);
  std::string known;
  for (size_t i = 0; i < choices.size(); i++) {
    if (choices[i] == value) return static_cast<int>(i);
    known += (i ? ", " : "") + choices[i];
  }
  throw std::invalid_argument(std::string("The model configuration has \"") + value + "\" for \"" + key +
                              "\"; known are " + known + ".");
}

// Fields that older families leave out.
int read_int_or(const Napi::Object& o, const char* key, int otherwise) {
  return o.Get(key).IsUndefined() ? otherwise : read_int(o, key, 1);
}

int read_choice_or_first(const Napi::Object& o, const char* key, const std::vector<std::string>& choices) {
  return o.Get(key).IsUndefined() ? 0 : read_choice(o, key, choices);
}

// What the kernels rely on.
void check_combination(const Config& c) {
  if (c.heads % c.kv_heads != 0 || (c.qkv_per_head && c.kv_heads != c.heads)) {
    throw std::invalid_argument(std::to_string(c.heads) + " heads cannot share " + std::to_string(c.kv_heads) +
                                " key/value heads in this layout.");
  }
  const int unit = c.positions == Positions::rotary_2d ? 4 : 2;
  if (c.rotary_size > c.head_size || c.rotary_size % unit != 0) {
    throw std::invalid_argument("\"rotarySize\" is " + std::to_string(c.rotary_size) + "; it must be a multiple of " +
                                std::to_string(unit) + ", at most the head size of " + std::to_string(c.head_size) + ".");
  }
  if (c.qk_norm && c.qkv_per_head) throw std::invalid_argument("Norms of queries and keys go with the layout of thirds.");
  const Experts& e = c.experts;
  if (e.count > 0) {
    if (e.count % e.groups != 0 || e.groups_used > e.groups || e.per_row > e.count / e.groups * e.groups_used) {
      throw std::invalid_argument("\"experts\": " + std::to_string(e.per_row) + " of " + std::to_string(e.count) +
                                  " cannot be chosen from " + std::to_string(e.groups_used) + " of " +
                                  std::to_string(e.groups) + " groups.");
    }
    if (c.bias == Bias::all || !is_gated(c.activation)) {
      throw std::invalid_argument("Experts are gated and have no bias.");
    }
  }
  if (c.decoder_layers > 0) {
    if (c.decoder_layers >= c.layers) {
      throw std::invalid_argument("\"decoderLayers\" is " + std::to_string(c.decoder_layers) + " of " +
                                  std::to_string(c.layers) + " layers; the encoder needs one at least.");
    }
    if (c.causal || c.qk_norm || e.count > 0 || c.kv_heads != c.heads) {
      throw std::invalid_argument("An encoder-decoder is not causal, and has no experts, no norms of queries and keys, " +
                                  std::string("and keys and values for every head."));
    }
  }
  if (c.norm == Norm::deepnorm && c.norm_kind != NormKind::layer_norm) {
    throw std::invalid_argument("DeepNorm goes with LayerNorm.");
  }
}

std::vector<int32_t> read_ids(const Napi::Object& o, const char* key, int limit) {
  const Napi::Value v = o.Get(key);
  if (!v.IsTypedArray() || v.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) {
    throw std::invalid_argument(std::string("\"") + key + "\" must be an Int32Array.");
  }
  const auto a = v.As<Napi::Int32Array>();
  std::vector<int32_t> ids(a.Data(), a.Data() + a.ElementLength());
  for (size_t i = 0; i < ids.size(); i++) {
    if (ids[i] < 0 || ids[i] >= limit) {
      throw std::invalid_argument(std::string("\"") + key + "\" has " + std::to_string(ids[i]) + " at index " +
                                  std::to_string(i) + "; the model's ids end at " + std::to_string(limit - 1) + ".");
    }
  }
  return ids;
}

class Worker : public Napi::AsyncWorker {
 public:
  Worker(Napi::Env env, std::function<void()> work, std::function<Napi::Value(Napi::Env)> finish)
      : AsyncWorker(env), deferred_(Napi::Promise::Deferred::New(env)), work_(std::move(work)),
        finish_(std::move(finish)) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      work_();
    } catch (const Cancelled&) {
      cancelled_ = true;
      SetError("The model was stopped.");
    } catch (const std::bad_alloc&) {
      SetError(kOutOfMemory);
    } catch (const std::exception& e) {
      SetError(e.what());
    }
  }
  void OnOK() override { deferred_.Resolve(finish_(Env())); }
  void OnError(const Napi::Error& error) override {
    Napi::Object value = error.Value().As<Napi::Object>();
    if (cancelled_) value.Set("name", "AbortError");
    deferred_.Reject(value);
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::function<void()> work_;
  std::function<Napi::Value(Napi::Env)> finish_;
  bool cancelled_ = false;
};

}  // namespace

Config read_config(const Napi::Object& o) {
  Config c;
  c.vocab = read_int(o, "vocabSize", 1);
  c.hidden = read_int(o, "hiddenSize", 1);
  c.inner = read_int(o, "innerSize", 1);
  c.layers = read_int(o, "layers", 1);
  if (!o.Get("decoderLayers").IsUndefined()) c.decoder_layers = read_int(o, "decoderLayers", 1);
  c.heads = read_int(o, "heads", 1);
  c.max_length = read_int(o, "maxLength", 1);
  c.positions = static_cast<Positions>(read_choice(o, "positions", {"rotary-1d", "rotary-2d", "learned-2d"}));
  c.norm = static_cast<Norm>(read_choice(o, "norm", {"deepnorm", "pre", "sandwich", "post"}));
  c.alpha = c.norm == Norm::deepnorm ? o.Get("residualAlpha").ToNumber().FloatValue() : 1.0f;
  c.activation = static_cast<Activation>(read_choice(o, "activation", {"gelu", "gelu-tanh", "geglu", "swiglu"}));
  c.qkv_per_head = read_choice(o, "qkvLayout", {"thirds", "per-head"}) == 1;
  c.tied = o.Get("tiedEmbedding").ToBoolean().Value();
  c.eps = o.Get("layerNormEpsilon").ToNumber().FloatValue();
  c.rotary_float16 = o.Get("rotaryFloat16").ToBoolean().Value();
  c.kv_heads = read_int_or(o, "keyValueHeads", c.heads);
  c.head_size = read_int_or(o, "headSize", c.hidden / c.heads);
  c.rotary_size = read_int_or(o, "rotarySize", c.head_size);
  c.norm_kind = static_cast<NormKind>(read_choice_or_first(o, "normKind", {"layer-norm", "rms-norm"}));
  c.bias = static_cast<Bias>(read_choice_or_first(o, "bias", {"all", "qkv", "none"}));
  c.rotary_pairs = static_cast<RotaryPairs>(read_choice_or_first(o, "rotaryPairs", {"halves", "neighbours"}));
  if (!o.Get("rotaryTheta").IsUndefined()) c.rotary_theta = o.Get("rotaryTheta").ToNumber().DoubleValue();
  c.causal = o.Get("causal").ToBoolean().Value();
  c.embedding_norm = o.Get("embeddingNorm").ToBoolean().Value();
  c.qk_norm = o.Get("queryKeyNorm").ToBoolean().Value();
  if (const Napi::Value given = o.Get("experts"); given.IsObject()) {
    const auto e = given.As<Napi::Object>();
    c.experts = {read_int(e, "count", 1),      read_int(e, "perToken", 1),
                 read_int(e, "innerSize", 1),  read_int(e, "sharedSize", 1),
                 read_int(e, "denseLayers", 0), read_int(e, "groups", 1),
                 read_int(e, "groupsUsed", 1), e.Get("normalized").ToBoolean().Value(),
                 e.Get("scale").ToNumber().FloatValue()};
    c.experts.dense_layers = std::min(c.experts.dense_layers, c.layers);
  }
  if (c.head_size % 4 != 0 || (o.Get("headSize").IsUndefined() && c.hidden % c.heads != 0)) {
    throw std::invalid_argument("The hidden size (" + std::to_string(c.hidden) + ") must be a multiple of 4 times the " +
                                "number of heads (" + std::to_string(c.heads) + ").");
  }
  check_combination(c);
  return c;
}

ExecutionOptions read_execution(const Napi::Object& o, bool for_inference) {
  const int threads = read_int(o, "threads", 1);
  if (threads > kMostThreads) {
    throw std::invalid_argument("A model runs on at most " + std::to_string(kMostThreads) + " threads; " +
                                std::to_string(threads) + " were asked for.");
  }
  const Level level = choose_level(read_string(o, "level"));
  if (!for_inference) {
    return {level, threads, static_cast<Precision>(read_choice(o, "precision", {"float32", "bfloat16", "float16"}))};
  }
  constexpr Precision of_models[] = {Precision::float32, Precision::bfloat16, Precision::int8, Precision::int4};
  return {level, threads, of_models[read_choice(o, "precision", {"float32", "bfloat16", "int8", "int4"})]};
}

int read_group(const Napi::Object& o) {
  const Napi::Value group = o.Get("group");
  if (group.IsNumber()) {
    const double columns = group.As<Napi::Number>().DoubleValue();
    if (columns == 32 || columns == 64) return static_cast<int>(columns);
  } else if (group.IsString() && group.As<Napi::String>().Utf8Value() == "row") {
    return 0;
  }
  throw std::invalid_argument("Quantised weights share a scale by \"row\", or in groups of 32 or 64 columns; \"group\" is " +
                              group.ToString().Utf8Value() + ".");
}

OwnedRows read_rows(const Napi::Object& o, const Config& config) {
  const int positions = config.positions == Positions::learned_2d ? config.max_length + 1 : config.max_length + 2;
  OwnedRows rows = {read_ids(o, "tokens", config.vocab), read_ids(o, "positions", positions),
                    read_ids(o, "blockPositions", positions)};
  if (rows.tokens.empty()) throw std::invalid_argument("There must be at least one token.");
  if (rows.positions.size() != rows.tokens.size() || rows.block_positions.size() != rows.tokens.size()) {
    throw std::invalid_argument("Tokens, positions and block positions must have the same length.");
  }
  return rows;
}

const Tensor& named_tensor(const Layout& layout, const std::string& name) {
  const Tensor* tensor = layout.find(name);
  if (tensor == nullptr) throw std::invalid_argument("The model has no tensor \"" + name + "\".");
  return *tensor;
}

GivenTensor read_tensor(const Napi::CallbackInfo& info, const Layout& layout) {
  const Tensor& tensor = named_tensor(layout, info[0].ToString().Utf8Value());
  if (!info[1].IsTypedArray() || info[1].As<Napi::TypedArray>().TypedArrayType() != napi_float32_array) {
    throw std::invalid_argument("The values of \"" + tensor.name + "\" must be a Float32Array.");
  }
  const auto from = info[1].As<Napi::Float32Array>();
  if (static_cast<long>(from.ElementLength()) != tensor.count) {
    throw std::invalid_argument("\"" + tensor.name + "\" has " + std::to_string(tensor.count) + " values; " +
                                std::to_string(from.ElementLength()) + " were given.");
  }
  return {tensor, from.Data()};
}

GivenBytes read_bytes(const Napi::CallbackInfo& info, int first) {
  const std::string dtype = info[first].ToString().Utf8Value();
  if (dtype != "F32" && dtype != "F16" && dtype != "BF16")
    throw std::invalid_argument("Values are stored as F32, F16 or BF16, not as \"" + dtype + "\".");
  const Napi::Value given = info[first + 1];
  if (!given.IsTypedArray() || given.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    throw std::invalid_argument("Stored values are given as a Uint8Array.");
  const auto bytes = given.As<Napi::Uint8Array>();
  return {dtype == "F32" ? Stored::float32 : dtype == "F16" ? Stored::float16 : Stored::bfloat16,
          reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength(),
          std::make_shared<Napi::ObjectReference>(Napi::Persistent(given.As<Napi::Object>()))};
}

Napi::Value tensor_copy(Napi::Env env, const Tensor& tensor, const float* values) {
  auto out = Napi::Float32Array::New(env, tensor.count);
  std::memcpy(out.Data(), values + tensor.offset, sizeof(float) * tensor.count);
  return out;
}

Napi::Promise run_async(Napi::Env env, std::function<void()> work, std::function<Napi::Value(Napi::Env)> finish) {
  auto* worker = new Worker(env, std::move(work), std::move(finish));
  worker->Queue();
  return worker->promise();
}

}  // namespace cloze

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("detectedLevel", Napi::String::New(env, cloze::level_name(cloze::detected_level())));
  cloze::init_model(env, exports);
  cloze::init_trainer(env, exports);
  cloze::init_quantize(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(cloze, init)
