// A batch taken apart for an encoder-decoder: the rows of all Parts A for the one stack, those of all Parts B for the
// other, samples in the same order. Defines: PartRows, take_parts.
#pragma once
#include "trainer_batch.h"

namespace cloze {

struct PartRows {
  std::vector<int32_t> tokens, positions, block_positions, targets;
  std::vector<uint8_t> loss_mask;
  std::vector<float> row_weights;
  Batch batch;  // of the arrays above
};

enum class Part { a, b };

// Part A's rows see each other, Part B's those before them. What is predicted is for Part B alone (addon_batch.cc).
void take_part(const Batch& batch, Part part, PartRows& out);

}  // namespace cloze
