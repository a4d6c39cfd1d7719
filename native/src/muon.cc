#include "muon.h"

#include <algorithm>
#include <cmath>

namespace cloze {

namespace {

constexpr int kIterations = 5;
// Coefficients of the quintic, chosen by the authors for the steepest rise of small singular values.
constexpr float kA = 3.4445f, kB = -4.7750f, kC = 2.0315f;
constexpr float kEps = 1e-7f;

}  // namespace

std::vector<Projection> projections(const Config& c, const Layout& layout) {
  std::vector<Projection> all;
  const int C = c.hidden, d = c.head_dim(), F = c.inner;
  for (const LayerOffsets& l : layout.layers) {
    for (int part = 0; part < 3; part++) {
      const int rows = part == 0 ? c.query_width() : c.kv_width();
      const int first = part == 0 ? 0 : c.query_width() + (part - 1) * c.kv_width();
      if (c.qkv_per_head) all.push_back({l.qkv_w, rows, C, part * d, d, 3 * d});
      else all.push_back({l.qkv_w, rows, C, first, rows, rows});
    }
    all.push_back({l.dense_w, C, c.query_width(), 0, C, C});
    for (int at = 0; at < c.up(); at += F) all.push_back({l.up_w, F, C, at, F, F});
    all.push_back({l.down_w, C, F, 0, C, C});
  }
  const int A = c.query_width();
  for (int layer = c.first_decoder(); c.is_decoder(layer) && layer < c.layers; layer++) {
    const CrossOffsets& x = layout.layers[layer].cross;
    all.push_back({x.query_w, A, C, 0, A, A});
    for (int part = 0; part < 2; part++) all.push_back({x.key_value_w, A, C, part * A, A, A});
    all.push_back({x.dense_w, C, A, 0, C, C});
  }
  return all;
}

void MuonScratch::orthogonalize(const Gemm& gemm, int rows, int cols) {
  const long count = (long)rows * cols, squares = (long)rows * rows;
  float *x = x_.data(), *square = square_.data(), *fourth = fourth_.data();
  double sum = 0;
  for (long i = 0; i < count; i++) sum += (double)x[i] * x[i];
  const float shrink = 1.0 / (std::sqrt(sum) + kEps);
  for (long i = 0; i < count; i++) x[i] *= shrink;
  for (int iteration = 0; iteration < kIterations; iteration++) {
    product_(gemm, rows, rows, cols, {x, cols, false}, {x, cols, true}, square, false);
    product_(gemm, rows, rows, rows, {square, rows, false}, {square, rows, false}, fourth, false);
    for (long i = 0; i < squares; i++) square[i] = kB * square[i] + kC * fourth[i];
    product_(gemm, rows, cols, rows, {square, rows, false}, {x, cols, false}, next_.data(), false);
    for (long i = 0; i < count; i++) x[i] = kA * x[i] + next_[i];
  }
}

void MuonScratch::step(const Projection& p, const Gemm& gemm, const Muon& options, float lr, float scale,
                       const float* gradient, float* moment, float* w) {
  const bool tall = p.rows > p.cols;
  const int rows = std::min(p.rows, p.cols), cols = std::max(p.rows, p.cols);
  for (auto* b : {&x_, &next_}) b->reserve((size_t)rows * cols);
  for (auto* b : {&square_, &fourth_}) b->reserve((size_t)rows * rows);
  auto stored = [&](int r) { return p.offset + (long)(p.first + r / p.run * p.period + r % p.run) * p.cols; };

  for (int r = 0; r < p.rows; r++) {
    const float* g = gradient + stored(r);
    float* m = moment + stored(r);
    for (int c = 0; c < p.cols; c++) {
      m[c] = options.momentum * m[c] + scale * g[c];
      const float nesterov = scale * g[c] + options.momentum * m[c];
      x_[tall ? (long)c * cols + r : (long)r * cols + c] = nesterov;
    }
  }
  orthogonalize(gemm, rows, cols);
  const float keep = 1 - lr * options.weight_decay, rate = lr * 0.2f * std::sqrt((float)cols);
  for (int r = 0; r < p.rows; r++) {
    float* row = w + stored(r);
    for (int c = 0; c < p.cols; c++) {
      row[c] = keep * row[c] - rate * x_[tall ? (long)c * cols + r : (long)r * cols + c];
    }
  }
}

}  // namespace cloze
