// What one head attends over: rows of queries, columns of keys and values, each with the distance of its rows.
// Row i sees the first max(sep, before + i + 1) columns, which must be there; `before` of them lie before that of the
// first row.
#pragma once

namespace cloze {

template <class T, class KV = T>
struct HeadView {
  const T* q;
  const KV *k, *v;
  T* o;
  int q_ld, kv_ld, o_ld, rows, columns, before, sep;
};

// What the backward pass of one head reads and writes beside its view; o and d_o have the view's distance of rows.
template <class T>
struct HeadGradient {
  const T *o, *d_o;
  const float* lse;
  float *d_q, *d_k, *d_v;
  int d_q_ld, d_kv_ld;
};

}  // namespace cloze
