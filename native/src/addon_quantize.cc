// The functions quantizeRows: rows of a stored matrix in 8 or 4 bits, in the bytes of GLM-130B's checkpoints; and
// alignedBytes: memory that files are read into and written from past the system's cache.
#include "addon.h"
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace cloze {

namespace {

// (dtype, Uint8Array, columns, { bits, group }, search, threads, into: Uint8Array): Uint16Array of scales, as
// engine/checkpoint/quantization.ts `quantize` makes them, with the whole numbers in `into`; null where a value is not
// finite.
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
    if (!info[6].IsTypedArray() || info[6].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array ||
        info[6].As<Napi::Uint8Array>().ByteLength() < (size_t)rows * row_bytes)
      throw std::invalid_argument("The whole numbers take " + std::to_string((long)rows * row_bytes) + " bytes.");

    auto into = info[6].As<Napi::Uint8Array>();
    auto scales = Napi::Uint16Array::New(env, (size_t)rows * groups);
    auto kept = std::make_shared<std::pair<Napi::ObjectReference, Napi::ObjectReference>>(
        Napi::Persistent(into.As<Napi::Object>()), Napi::Persistent(scales.As<Napi::Object>()));
    auto finite = std::make_shared<std::atomic<bool>>(true);
    auto* q = reinterpret_cast<int8_t*>(into.Data());
    uint16_t* s = scales.Data();
    auto work = [=, type = given.type, bytes = given.bytes] {
      constexpr int kTogether = 32;
      const Level level = detected_level();
      ThreadPool pool(threads);
      pool.parallel_for((rows + kTogether - 1) / kTogether, [&](int i, int) {
        const int begin = i * kTogether, n = std::min(kTogether, rows - begin);
        if (!quantized_gemm_for(level).store(columns, n, format, search, type, bytes + begin * row,
                                             q + (long)begin * row_bytes, s + (long)begin * groups))
          *finite = false;
      });
    };
    return run_async(env, std::move(work), [kept, finite, source = given.kept](Napi::Env e) -> Napi::Value {
      return *finite ? kept->second.Value() : e.Null();
    });
  });
}

// (length): Uint8Array. In huge pages where the system has them: a disk is given a page at a time.
Napi::Value aligned_bytes(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    constexpr size_t kHugePage = 2 << 20;
    const double wanted = info[0].ToNumber().DoubleValue();
    if (!(wanted >= 0 && wanted <= 1 << 30)) throw std::invalid_argument("Aligned memory has up to 1 GB.");
    const size_t length = static_cast<size_t>(wanted);
    auto whole = Napi::ArrayBuffer::New(env, length + kHugePage);
    const size_t past = reinterpret_cast<uintptr_t>(whole.Data()) % kHugePage, offset = past == 0 ? 0 : kHugePage - past;
#if defined(__linux__)
    // What is left of the last huge page belongs to others.
    madvise(static_cast<char*>(whole.Data()) + offset, length / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
    return Napi::Uint8Array::New(env, length, whole, offset);
  });
}

}  // namespace

void init_quantize(Napi::Env env, Napi::Object exports) {
  exports.Set("alignedBytes", Napi::Function::New(env, aligned_bytes));
  exports.Set("quantizeRows", Napi::Function::New(env, quantize_rows));
}

}  // namespace cloze
