// The backward pass of a layer and of the embedding; the mirror of Model's row-local pieces (model.cc).
#include "trainer.h"

namespace cloze {

template <class T>
void Trainer<T>::weight_gradient(int rows, int out, int in, const T* dy, const T* x, float* gradient) {
  const Gemm& gemm = model.gemm;
  const int panel = gemm.column_block * 4;
  shared_rhs_.reserve(gemm.rhs_bytes(kGradientDepth, in));
  for (int begin = 0; begin < rows; begin += kGradientDepth) {
    const int depth = std::min(kGradientDepth, rows - begin);
    const T *dy_rows = dy + (long)begin * out, *x_rows = x + (long)begin * in;
    model.pool.parallel_for((in + panel - 1) / panel, [&](int p, int) {
      const int column = p * panel, columns = std::min(panel, in - column);
      gemm.pack_rhs(depth, columns, Source<T>{x_rows + column, in, false},
                    shared_rhs_.data() + gemm.rhs_bytes(depth, column));
    });
    model.pool.parallel_for((out + kGradientBlock - 1) / kGradientBlock, [&](int block, int t) {
      const int row = block * kGradientBlock, m = std::min(kGradientBlock, out - row);
      gemm.pack_lhs(m, depth, Source<T>{dy_rows + row, out, true}, block_lhs_[t].data());
      gemm.multiply(m, in, depth, block_lhs_[t].data(), shared_rhs_.data(), depth, gradient + (long)row * in, in, true);
    });
  }
}

template <class T>
void Trainer<T>::reduce_partials(int blocks, int width, long partial_at, long gradient_at) {
  if (gradient_at == kAbsent) return;
  float* gradient = grad(gradient_at);
  for (int block = 0; block < blocks; block++) {
    const float* partial = partials_.data() + block * partial_width() + partial_at;
    for (int i = 0; i < width; i++) gradient[i] += partial[i];
  }
}

template <class T>
template <class U>
void Trainer<T>::normalize_backward(const Kernels<U>& kernels, int m, const float* dy, const U* x, long gain,
                                    const float* mean, const float* rstd, float* dx, float* partial_g,
                                    float* partial_b) const {
  const int C = model.config.hidden;
  if (model.config.norm_kind == NormKind::rms_norm) {
    kernels.rmsnorm_backward(m, C, dy, x, model.at(gain), rstd, dx, partial_g);
  } else {
    kernels.layernorm_backward(m, C, dy, x, model.at(gain), mean, rstd, dx, partial_g, partial_b);
  }
}

template <class T>
void Trainer<T>::backward_feed_forward(int l, const LayerRows<T>& s, int begin, int end, int t) {
  const Config& c = model.config;
  const LayerOffsets& o = model.layout.layers[l];
  const Kernels<T>& k = model.k;
  const FloatKernels& fk = float_kernels(model.level);
  const int C = c.hidden, F = c.inner, up = c.up(), m = end - begin;
  const bool carries_norm = c.carries_norm(), sandwich = c.norm == Norm::sandwich;
  float* partial = partials_.data() + (begin / kRowBlock) * partial_width();
  char* lhs = block_lhs_[t].data();
  float *product = model.scratch()[t].product.data(), *normed = model.scratch()[t].normed.data();
  float *d_normed = block_wide_[t].data(), *dx = dx_.data() + (long)begin * C, *dh = dh_.data() + (long)begin * C;
  T* du = du_.data() + (long)begin * up;

  const float* d_out = dx;
  if (sandwich) {
    normalize_backward(k, m, dx, s.mlp_out + (long)begin * C, o.mlp_out_g, s.mean4 + begin, s.rstd4 + begin, d_normed,
                       partial + 3 * C, partial + 4 * C);
    d_out = d_normed;
  }
  k.convert(m * C, d_out, d_out_.data() + (long)begin * C);
  model.kf.column_sums(m, C, d_out, C, partial + 2 * C);
  model.gemm.pack_lhs(m, C, Source<float>{d_out, C, false}, lhs);
  model.gemm.multiply(m, F, C, lhs, model.down(l).backward.data(), C, product, F, false);
  k.activate_backward(c.activation, m, F, s.u + (long)begin * up, product, du, act_.data() + (long)begin * F);
  k.column_sums(m, up, du, up, partial + 5 * C);

  model.gemm.pack_lhs(m, up, Source<T>{du, up, false}, lhs);
  model.gemm.multiply(m, C, up, lhs, model.up(l).backward.data(), up, d_normed, C, false);
  if (carries_norm) fk.axpy((long)m * C, c.alpha, dx, d_normed);
  k.layernorm_apply(m, C, s.h + (long)begin * C, model.at(o.ln2_g), model.bias(o.ln2_b), s.mean2 + begin,
                    s.rstd2 + begin, normed);
  k.convert(m * C, normed, normed_.data() + (long)begin * C);
  normalize_backward(k, m, d_normed, s.h + (long)begin * C, o.ln2_g, s.mean2 + begin, s.rstd2 + begin, dh, partial,
                     partial + C);
  if (!carries_norm) fk.axpy((long)m * C, 1.0f, dx, dh);
}

template <class T>
void Trainer<T>::backward_attention_output(const AttentionPart<T>& a, const AttentionSums& at, int begin, int end,
                                           int t) {
  const int C = model.config.hidden, m = end - begin;
  float* partial = partials_.data() + (begin / kRowBlock) * partial_width();
  char* lhs = block_lhs_[t].data();
  float *product = model.scratch()[t].product.data(), *d_out = block_wide_[t].data();
  const float* d_attention = dh_.data() + (long)begin * C;
  if (model.config.norm == Norm::sandwich) {
    normalize_backward(model.k, m, d_attention, a.out + (long)begin * C, a.out_g, a.out_mean + begin,
                       a.out_rstd + begin, d_out, partial + at.out_g, partial + at.out_b);
    d_attention = d_out;
  }
  model.k.convert(m * C, d_attention, dh_t_.data() + (long)begin * C);
  model.kf.column_sums(m, C, d_attention, C, partial + at.dense_b);
  model.gemm.pack_lhs(m, C, Source<float>{d_attention, C, false}, lhs);
  model.gemm.multiply(m, C, C, lhs, a.dense_packed.backward.data(), C, product, C, false);
  model.k.convert(m * C, product, d_o_.data() + (long)begin * C);
}

template <class T>
void Trainer<T>::backward_attention_input(const AttentionPart<T>& a, const AttentionSums& at, int width, int begin,
                                          int end, int t, float* dx) {
  const Config& c = model.config;
  const Kernels<T>& k = model.k;
  const int C = c.hidden, m = end - begin;
  float* partial = partials_.data() + (begin / kRowBlock) * partial_width();
  float *d_in = d_qkv_.data() + (long)begin * width, *normed = model.scratch()[t].normed.data();
  float *d_normed = block_wide_[t].data(), *dh = dh_.data() + (long)begin * C;
  model.kf.column_sums(m, width, d_in, width, partial + at.in_b);
  k.convert(m * width, d_in, d_qkv_t_.data() + (long)begin * width);
  model.gemm.pack_lhs(m, width, Source<float>{d_in, width, false}, block_lhs_[t].data());
  model.gemm.multiply(m, C, width, block_lhs_[t].data(), a.in_packed.backward.data(), width, d_normed, C, false);
  if (c.carries_norm()) float_kernels(model.level).axpy((long)m * C, c.alpha, dh, d_normed);
  k.layernorm_apply(m, C, a.x + (long)begin * C, model.at(a.norm_g), model.bias(a.norm_b), a.mean + begin,
                    a.rstd + begin, normed);
  k.convert(m * C, normed, normed_.data() + (long)begin * C);
  normalize_backward(k, m, d_normed, a.x + (long)begin * C, a.norm_g, a.mean + begin, a.rstd + begin, dx,
                     partial + at.norm_g, partial + at.norm_b);
}

template <class T>
void Trainer<T>::reduce_attention(const AttentionPart<T>& a, const AttentionSums& at, int width, int blocks) {
  const int C = model.config.hidden;
  reduce_partials(blocks, C, at.norm_g, a.norm_g);
  reduce_partials(blocks, C, at.norm_b, a.norm_b);
  reduce_partials(blocks, C, at.dense_b, a.dense_b);
  reduce_partials(blocks, C, at.out_g, a.out_g);
  reduce_partials(blocks, C, at.out_b, a.out_b);
  reduce_partials(blocks, width, at.in_b, a.in_b);
}

template <class T>
void Trainer<T>::backward_layer(int l, const Batch& batch) {
  const Config& c = model.config;
  const LayerOffsets& o = model.layout.layers[l];
  const int C = c.hidden, F = c.inner, up = c.up(), H = c.heads, n = batch.rows.count;
  const bool crosses = c.is_decoder(l);
  const LayerRows<T> s = rows_of(l);
  const AttentionPart<T> self = model.self_attention(l, s), last = crosses ? model.cross_attention(l, s) : self;
  const AttentionSums self_at = self_sums(), last_at = crosses ? cross_sums() : self_at;
  const int blocks = (n + kRowBlock - 1) / kRowBlock;
  clock.enter(Phase::layers_backward);
  std::memset(partials_.data(), 0, sizeof(float) * blocks * partial_width());

  // dx_ holds the gradient of the layer's output.
  for_row_blocks(model.pool, n, [&](int begin, int end, int t) {
    backward_feed_forward(l, s, begin, end, t);
    backward_attention_output(last, last_at, begin, end, t);
  });
  clock.enter(Phase::weight_gradients);
  weight_gradient(n, C, F, d_out_.data(), act_.data(), grad(o.down_w));
  weight_gradient(n, up, C, du_.data(), normed_.data(), grad(o.up_w));
  weight_gradient(n, C, C, dh_t_.data(), last.o, grad(last.dense_w));
  if (crosses) backward_cross(l, batch);

  clock.enter(Phase::attention_backward);
  model.pool.parallel_for(static_cast<int>(batch.samples.size()) * H, [&](int item, int t) {
    const Sample& sample = batch.samples[item / H];
    const int h = item % H;
    attention_backward(model, sample, h, s.qkv, s.o, kept_[l].lse.data() + (long)h * n + sample.begin, d_o_.data(),
                       d_qkv_.data(), attention_[t]);
  });

  clock.enter(Phase::layers_backward);
  for_row_blocks(model.pool, n, [&](int begin, int end, int t) {
    float *dx = dx_.data() + (long)begin * C, *dh = dh_.data() + (long)begin * C;
    model.rotate(model.kf, batch.rows, begin, end, -1.0f, d_qkv_.data() + (long)begin * 3 * C);
    backward_attention_input(self, self_at, 3 * C, begin, end, t, dx);
    if (!c.carries_norm()) float_kernels(model.level).axpy((long)(end - begin) * C, 1.0f, dh, dx);
  });
  clock.enter(Phase::weight_gradients);
  weight_gradient(n, 3 * C, C, d_qkv_t_.data(), normed_.data(), grad(o.qkv_w));

  clock.enter(Phase::layers_backward);
  reduce_partials(blocks, C, 0, o.ln2_g);
  reduce_partials(blocks, C, C, o.ln2_b);
  reduce_partials(blocks, C, 2 * C, o.down_b);
  reduce_partials(blocks, C, 3 * C, o.mlp_out_g);
  reduce_partials(blocks, C, 4 * C, o.mlp_out_b);
  reduce_partials(blocks, up, 5 * C, o.up_b);
  reduce_attention(self, self_at, 3 * C, blocks);
}

template <class T>
void Trainer<T>::backward_embedding_norm(const Batch& batch, int first) {
  const Layout& layout = model.layout;
  const int C = model.config.hidden, n = batch.rows.count, blocks = (n + kRowBlock - 1) / kRowBlock;
  std::memset(partials_.data(), 0, sizeof(float) * blocks * partial_width());
  for_row_blocks(model.pool, n, [&](int begin, int end, int t) {
    const int m = end - begin;
    float* partial = partials_.data() + begin / kRowBlock * partial_width();
    float *sums = model.scratch()[t].normed.data(), *d_sums = block_wide_[t].data();
    for (int r = begin; r < end; r++) model.look_up(batch.rows, r, sums + (long)(r - begin) * C);
    float* dx = dx_.data() + (long)begin * C;
    normalize_backward(model.kf, m, dx, sums, layout.embedding_g, kept_[first].embedding_mean.data() + begin,
                       kept_[first].embedding_rstd.data() + begin, d_sums, partial, partial + C);
    std::memcpy(dx, d_sums, sizeof(float) * m * C);
  });
  reduce_partials(blocks, C, 0, layout.embedding_g);
  reduce_partials(blocks, C, C, layout.embedding_b);
}

template <class T>
void Trainer<T>::backward_embedding(const Batch& batch, int first, float shrink) {
  if (adapters) return;
  const FloatKernels& fk = float_kernels(model.level);
  const Layout& layout = model.layout;
  const int C = model.config.hidden, slices = model.pool.threads();
  const bool learned = model.config.positions == Positions::learned_2d;
  if (model.config.embedding_norm) backward_embedding_norm(batch, first);
  // Threads own columns, not tokens: the rows of frequent tokens are summed in the order of the batch.
  model.pool.parallel_for(slices, [&](int slice, int) {
    const int from = slice * C / slices, width = (slice + 1) * C / slices - from;
    for (int r = 0; r < batch.rows.count; r++) {
      const float* dx = dx_.data() + (long)r * C + from;
      fk.axpy(width, shrink, dx, grad(layout.embedding) + (long)batch.rows.tokens[r] * C + from);
      if (!learned) continue;
      fk.axpy(width, 1.0f, dx, grad(layout.position) + (long)batch.rows.positions[r] * C + from);
      fk.axpy(width, 1.0f, dx, grad(layout.block_position) + (long)batch.rows.block_positions[r] * C + from);
    }
  });
}

// Embeddings are normed in float, whatever T is.
template void Trainer<bf16>::normalize_backward(const Kernels<float>&, int, const float*, const float*, long,
                                               const float*, const float*, float*, float*, float*) const;
template void Trainer<half>::normalize_backward(const Kernels<float>&, int, const float*, const float*, long,
                                               const float*, const float*, float*, float*, float*) const;
#define CLOZE_INSTANTIATE(T)                                                                                       \
  template void Trainer<T>::backward_layer(int, const Batch&);                                                     \
  template void Trainer<T>::backward_feed_forward(int, const LayerRows<T>&, int, int, int);                        \
  template void Trainer<T>::backward_attention_output(const AttentionPart<T>&, const AttentionSums&, int, int, int); \
  template void Trainer<T>::backward_attention_input(const AttentionPart<T>&, const AttentionSums&, int, int, int, \
                                                     int, float*);                                                 \
  template void Trainer<T>::reduce_attention(const AttentionPart<T>&, const AttentionSums&, int, int);             \
  template void Trainer<T>::reduce_partials(int, int, long, long);                                                 \
  template void Trainer<T>::normalize_backward(const Kernels<T>&, int, const float*, const T*, long, const float*, \
                                               const float*, float*, float*, float*) const;                        \
  template void Trainer<T>::backward_embedding_norm(const Batch&, int);                                            \
  template void Trainer<T>::backward_embedding(const Batch&, int, float);                                          \
  template void Trainer<T>::weight_gradient(int, int, int, const T*, const T*, float*);
CLOZE_INSTANTIATE(float)
CLOZE_INSTANTIATE(bf16)
CLOZE_INSTANTIATE(half)

}  // namespace cloze
