#include "adapters.h"

#include <cstring>

namespace cloze {

Adapters::Adapters(const Config& config, const Layout& model, const float* weights, int rank, float scale, int threads)
    : layout(Layout::of_adapters(config, model, rank)),
      values(layout.total),
      gradients(layout.total),
      moment1(layout.total),
      moment2(layout.total),
      rank_(rank),
      scale_(scale),
      products_(threads),
      scaled_(threads) {
  long frozen = 0;
  const Tensor* own = layout.tensors.data();
  for (const Tensor& tensor : model.tensors) {
    if (!config.is_projection(tensor)) continue;
    const long down = own++->offset, up = own++->offset;
    pairs_.push_back({tensor.offset, frozen, down, up, tensor.shape[0], tensor.shape[1]});
    frozen += tensor.count;
  }
  frozen_.reserve(frozen);
  for (const Pair& p : pairs_) {
    std::memcpy(frozen_.data() + p.frozen, weights + p.weight, sizeof(float) * p.out * p.in);
    for (Buffer<float>& scaled : scaled_) scaled.reserve((size_t)p.out * rank);
  }
}

void Adapters::merge(const Gemm& gemm, ThreadPool& pool, float* weights) {
  pool.parallel_for(static_cast<int>(pairs_.size()), [&](int i, int t) {
    const Pair& p = pairs_[i];
    float *w = weights + p.weight, *scaled = scaled_[t].data();
    const float* up = values.data() + p.up;
    for (long j = 0; j < (long)p.out * rank_; j++) scaled[j] = scale_ * up[j];
    std::memcpy(w, frozen_.data() + p.frozen, sizeof(float) * p.out * p.in);
    products_[t](gemm, p.out, p.in, rank_, {scaled, rank_, false}, {values.data() + p.down, p.in, false}, w, true);
  });
}

void Adapters::pull_back(const Gemm& gemm, ThreadPool& pool, const float* weight_gradients) {
  pool.parallel_for(static_cast<int>(pairs_.size()), [&](int i, int t) {
    const Pair& p = pairs_[i];
    const float* dw = weight_gradients + p.weight;
    float *d_down = gradients.data() + p.down, *d_up = gradients.data() + p.up;
    products_[t](gemm, rank_, p.in, p.out, {values.data() + p.up, rank_, true}, {dw, p.in, false}, d_down, false);
    products_[t](gemm, p.out, rank_, p.in, {dw, p.in, false}, {values.data() + p.down, p.in, true}, d_up, false);
    for (long j = 0; j < (long)rank_ * p.in; j++) d_down[j] *= scale_;
    for (long j = 0; j < (long)p.out * rank_; j++) d_up[j] *= scale_;
  });
}

}  // namespace cloze
