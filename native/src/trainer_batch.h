// What the trainer is given: samples of different lengths one after another. Defines: Batch.
#pragma once
#include "attention.h"

namespace cloze {

struct Batch {
  Rows rows = {};
  std::vector<Sample> samples;
  const int32_t* targets = nullptr;    // already shifted: what each row has to predict
  const uint8_t* loss_mask = nullptr;  // 1 where the row counts
  // Fine-tuning (trainer_head.cc); null, empty and 0 are pretraining's plain cross-entropy.
  const float* row_weights = nullptr;  // of all rows: factors of their losses
  std::vector<int32_t> choices;        // the softmax is over the logits of these tokens alone
  float smoothing = 0;                 // share of the target that is spread evenly over the vocabulary
};

}  // namespace cloze
