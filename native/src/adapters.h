// Low-rank adapters (LoRA: Hu et al. 2021, arXiv 2106.09685): each projection within the layers is
// W + scale * up * down, where W [out, in] is frozen and down [rank, in] and up [out, rank] are learned. The model
// computes with the sum, so its passes are those of any other weights.
#pragma once
#include "product.h"
#include "config.h"
#include "thread_pool.h"

namespace cloze {

class Adapters {
 public:
  // Freezes the projections of `weights`, a whole parameter vector in `layout`. Adapters are zeros at first.
  Adapters(const Config& config, const Layout& layout, const float* weights, int rank, float scale, int threads);

  // Puts the sums into `weights`.
  void merge(const Gemm& gemm, ThreadPool& pool, float* weights);
  // From the gradients of the sums, a whole vector in the model's layout, to `gradients`:
  // d_down = scale up^T dW, d_up = scale dW down^T.
  void pull_back(const Gemm& gemm, ThreadPool& pool, const float* weight_gradients);

  const Layout layout;
  Buffer<float> values, gradients, moment1, moment2;

 private:
  struct Pair {
    long weight, frozen, down, up;  // offsets
    int out, in;
  };

  const int rank_;
  const float scale_;
  std::vector<Pair> pairs_;
  Buffer<float> frozen_;
  std::vector<Product> products_;      // per thread
  std::vector<Buffer<float>> scaled_;  // per thread: out x rank
};

}  // namespace cloze
