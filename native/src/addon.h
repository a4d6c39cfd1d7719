// Shared by the addon's classes: reading arguments, and running work off the JavaScript thread.
#pragma once
#include <napi.h>

#include <functional>

#include "config.h"
#include "session.h"

namespace cloze {

// From the object of engine/model/config.ts. Throws std::invalid_argument naming the field.
Config read_config(const Napi::Object& object);

struct ExecutionOptions {
  Level level;
  int threads;
  Precision precision;
};
// From { level: string, threads: number, precision: 'float32' | 'bfloat16' }; float16 is for training only, int8 and int4
// for inference.
ExecutionOptions read_execution(const Napi::Object& object, bool for_inference = false);
// The columns that share a scale, `group` of the object: 'row' (0), 32 or 64.
int read_group(const Napi::Object& object);

// Copies of the token rows { tokens, positions, blockPositions }, checked against the model's tables.
struct OwnedRows {
  std::vector<int32_t> tokens, positions, block_positions;
  Rows view() const {
    return {static_cast<int>(tokens.size()), tokens.data(), positions.data(), block_positions.data()};
  }
  void append(const OwnedRows& more) {
    tokens.insert(tokens.end(), more.tokens.begin(), more.tokens.end());
    positions.insert(positions.end(), more.positions.begin(), more.positions.end());
    block_positions.insert(block_positions.end(), more.block_positions.begin(), more.block_positions.end());
  }
};
OwnedRows read_rows(const Napi::Object& object, const Config& config);

// The arguments (name, Float32Array); throws when the name is unknown or the length differs.
struct GivenTensor {
  const Tensor& tensor;
  const float* values;
};
GivenTensor read_tensor(const Napi::CallbackInfo& info, const Layout& layout);
Napi::Value tensor_copy(Napi::Env env, const Tensor& tensor, const float* values);
const Tensor& named_tensor(const Layout& layout, const std::string& name);

// Runs `work` on a worker thread; the promise resolves with what `finish` makes of it on the JavaScript thread, or is
// rejected: with an error whose `name` is AbortError after Cancelled, else with the exception's own words.
Napi::Promise run_async(Napi::Env env, std::function<void()> work, std::function<Napi::Value(Napi::Env)> finish);

// Bytes of a file, with how they stand for values: the arguments (dtype: 'F32' | 'F16' | 'BF16', Uint8Array) from the
// first on. The array is kept until the JavaScript thread lets go of it.
struct GivenBytes {
  Stored type;
  const char* bytes;
  size_t length;
  std::shared_ptr<Napi::ObjectReference> kept;
};
GivenBytes read_bytes(const Napi::CallbackInfo& info, int first);

void init_model(Napi::Env env, Napi::Object exports);
void init_trainer(Napi::Env env, Napi::Object exports);
void init_quantize(Napi::Env env, Napi::Object exports);

inline constexpr const char* kOutOfMemory =
    "Out of memory: the model or its context does not fit. Choose a smaller context or model.";

// A C++ exception from `fn` becomes a JavaScript error.
template <class F>
auto guarded(Napi::Env env, const F& fn) -> decltype(fn()) {
  try {
    return fn();
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw Napi::Error::New(env, kOutOfMemory);
  } catch (const std::exception& e) {
    throw Napi::Error::New(env, e.what());
  }
}

}  // namespace cloze
