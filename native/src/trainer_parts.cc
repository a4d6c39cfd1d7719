#include "trainer_parts.h"

namespace cloze {

void take_part(const Batch& batch, Part part, PartRows& out) {
  out = {};
  for (const Sample& s : batch.samples) {
    const int from = part == Part::a ? s.begin : s.begin + s.sep;
    const int count = part == Part::a ? s.sep : s.length - s.sep;
    const int begin = static_cast<int>(out.tokens.size());
    out.batch.samples.push_back({begin, count, part == Part::a ? count : 0});
    const auto take = [&](const auto* values, auto& to) { to.insert(to.end(), values + from, values + from + count); };
    take(batch.rows.tokens, out.tokens);
    take(batch.rows.positions, out.positions);
    take(batch.rows.block_positions, out.block_positions);
    take(batch.targets, out.targets);
    take(batch.loss_mask, out.loss_mask);
    if (batch.row_weights != nullptr) take(batch.row_weights, out.row_weights);
  }
  out.batch.rows = {static_cast<int>(out.tokens.size()), out.tokens.data(), out.positions.data(),
                    out.block_positions.data()};
  out.batch.targets = out.targets.data();
  out.batch.loss_mask = out.loss_mask.data();
  out.batch.row_weights = batch.row_weights == nullptr ? nullptr : out.row_weights.data();
  out.batch.choices = batch.choices;
  out.batch.smoothing = batch.smoothing;
}

}  // namespace cloze
