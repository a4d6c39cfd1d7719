// The function quantizeRows: rows of a stored matrix in 8 or 4 bits, in the bytes of GLM-130B's checkpoints.
#include "addon.h"

namespace cloze {

namespace {

// (dtype, Uint8Array, columns, { bits, group }, search, threads): { data: Int8Array, scales: Uint16Array }, as
// engine/checkpoint/quantization.ts `quantize` makes them; null where a value is not finite.
Napi::Value quantize_rows(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const GivenBytes given = read_bytes(info, 0);
    const int columns = info[2].ToNumber().Int32Value(), threads = info[5].ToNumber().Int32Value();
    const auto object = info[3].As<Napi::Object>();
    const QuantFormat format = {object.Get("bits").ToNumber().Int32Value() == 4 ? 4 : 8, read_group(object)};
    const bool search = info[4].ToBoolean();
    const long row = static_cast<long>(columns) * bytes_of(given.type);
    if (columns < 1 || threads < 1 || given.length % row != 0)
      throw std::invalid_argument(std::to_string(given.length) + " bytes are no whole rows of " + std::to_string(row) + ".");
    const int rows = static_cast<int>(given.length / row), groups = quant_groups(format, columns);
    const int row_bytes = format.bits == 8 ? columns : (columns + 1) / 2;

    Napi::Object result = Napi::Object::New(env);
    auto data = Napi::Int8Array::New(env, (size_t)rows * row_bytes);
    auto scales = Napi::Uint16Array::New(env, (size_t)rows * groups);
    result.Set("data", data);
    result.Set("scales", scales);
    auto kept = std::make_shared<Napi::ObjectReference>(Napi::Persistent(result));
    auto finite = std::make_shared<std::atomic<bool>>(true);
    int8_t* q = data.Data();
    uint16_t* s = scales.Data();
    auto work = [=, type = given.type, bytes = given.bytes] {
      constexpr int kTogether = 32;
      const Level level = detected_level();
      ThreadPool pool(threads);
      pool.parallel_for((rows + kTogether - 1) / kTogether, [&](int i, int) {
        const int begin = i * kTogether, n = std::min(kTogether, rows - begin);
        std::vector<float> values((size_t)n * columns);
        const char* from = bytes + begin * row;
        if (type == Stored::float32) {
          std::memcpy(values.data(), from, n * row);
        } else if (type == Stored::float16) {
          float_kernels(level).widen_half((long)n * columns, reinterpret_cast<const uint16_t*>(from), values.data());
        } else {
          kernels<bf16>(level).widen(n * columns, reinterpret_cast<const bf16*>(from), values.data());
        }
        if (!quantized_gemm_for(level).store(columns, n, format, search, values.data(), q + (long)begin * row_bytes,
                                             s + (long)begin * groups))
          *finite = false;
      });
    };
    return run_async(env, std::move(work), [kept, finite, source = given.kept](Napi::Env e) -> Napi::Value {
      return *finite ? kept->Value() : e.Null();
    });
  });
}

}  // namespace

void init_quantize(Napi::Env env, Napi::Object exports) {
  exports.Set("quantizeRows", Napi::Function::New(env, quantize_rows));
}

}  // namespace cloze
