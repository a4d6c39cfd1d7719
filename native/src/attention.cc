#include "attention.h"

#include <cmath>
#include <type_traits>

namespace cloze {

namespace {

constexpr int kQueries = 96;  // rows of queries in a block

inline int round_up(int n, int block) { return (n + block - 1) / block * block; }

}  // namespace

template <class T, class KV>
void attention_forward(const Model<T>& model, const HeadView<T, KV>& s, float* lse, AttentionScratch<T>& w) {
  const Gemm& gemm = model.gemm;
  const int D = model.config.head_dim(), ld = round_up(s.columns, 64);
  if constexpr (std::is_same_v<T, float>) {
    if (model.words != nullptr) {
      w.words.reserve(model.words->scratch_bytes(D, s.columns));
      return (*model.words)(D, s, w.words.data());
    }
  }
  const float scale = 1.0f / std::sqrt(static_cast<float>(D));
  auto visible = [&](int row) { return std::max(s.sep, s.before + row + 1); };

  w.k_columns.reserve(gemm.rhs_bytes(D, s.columns));
  w.v_rows.reserve(gemm.rhs_bytes(s.columns, D));
  w.q_lhs.reserve(gemm.lhs_bytes(kQueries, D));
  w.p_lhs.reserve(gemm.lhs_bytes(kQueries, ld));
  w.scores.reserve((size_t)kQueries * ld);
  w.p.reserve((size_t)kQueries * ld);
  w.out.reserve((size_t)kQueries * D);
  gemm.pack_rhs(D, s.columns, Source<KV>{s.k, s.kv_ld, true}, w.k_columns.data());
  gemm.pack_rhs(s.columns, D, Source<KV>{s.v, s.kv_ld, false}, w.v_rows.data());

  for (int begin = 0; begin < s.rows; begin += kQueries) {
    const int rows = std::min(kQueries, s.rows - begin), columns = visible(begin + rows - 1);
    gemm.pack_lhs(rows, D, Source<T>{s.q + (long)begin * s.q_ld, s.q_ld, false}, w.q_lhs.data());
    gemm.multiply(rows, columns, D, w.q_lhs.data(), w.k_columns.data(), D, w.scores.data(), ld, false);
    for (int r = 0; r < rows; r++) {
      const float l = model.k.softmax(columns, visible(begin + r), scale, w.scores.data() + (long)r * ld,
                                      w.p.data() + (long)r * ld);
      if (lse != nullptr) lse[begin + r] = l;
    }
    gemm.pack_lhs(rows, columns, Source<T>{w.p.data(), ld, false}, w.p_lhs.data());
    gemm.multiply(rows, D, columns, w.p_lhs.data(), w.v_rows.data(), s.columns, w.out.data(), D, false);
    for (int r = 0; r < rows; r++) model.k.convert(D, w.out.data() + r * D, s.o + (long)(begin + r) * s.o_ld);
  }
}

template <class T>
void attention_forward(const Model<T>& model, const Sample& s, int head, const T* qkv, T* o, float* lse,
                       AttentionScratch<T>& w) {
  const Config& c = model.config;
  const int row = c.qkv_width(), A = c.query_width(), kv = c.kv_head(head), n = s.length;
  const T* base = qkv + (long)s.begin * row;
  T* out = o + (long)s.begin * A + head * c.head_dim();
  const HeadView<T> view = {base + model.q_at(head), base + model.k_at(kv), base + model.v_at(kv), out, row, row, A, n,
                            n,                       /*before=*/0,          s.sep};
  attention_forward(model, view, lse, w);
}

// With P = softmax(S), S = scale q k^T: dV = P^T dO, dP = dO V^T, dS = scale P (dP - rowsum(dO O)), dQ = dS K,
// dK = dS^T Q. P is computed again from lse.
template <class T>
void attention_backward(const Model<T>& model, const HeadView<T>& s, const HeadGradient<T>& d,
                        AttentionScratch<T>& w) {
  const Gemm& gemm = model.gemm;
  const int D = model.config.head_dim(), n = s.columns, ld = round_up(n, 64);
  const float scale = 1.0f / std::sqrt(static_cast<float>(D));
  auto visible = [&](int row) { return std::max(s.sep, s.before + row + 1); };

  w.k_columns.reserve(gemm.rhs_bytes(D, n));
  w.v_columns.reserve(gemm.rhs_bytes(D, n));
  w.k_rows.reserve(gemm.rhs_bytes(n, D));
  w.q_lhs.reserve(gemm.lhs_bytes(kQueries, D));
  w.g_lhs.reserve(gemm.lhs_bytes(kQueries, D));
  w.q_rhs.reserve(gemm.rhs_bytes(kQueries, D));
  w.g_rhs.reserve(gemm.rhs_bytes(kQueries, D));
  w.p_lhs.reserve(std::max(gemm.lhs_bytes(kQueries, ld), gemm.lhs_bytes(ld, kQueries)));
  w.scores.reserve((size_t)kQueries * ld);
  w.d_scores.reserve((size_t)kQueries * ld);
  w.p.reserve((size_t)kQueries * ld);
  w.ds.reserve((size_t)kQueries * ld);
  w.dk.reserve((size_t)n * D);
  w.dv.reserve((size_t)n * D);
  std::memset(w.dk.data(), 0, sizeof(float) * n * D);
  std::memset(w.dv.data(), 0, sizeof(float) * n * D);
  gemm.pack_rhs(D, n, Source<T>{s.k, s.kv_ld, true}, w.k_columns.data());
  gemm.pack_rhs(D, n, Source<T>{s.v, s.kv_ld, true}, w.v_columns.data());
  gemm.pack_rhs(n, D, Source<T>{s.k, s.kv_ld, false}, w.k_rows.data());

  for (int begin = 0; begin < s.rows; begin += kQueries) {
    const int rows = std::min(kQueries, s.rows - begin), columns = visible(begin + rows - 1);
    const T *o = d.o + (long)begin * s.o_ld, *d_o = d.d_o + (long)begin * s.o_ld;
    const Source<T> q_rows = {s.q + (long)begin * s.q_ld, s.q_ld, false}, g_rows = {d_o, s.o_ld, false};
    gemm.pack_lhs(rows, D, q_rows, w.q_lhs.data());
    gemm.pack_lhs(rows, D, g_rows, w.g_lhs.data());
    gemm.pack_rhs(rows, D, q_rows, w.q_rhs.data());
    gemm.pack_rhs(rows, D, g_rows, w.g_rhs.data());
    gemm.multiply(rows, columns, D, w.q_lhs.data(), w.k_columns.data(), D, w.scores.data(), ld, false);
    gemm.multiply(rows, columns, D, w.g_lhs.data(), w.v_columns.data(), D, w.d_scores.data(), ld, false);
    for (int r = 0; r < rows; r++) {
      const float delta = model.k.dot(D, o + (long)r * s.o_ld, d_o + (long)r * s.o_ld);
      model.k.softmax_backward(columns, visible(begin + r), scale, d.lse[begin + r], delta,
                               w.scores.data() + (long)r * ld, w.d_scores.data() + (long)r * ld,
                               w.p.data() + (long)r * ld, w.ds.data() + (long)r * ld);
    }
    gemm.pack_lhs(columns, rows, Source<T>{w.p.data(), ld, true}, w.p_lhs.data());
    gemm.multiply(columns, D, rows, w.p_lhs.data(), w.g_rhs.data(), rows, w.dv.data(), D, true);
    gemm.pack_lhs(columns, rows, Source<T>{w.ds.data(), ld, true}, w.p_lhs.data());
    gemm.multiply(columns, D, rows, w.p_lhs.data(), w.q_rhs.data(), rows, w.dk.data(), D, true);
    gemm.pack_lhs(rows, columns, Source<T>{w.ds.data(), ld, false}, w.p_lhs.data());
    gemm.multiply(rows, D, columns, w.p_lhs.data(), w.k_rows.data(), n, d.d_q + (long)begin * d.d_q_ld, d.d_q_ld,
                  false);
  }
  for (int r = 0; r < n; r++) {
    std::memcpy(d.d_k + (long)r * d.d_kv_ld, w.dk.data() + (long)r * D, sizeof(float) * D);
    std::memcpy(d.d_v + (long)r * d.d_kv_ld, w.dv.data() + (long)r * D, sizeof(float) * D);
  }
}

template <class T>
void attention_backward(const Model<T>& model, const Sample& s, int head, const T* qkv, const T* o, const float* lse,
                        const T* d_o, float* d_qkv, AttentionScratch<T>& w) {
  const Config& c = model.config;
  const int row = c.qkv_width(), A = c.query_width(), n = s.length;
  const int q = model.q_at(head), k = model.k_at(head), v = model.v_at(head);
  const T* base = qkv + (long)s.begin * row;
  const long out = (long)s.begin * A + head * c.head_dim();
  float* d = d_qkv + (long)s.begin * row;
  const HeadView<T> view = {base + q, base + k, base + v, nullptr, row, row, A, n, n, /*before=*/0, s.sep};
  attention_backward(model, view, HeadGradient<T>{o + out, d_o + out, lse, d + q, d + k, d + v, row, row}, w);
}

template void attention_forward(const Model<float>&, const HeadView<float>&, float*, AttentionScratch<float>&);
template void attention_forward(const Model<float>&, const HeadView<float, bf16>&, float*, AttentionScratch<float>&);
template void attention_forward(const Model<bf16>&, const HeadView<bf16>&, float*, AttentionScratch<bf16>&);
template void attention_forward(const Model<half>&, const HeadView<half>&, float*, AttentionScratch<half>&);
template void attention_forward(const Model<float>&, const Sample&, int, const float*, float*, float*,
                                AttentionScratch<float>&);
template void attention_forward(const Model<bf16>&, const Sample&, int, const bf16*, bf16*, float*,
                                AttentionScratch<bf16>&);
template void attention_forward(const Model<half>&, const Sample&, int, const half*, half*, float*,
                                AttentionScratch<half>&);
template void attention_backward(const Model<float>&, const HeadView<float>&, const HeadGradient<float>&,
                                 AttentionScratch<float>&);
template void attention_backward(const Model<bf16>&, const HeadView<bf16>&, const HeadGradient<bf16>&,
                                 AttentionScratch<bf16>&);
template void attention_backward(const Model<half>&, const HeadView<half>&, const HeadGradient<half>&,
                                 AttentionScratch<half>&);
template void attention_backward(const Model<float>&, const Sample&, int, const float*, const float*, const float*,
                                 const float*, float*, AttentionScratch<float>&);
template void attention_backward(const Model<bf16>&, const Sample&, int, const bf16*, const bf16*, const float*,
                                 const bf16*, float*, AttentionScratch<bf16>&);
template void attention_backward(const Model<half>&, const Sample&, int, const half*, const half*, const float*,
                                 const half*, float*, AttentionScratch<half>&);

}  // namespace cloze
