// What one head attends over: rows of queries, columns of keys and values, each with the distance of its rows.
// Row i sees the first max(sep, before + i + 1) columns; `before` columns lie before that of the first row.
#pragma once

namespace cloze {

template <class T, class KV = T>
struct HeadView {
  const T* q;
  const KV *k, *v;
  T* o;
  int q_ld, kv_ld, o_ld, rows, columns, before, sep;
};

}  // namespace cloze
