// Routed experts as in GLM-4.5 (transformers, models/glm4_moe): s = sigmoid(W x) in float32; the experts with the largest
// s + bias are chosen, within the groups whose two best add up to most; each counts with its s, divided by the sum of
// the chosen ones where the model says so, times a scale.
#include <cmath>
#include <limits>

#include "model.h"

namespace cloze {

namespace {

// Leaves the `count` largest of n scores in `best`, largest first; of equals the one that comes first.
void largest(int n, const float* scores, int count, int* best) {
  int found = 0;
  for (int i = 0; i < n; i++) {
    int at = std::min(found, count);
    while (at > 0 && scores[i] > scores[best[at - 1]]) at--;
    if (at == count) continue;
    for (int j = std::min(found, count - 1); j > at; j--) best[j] = best[j - 1];
    best[at] = i;
    if (found < count) found++;
  }
}

}  // namespace

template <class T>
void Model<T>::reserve_experts(Scratch<T>& w) const {
  const Experts& e = config.experts;
  w.gathered.reserve((size_t)kRowBlock * config.hidden);
  w.routed.reserve((size_t)kRowBlock * config.hidden);
  w.expert_scores.reserve(2 * e.count + e.groups);
  w.expert_shares.reserve((size_t)kRowBlock * e.per_row);
  w.chosen.reserve((size_t)kRowBlock * e.per_row + e.groups_used);
  w.expert_rows.reserve((size_t)2 * kRowBlock);
}

template <class T>
void Model<T>::choose_experts(int layer, const float* row, int* chosen, float* shares, Scratch<T>& w) const {
  const Experts& e = config.experts;
  const LayerOffsets& o = layout.layers[layer];
  float *scores = w.expert_scores.data(), *ranks = scores + e.count, *groups = ranks + e.count;
  for (int i = 0; i < e.count; i++) {
    scores[i] = 1.0f / (1.0f + std::exp(-kf.dot(config.hidden, row, at(o.router_w) + (long)i * config.hidden)));
    ranks[i] = scores[i] + at(o.router_bias)[i];
  }
  if (e.groups_used < e.groups) {
    const int size = e.count / e.groups;
    for (int g = 0; g < e.groups; g++) {
      int best[2];
      const int of_group = std::min(size, 2);
      largest(size, ranks + g * size, of_group, best);
      groups[g] = 0;
      for (int i = 0; i < of_group; i++) groups[g] += ranks[g * size + best[i]];
    }
    int* used = w.chosen.data() + (size_t)kRowBlock * e.per_row;
    largest(e.groups, groups, e.groups_used, used);
    for (int g = 0; g < e.groups; g++) {
      if (std::find(used, used + e.groups_used, g) != used + e.groups_used) continue;
      // Zero, as the original fills: an expert of another group comes before one whose rank is below it.
      std::fill(ranks + g * size, ranks + (g + 1) * size, 0.0f);
    }
  }
  largest(e.count, ranks, e.per_row, chosen);
  float sum = 0;
  for (int i = 0; i < e.per_row; i++) sum += scores[chosen[i]];
  const float scale = e.scale / (e.normalized ? sum + 1e-20f : 1.0f);
  for (int i = 0; i < e.per_row; i++) shares[i] = scores[chosen[i]] * scale;
}

template <class T>
void Model<T>::route(int layer, int n, const float* x, T* u, Scratch<T>& w, ThreadPool* team) const {
  const Experts& e = config.experts;
  const int C = config.hidden, up_width = config.up_of(e.inner);
  const FloatKernels& vectors = float_kernels(level);
  for (int r = 0; r < n; r++)
    choose_experts(layer, x + (long)r * C, w.chosen.data() + r * e.per_row, w.expert_shares.data() + r * e.per_row, w);
  std::memset(w.routed.data(), 0, sizeof(float) * n * C);
  float* c = w.product.data();
  // An expert's rows, and where in the choice its shares are.
  int *rows = w.expert_rows.data(), *places = rows + kRowBlock;
  for (int expert = 0; expert < e.count; expert++) {
    int count = 0;
    for (int i = 0; i < n * e.per_row; i++) {
      if (w.chosen[i] != expert) continue;
      rows[count] = i / e.per_row;
      places[count++] = i;
    }
    if (count == 0) continue;
    for (int i = 0; i < count; i++)
      std::memcpy(w.gathered.data() + (long)i * C, x + (long)rows[i] * C, sizeof(float) * C);
    product(w.gathered.data(), count, expert_up(layer, expert), c, w, team);
    k.convert(count * up_width, c, u);
    k.activate(config.activation, count, e.inner, u, w.act.data());
    product(w.act.data(), count, expert_down(layer, expert), c, w, team);
    for (int i = 0; i < count; i++)
      vectors.axpy(C, w.expert_shares[places[i]], c + (long)i * C, w.routed.data() + (long)rows[i] * C);
  }
}

template void Model<float>::reserve_experts(Scratch<float>&) const;
template void Model<bf16>::reserve_experts(Scratch<bf16>&) const;
template void Model<half>::reserve_experts(Scratch<half>&) const;
template void Model<float>::choose_experts(int, const float*, int*, float*, Scratch<float>&) const;
template void Model<bf16>::choose_experts(int, const float*, int*, float*, Scratch<bf16>&) const;
template void Model<half>::choose_experts(int, const float*, int*, float*, Scratch<half>&) const;
template void Model<float>::route(int, int, const float*, float*, Scratch<float>&, ThreadPool*) const;
template void Model<bf16>::route(int, int, const float*, bf16*, Scratch<bf16>&, ThreadPool*) const;
template void Model<half>::route(int, int, const float*, half*, Scratch<half>&, ThreadPool*) const;

}  // namespace cloze
