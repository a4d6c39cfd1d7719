#include "cpu_runtime.h"

#include <cmath>

namespace cloze {

template <class T, class KV>
void CpuRuntime<T, KV>::run(const Rows& rows, int first, int last, Visible visible,
                            const std::atomic<bool>& cancel) {
  Model<T>& m = model;
  const int H = m.config.heads, n = rows.count;
  prepare(n);
  LayerRows<T> s = {x.data(),     qkv.data(),   o.data(),     h.data(),    u.data(),
                    mean1.data(), rstd1.data(), mean2.data(), rstd2.data()};
  s.cross = {cross_x.data(), cross_q.data(), cross_o.data(), cross_mean.data(), cross_rstd.data()};
  const bool kept = first >= m.config.first_decoder();
  for_rows(n, [&](int begin, int end, int t, ThreadPool* team) {
    m.embed(rows, begin, end, s.x, s.mean1, s.rstd1);
    m.project_qkv(first, rows, begin, end, s, m.scratch()[t], team);
    if (kept) remember(first, begin, end);
  });
  for (int l = first; l < last; l++) {
    if (cancel.load(std::memory_order_relaxed)) throw Cancelled();
    if (visible == Visible::all) {
      m.pool.parallel_for(H, [&](int h, int t) {
        attention_forward(m, Sample{0, n, n}, h, s.qkv, s.o, nullptr, attention[t]);
      });
    } else if (visible == Visible::causal_block) {
      m.pool.parallel_for(H, [&](int h, int t) { attend_block(l, n, h, s, t); });
    } else if (m.config.is_decoder(l)) {
      attend_twice(l, n, s);
    } else {
      // Head by head: sessions that share what was read find it in the second-level cache.
      m.pool.parallel_for(n * H, [&](int i, int t) { attend_row(l, i % n, i / n, s, t); });
    }
    for_rows(n, [&](int begin, int end, int t, ThreadPool* team) {
      m.finish_layer(l, begin, end, s, s.x, m.scratch()[t], team);
      if (l + 1 == last) return;
      m.project_qkv(l + 1, rows, begin, end, s, m.scratch()[t], team);
      if (kept) remember(l + 1, begin, end);
    });
  }
}

template <class T, class KV>
void CpuRuntime<T, KV>::prepare(size_t n) {
  const size_t C = model.config.hidden, up = model.config.up_of(model.config.widest_inner());
  for (auto* b : {&x, &h}) b->reserve(n * C);
  o.reserve(n * model.config.query_width());
  qkv.reserve(n * model.config.qkv_width());
  u.reserve(n * up);
  for (auto* b : {&mean1, &rstd1, &mean2, &rstd2}) b->reserve(n);
  final_x.reserve(n * C);
  if (model.config.decoder_layers == 0) return;
  cross_x.reserve(n * C);
  for (auto* b : {&cross_q, &cross_o}) b->reserve(n * model.config.query_width());
  for (auto* b : {&cross_mean, &cross_rstd}) b->reserve(n);
  memory_kv.reserve(n * 2 * model.config.query_width());
}

template <class T, class KV>
void CpuRuntime<T, KV>::remember(int layer, int begin, int end) {
  const int D = model.config.head_dim();
  for (int r = begin; r < end; r++) {
    const T* row = qkv.data() + (long)r * model.config.qkv_width();
    const auto& [cache, at] = places[r];
    KV *keys = cache->keys(cached(layer), at), *values = cache->values(cached(layer), at);
    for (int g = 0; g < model.config.kv_heads; g++) {
      keep(D, row + model.k_at(g), keys + g * D);
      keep(D, row + model.v_at(g), values + g * D);
    }
  }
}

template <class T, class KV>
void CpuRuntime<T, KV>::attend_block(int layer, int n, int h, LayerRows<T>& s, int thread) {
  const Config& c = model.config;
  const int D = c.head_dim(), held = places[0].at;
  CachedRows<KV> pieces[2];
  places[0].cache->look(layer, c.kv_head(h) * D, held + n, pieces);
  const HeadView<T, KV> view = {s.qkv + model.q_at(h), pieces[0].k,     pieces[0].v,     s.o + h * D,
                                c.qkv_width(),         c.kv_width(),    c.query_width(), n,
                                held + n,              /*before=*/held, /*sep=*/0};
  attention_forward(model, view, nullptr, attention[thread]);
}

template <class T, class KV>
void CpuRuntime<T, KV>::attend_row(int layer, int r, int h, LayerRows<T>& s, int thread) {
  const Config& c = model.config;
  const int D = c.head_dim();
  const auto& [cache, at] = places[r];
  CachedRows<KV> pieces[2];
  cache->look(layer, c.kv_head(h) * D, at + 1, pieces);
  attend(*cache, pieces, s.qkv + (long)r * c.qkv_width() + model.q_at(h), s.o + (long)r * c.query_width() + h * D,
         thread);
}

template <class T, class KV>
void CpuRuntime<T, KV>::attend(const SequenceCache<KV>& cache, const CachedRows<KV> pieces[2], const T* query, T* out,
                               int thread) {
  const int D = model.config.head_dim();
  Buffer<float>& space = scores[thread];
  space.reserve(cache.capacity() + 2 * D);
  float *q = space.data() + cache.capacity(), *found = q + D;
  model.k.widen(D, query, q);
  kernels<KV>(model.level).attend_row(D, model.config.kv_width(), 1.0f / std::sqrt(static_cast<float>(D)), q, pieces,
                                      space.data(), found);
  model.k.convert(D, found, out);
}

// Of a decoder's sequence the first piece is what the layer reads of Part A, the second what it has kept of Part B.
template <class T, class KV>
void CpuRuntime<T, KV>::attend_twice(int layer, int n, LayerRows<T>& s) {
  const Config& c = model.config;
  const int D = c.head_dim(), A = c.query_width();
  const CachedRows<KV> none = {nullptr, nullptr, 0};
  model.pool.parallel_for(n * c.heads, [&](int i, int t) {
    const int r = i % n, h = i / n;
    const auto& [cache, at] = places[r];
    CachedRows<KV> pieces[2];
    cache->look(cached(layer), h * D, at + 1, pieces);
    pieces[0] = none;
    attend(*cache, pieces, s.qkv + (long)r * c.qkv_width() + model.q_at(h), s.o + (long)r * A + h * D, t);
  });
  for_rows(n, [&](int begin, int end, int t, ThreadPool* team) {
    model.project_cross_query(layer, begin, end, s, model.scratch()[t], team);
  });
  model.pool.parallel_for(n * c.heads, [&](int i, int t) {
    const int r = i % n, h = i / n;
    const auto& [cache, at] = places[r];
    CachedRows<KV> pieces[2];
    cache->look(cached(layer), h * D, at + 1, pieces);
    pieces[1] = none;
    attend(*cache, pieces, s.cross.q + (long)r * A + h * D, s.cross.o + (long)r * A + h * D, t);
  });
}

template <class T, class KV>
void CpuRuntime<T, KV>::remember_memory(int n) {
  const Config& c = model.config;
  const int C = c.hidden, A = c.query_width();
  const Layout& layout = model.layout;
  for_rows(n, [&](int begin, int end, int t, ThreadPool* team) {
    Scratch<T>& w = model.scratch()[t];
    float* memory = w.normed.data();
    model.normalize(model.k, end - begin, x.data() + (long)begin * C, layout.memory_g, layout.memory_b, memory,
                    w.mean.data(), w.rstd.data());
    T* rows = memory_kv.data() + (long)begin * 2 * A;
    for (int l = c.first_decoder(); l < c.layers; l++) {
      model.project_memory(l, memory, end - begin, rows, w, team);
      for (int r = begin; r < end; r++) {
        const auto& [cache, at] = places[r];
        const T* row = memory_kv.data() + (long)r * 2 * A;
        keep(A, row, cache->keys(cached(l), at));
        keep(A, row + A, cache->values(cached(l), at));
      }
    }
  });
}

#define CLOZE_INSTANTIATE(T, KV)                                                                       \
  template void CpuRuntime<T, KV>::run(const Rows&, int, int, Visible, const std::atomic<bool>&);      \
  template void CpuRuntime<T, KV>::prepare(size_t);                                                    \
  template void CpuRuntime<T, KV>::remember_memory(int);
CLOZE_INSTANTIATE(float, float)
CLOZE_INSTANTIATE(float, bf16)
CLOZE_INSTANTIATE(bf16, bf16)

}  // namespace cloze
