// Muon: the momentum of each projection matrix, orthogonalised by Newton-Schulz iterations, is its update (Jordan et al.
// 2024, github.com/KellerJordan/Muon, muon.py), scaled so that AdamW's learning rate and decay hold for it too (Liu et
// al. 2025, arXiv 2502.16982, section 2.2).
#pragma once
#include "config.h"
#include "product.h"

namespace cloze {

struct Muon {
  float momentum = 0.95f, weight_decay = 0.1f;
};

// One linear map [rows, cols] within a stored tensor: its row r is row first + r / run * period + r % run there. The
// queries, keys and values of a layer, and a gate beside its value, are stored together and orthogonalised apart.
struct Projection {
  long offset;
  int rows, cols, first, run, period;
};

// All projections inside the layers; embeddings and the head are not among them.
std::vector<Projection> projections(const Config& config, const Layout& layout);

// Work space of one thread.
class MuonScratch {
 public:
  // w, gradient and moment are whole parameter vectors; gradients count `scale` times. Changes moment and w.
  void step(const Projection& p, const Gemm& gemm, const Muon& options, float lr, float scale, const float* gradient,
            float* moment, float* w);

 private:
  // x [rows, cols], rows <= cols, becomes nearly orthogonal: singular values near 1.
  void orthogonalize(const Gemm& gemm, int rows, int cols);

  Buffer<float> x_, next_, square_, fourth_;
  Product product_;
};

}  // namespace cloze
