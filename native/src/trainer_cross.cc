// What the trainer does for an encoder-decoder beside its layers' other work: cross-attention forward and backward, and
// the way from the decoder back into the encoder.
#include "trainer.h"

namespace cloze {

template <class T>
void Trainer<T>::prepare_decoder(Kept& kept, size_t n) {
  const size_t C = model.config.hidden;
  for (auto* b : {&kept.cross_x, &kept.cross_q, &kept.cross_o}) b->reserve(n * C);
  kept.memory_kv.reserve(n * 2 * C);
  kept.cross_mean.reserve(n);
  kept.cross_rstd.reserve(n);
  kept.cross_lse.reserve(n * model.config.heads);
  for (auto* b : {&memory_x_, &memory_}) b->reserve(n * C);
  for (auto* b : {&memory_mean_, &memory_rstd_}) b->reserve(n);
  d_memory_.reserve(n * C);
  d_memory_kv_.reserve(n * 2 * C);
  d_memory_kv_t_.reserve(n * 2 * C);
  if (model.config.norm != Norm::sandwich) return;
  kept.cross_out.reserve(n * C);
  kept.cross_out_mean.reserve(n);
  kept.cross_out_rstd.reserve(n);
}

// Rows of the decoder over all rows of the same sample's Part A: their own columns lie before the first of these.
template <class T>
HeadView<T> Trainer<T>::cross_view(int layer, size_t sample, int head) {
  const int C = model.config.hidden, D = model.config.head_dim();
  const Sample &asks = part_b_.batch.samples[sample], &answers = part_a_.batch.samples[sample];
  const long row = (long)asks.begin * C + head * D;
  const T* keys = kept_[layer].memory_kv.data() + (long)answers.begin * 2 * C + head * D;
  return {kept_[layer].cross_q.data() + row, keys, keys + C, kept_[layer].cross_o.data() + row, C, 2 * C, C,
          asks.length, answers.length, /*before=*/-asks.length, /*sep=*/answers.length};
}

template <class T>
void Trainer<T>::forward_cross(int l, const Batch& batch) {
  const int C = model.config.hidden, H = model.config.heads, n = batch.rows.count;
  LayerRows<T> s = rows_of(l);
  Kept& kept = kept_[l];
  clock.enter(Phase::layers_forward);
  for_row_blocks(model.pool, part_a_.batch.rows.count, [&](int begin, int end, int t) {
    model.project_memory(l, memory_.data() + (long)begin * C, end - begin, kept.memory_kv.data() + (long)begin * 2 * C,
                         model.scratch()[t]);
  });
  for_row_blocks(model.pool, n,
                 [&](int begin, int end, int t) { model.project_cross_query(l, begin, end, s, model.scratch()[t]); });
  clock.enter(Phase::attention_forward);
  model.pool.parallel_for(static_cast<int>(batch.samples.size()) * H, [&](int item, int t) {
    const int sample = item / H, h = item % H;
    attention_forward(model, cross_view(l, sample, h),
                      kept.cross_lse.data() + (long)h * n + batch.samples[sample].begin, attention_[t]);
  });
}

template <class T>
void Trainer<T>::backward_cross(int l, const Batch& batch) {
  const Config& c = model.config;
  const CrossOffsets& o = model.layout.layers[l].cross;
  const FloatKernels& fk = float_kernels(model.level);
  const int C = c.hidden, D = c.head_dim(), H = c.heads, n = batch.rows.count, read = part_a_.batch.rows.count;
  const LayerRows<T> s = rows_of(l);
  const AttentionPart<T> self = model.self_attention(l, s), cross = model.cross_attention(l, s);
  const AttentionSums self_at = self_sums(), cross_at = cross_sums();
  clock.enter(Phase::attention_backward);
  model.pool.parallel_for(static_cast<int>(batch.samples.size()) * H, [&](int item, int t) {
    const int sample = item / H, h = item % H, first = batch.samples[sample].begin;
    const long row = (long)first * C + h * D;
    float* d_keys = d_memory_kv_.data() + (long)part_a_.batch.samples[sample].begin * 2 * C + h * D;
    attention_backward(model, cross_view(l, sample, h),
                       HeadGradient<T>{cross.o + row, d_o_.data() + row, kept_[l].cross_lse.data() + (long)h * n + first,
                                       d_qkv_.data() + row, d_keys, d_keys + C, C, 2 * C},
                       attention_[t]);
  });

  clock.enter(Phase::layers_backward);
  for_row_blocks(model.pool, n, [&](int begin, int end, int t) {
    const long count = (long)(end - begin) * C;
    float *dh = dh_.data() + (long)begin * C, *dx = model.scratch()[t].product.data();
    backward_attention_input(cross, cross_at, C, begin, end, t, dx);
    if (c.carries_norm()) {
      std::memcpy(dh, dx, sizeof(float) * count);
    } else {
      fk.axpy(count, 1.0f, dx, dh);
    }
    backward_attention_output(self, self_at, begin, end, t);
  });
  clock.enter(Phase::weight_gradients);
  weight_gradient(n, C, C, d_qkv_t_.data(), normed_.data(), grad(o.query_w));
  weight_gradient(n, C, C, dh_t_.data(), self.o, grad(self.dense_w));
  clock.enter(Phase::layers_backward);
  reduce_attention(cross, cross_at, C, (n + kRowBlock - 1) / kRowBlock);

  for_row_blocks(model.pool, read, [&](int begin, int end, int t) {
    const int m = end - begin;
    const float* d_kv = d_memory_kv_.data() + (long)begin * 2 * C;
    float* sums = partials_.data() + (begin / kRowBlock) * partial_width() + memory_sums();
    std::memset(sums, 0, sizeof(float) * 2 * C);
    model.kf.column_sums(m, 2 * C, d_kv, 2 * C, sums);
    model.k.convert(m * 2 * C, d_kv, d_memory_kv_t_.data() + (long)begin * 2 * C);
    model.gemm.pack_lhs(m, 2 * C, Source<float>{d_kv, 2 * C, false}, block_lhs_[t].data());
    model.gemm.multiply(m, C, 2 * C, block_lhs_[t].data(), model.cross_key_value(l).backward.data(), 2 * C,
                        d_memory_.data() + (long)begin * C, C, true);
  });
  clock.enter(Phase::weight_gradients);
  weight_gradient(read, 2 * C, C, d_memory_kv_t_.data(), memory_.data(), grad(o.key_value_w));
  reduce_partials((read + kRowBlock - 1) / kRowBlock, 2 * C, memory_sums(), o.key_value_b);
}

template <class T>
void Trainer<T>::backward_encoder(float embedding_shrink) {
  const Layout& layout = model.layout;
  const Batch& batch = part_a_.batch;
  const int C = model.config.hidden, n = batch.rows.count, blocks = (n + kRowBlock - 1) / kRowBlock;
  clock.enter(Phase::layers_backward);
  std::memset(partials_.data(), 0, sizeof(float) * blocks * partial_width());
  for_row_blocks(model.pool, n, [&](int begin, int end, int) {
    float* partial = partials_.data() + begin / kRowBlock * partial_width();
    const long at = (long)begin * C;
    normalize_backward(model.k, end - begin, d_memory_.data() + at, memory_x_.data() + at, layout.memory_g,
                       memory_mean_.data() + begin, memory_rstd_.data() + begin, dx_.data() + at, partial, partial + C);
  });
  reduce_partials(blocks, C, 0, layout.memory_g);
  reduce_partials(blocks, C, C, layout.memory_b);
  for (int l = model.config.first_decoder() - 1; l >= 0; l--) {
    check_cancel();
    backward_layer(l, batch);
  }
  clock.enter(Phase::embedding);
  backward_embedding(batch, 0, embedding_shrink);
}

#define CLOZE_INSTANTIATE(T)                                                   \
  template void Trainer<T>::prepare_decoder(Kept&, size_t);                    \
  template HeadView<T> Trainer<T>::cross_view(int, size_t, int);               \
  template void Trainer<T>::forward_cross(int, const Batch&);                  \
  template void Trainer<T>::backward_cross(int, const Batch&);                 \
  template void Trainer<T>::backward_encoder(float);
CLOZE_INSTANTIATE(float)
CLOZE_INSTANTIATE(bf16)
CLOZE_INSTANTIATE(half)

}  // namespace cloze
