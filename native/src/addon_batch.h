// Batches of the class Trainer, copied out of JavaScript and checked.
#pragma once
#include "addon.h"
#include "trainer.h"

namespace cloze {

struct OwnedBatch {
  OwnedRows rows;
  std::vector<int32_t> targets, choices;
  std::vector<uint8_t> loss_mask;
  std::vector<float> row_weights;
  float smoothing = 0;
  std::vector<Sample> samples;
  Batch view() const {
    return {rows.view(), samples,  targets.data(), loss_mask.data(), row_weights.empty() ? nullptr : row_weights.data(),
            choices,     smoothing};
  }
};

// { tokens, positions, blockPositions, targets: Int32Array, lossMask: Uint8Array, lengths, separators: Int32Array } and,
// where they are given, { rowWeights: Float32Array, choices: Int32Array, smoothing: number }.
OwnedBatch read_batch(const Napi::Object& object, const Config& config);

// A copy of a Float32Array; `what` names it in the error.
std::vector<float> read_floats(const Napi::Value& value, const char* what);
Napi::Float32Array float_array(Napi::Env env, const std::vector<float>& values);

}  // namespace cloze
