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
void Trainer<T>::backward_layer(int l, const Batch& batch) {
  const Config& c = model.config;
  const LayerOffsets& o = model.layout.layers[l];
  const Kernels<T>& k = model.k;
  const FloatKernels& fk = float_kernels(model.level);
  const int C = c.hidden, F = c.inner, up = c.up(), H = c.heads, n = batch.rows.count;
  const bool carries_norm = c.carries_norm(), sandwich = c.norm == Norm::sandwich;
  const LayerRows<T> s = rows_of(l);
  const int blocks = (n + kRowBlock - 1) / kRowBlock;
  // Offsets of the vectors' partial sums within a block's stretch.
  const long ln2_g = 0, ln2_b = C, down_b = 2 * C, up_b = 3 * C, dense_b = up_b + up, qkv_b = dense_b + C,
             ln1_g = qkv_b + 3 * C, ln1_b = ln1_g + C, attention_out_g = ln1_b + C, attention_out_b = attention_out_g + C,
             mlp_out_g = attention_out_b + C, mlp_out_b = mlp_out_g + C, stride = partial_width();
  clock.enter(Phase::layers_backward);
  std::memset(partials_.data(), 0, sizeof(float) * blocks * stride);

  // dx_ holds the gradient of the layer's output; through the MLP, the second norm and the output projection.
  for_row_blocks(model.pool, n, [&](int begin, int end, int t) {
    const int m = end - begin;
    float* partial = partials_.data() + (begin / kRowBlock) * stride;
    char* lhs = block_lhs_[t].data();
    float *product = model.scratch()[t].product.data(), *normed = model.scratch()[t].normed.data();
    float *d_normed = block_wide_[t].data(), *dx = dx_.data() + (long)begin * C, *dh = dh_.data() + (long)begin * C;
    T* du = du_.data() + (long)begin * up;

    const float* d_out = dx;
    if (sandwich) {
      normalize_backward(k, m, dx, s.mlp_out + (long)begin * C, o.mlp_out_g, s.mean4 + begin, s.rstd4 + begin, d_normed,
                         partial + mlp_out_g, partial + mlp_out_b);
      d_out = d_normed;
    }
    k.convert(m * C, d_out, d_out_.data() + (long)begin * C);
    model.kf.column_sums(m, C, d_out, C, partial + down_b);
    model.gemm.pack_lhs(m, C, Source<float>{d_out, C, false}, lhs);
    model.gemm.multiply(m, F, C, lhs, model.down(l).backward.data(), C, product, F, false);
    k.activate_backward(c.activation, m, F, s.u + (long)begin * up, product, du, act_.data() + (long)begin * F);
    k.column_sums(m, up, du, up, partial + up_b);

    model.gemm.pack_lhs(m, up, Source<T>{du, up, false}, lhs);
    model.gemm.multiply(m, C, up, lhs, model.up(l).backward.data(), up, d_normed, C, false);
    if (carries_norm) fk.axpy((long)m * C, c.alpha, dx, d_normed);
    k.layernorm_apply(m, C, s.h + (long)begin * C, model.at(o.ln2_g), model.bias(o.ln2_b), s.mean2 + begin,
                      s.rstd2 + begin, normed);
    k.convert(m * C, normed, normed_.data() + (long)begin * C);
    normalize_backward(k, m, d_normed, s.h + (long)begin * C, o.ln2_g, s.mean2 + begin, s.rstd2 + begin, dh,
                       partial + ln2_g, partial + ln2_b);
    if (!carries_norm) fk.axpy((long)m * C, 1.0f, dx, dh);

    const float* d_attention = dh;
    if (sandwich) {
      normalize_backward(k, m, dh, s.attention_out + (long)begin * C, o.attention_out_g, s.mean3 + begin,
                         s.rstd3 + begin, d_normed, partial + attention_out_g, partial + attention_out_b);
      d_attention = d_normed;
    }
    k.convert(m * C, d_attention, dh_t_.data() + (long)begin * C);
    model.kf.column_sums(m, C, d_attention, C, partial + dense_b);
    model.gemm.pack_lhs(m, C, Source<float>{d_attention, C, false}, lhs);
    model.gemm.multiply(m, C, C, lhs, model.dense(l).backward.data(), C, product, C, false);
    k.convert(m * C, product, d_o_.data() + (long)begin * C);
  });
  clock.enter(Phase::weight_gradients);
  weight_gradient(n, C, F, d_out_.data(), act_.data(), grad(o.down_w));
  weight_gradient(n, up, C, du_.data(), normed_.data(), grad(o.up_w));
  weight_gradient(n, C, C, dh_t_.data(), s.o, grad(o.dense_w));

  clock.enter(Phase::attention_backward);
  model.pool.parallel_for(static_cast<int>(batch.samples.size()) * H, [&](int item, int t) {
    const Sample& sample = batch.samples[item / H];
    const int h = item % H;
    attention_backward(model, sample, h, s.qkv, s.o, kept_[l].lse.data() + (long)h * n + sample.begin, d_o_.data(),
                       d_qkv_.data(), attention_[t]);
  });

  clock.enter(Phase::layers_backward);
  for_row_blocks(model.pool, n, [&](int begin, int end, int t) {
    const int m = end - begin;
    float* partial = partials_.data() + (begin / kRowBlock) * stride;
    float *d_qkv = d_qkv_.data() + (long)begin * 3 * C, *normed = model.scratch()[t].normed.data();
    float *d_normed = block_wide_[t].data(), *dx = dx_.data() + (long)begin * C, *dh = dh_.data() + (long)begin * C;
    model.rotate(model.kf, batch.rows, begin, end, -1.0f, d_qkv);
    model.kf.column_sums(m, 3 * C, d_qkv, 3 * C, partial + qkv_b);
    k.convert(m * 3 * C, d_qkv, d_qkv_t_.data() + (long)begin * 3 * C);
    model.gemm.pack_lhs(m, 3 * C, Source<float>{d_qkv, 3 * C, false}, block_lhs_[t].data());
    model.gemm.multiply(m, C, 3 * C, block_lhs_[t].data(), model.qkv(l).backward.data(), 3 * C, d_normed, C, false);
    if (carries_norm) fk.axpy((long)m * C, c.alpha, dh, d_normed);
    k.layernorm_apply(m, C, s.x + (long)begin * C, model.at(o.ln1_g), model.bias(o.ln1_b), s.mean1 + begin,
                      s.rstd1 + begin, normed);
    k.convert(m * C, normed, normed_.data() + (long)begin * C);
    normalize_backward(k, m, d_normed, s.x + (long)begin * C, o.ln1_g, s.mean1 + begin, s.rstd1 + begin, dx,
                       partial + ln1_g, partial + ln1_b);
    if (!carries_norm) fk.axpy((long)m * C, 1.0f, dh, dx);
  });
  clock.enter(Phase::weight_gradients);
  weight_gradient(n, 3 * C, C, d_qkv_t_.data(), normed_.data(), grad(o.qkv_w));

  clock.enter(Phase::layers_backward);
  reduce_partials(blocks, C, ln2_g, o.ln2_g);
  reduce_partials(blocks, C, ln2_b, o.ln2_b);
  reduce_partials(blocks, C, down_b, o.down_b);
  reduce_partials(blocks, up, up_b, o.up_b);
  reduce_partials(blocks, C, dense_b, o.dense_b);
  reduce_partials(blocks, 3 * C, qkv_b, o.qkv_b);
  reduce_partials(blocks, C, ln1_g, o.ln1_g);
  reduce_partials(blocks, C, ln1_b, o.ln1_b);
  reduce_partials(blocks, C, attention_out_g, o.attention_out_g);
  reduce_partials(blocks, C, attention_out_b, o.attention_out_b);
  reduce_partials(blocks, C, mlp_out_g, o.mlp_out_g);
  reduce_partials(blocks, C, mlp_out_b, o.mlp_out_b);
}

template <class T>
void Trainer<T>::backward_embedding_norm(const Batch& batch) {
  const Layout& layout = model.layout;
  const int C = model.config.hidden, n = batch.rows.count, blocks = (n + kRowBlock - 1) / kRowBlock;
  std::memset(partials_.data(), 0, sizeof(float) * blocks * partial_width());
  for_row_blocks(model.pool, n, [&](int begin, int end, int t) {
    const int m = end - begin;
    float* partial = partials_.data() + begin / kRowBlock * partial_width();
    float *sums = model.scratch()[t].normed.data(), *d_sums = block_wide_[t].data();
    for (int r = begin; r < end; r++) model.look_up(batch.rows, r, sums + (long)(r - begin) * C);
    float* dx = dx_.data() + (long)begin * C;
    normalize_backward(model.kf, m, dx, sums, layout.embedding_g, embedding_mean_.data() + begin,
                       embedding_rstd_.data() + begin, d_sums, partial, partial + C);
    std::memcpy(dx, d_sums, sizeof(float) * m * C);
  });
  reduce_partials(blocks, C, 0, layout.embedding_g);
  reduce_partials(blocks, C, C, layout.embedding_b);
}

template <class T>
void Trainer<T>::backward_embedding(const Batch& batch, float shrink) {
  const FloatKernels& fk = float_kernels(model.level);
  const Layout& layout = model.layout;
  const int C = model.config.hidden, slices = model.pool.threads();
  const bool learned = model.config.positions == Positions::learned_2d;
  if (model.config.embedding_norm) backward_embedding_norm(batch);
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

template void Trainer<float>::backward_layer(int, const Batch&);
template void Trainer<float>::reduce_partials(int, int, long, long);
template void Trainer<float>::normalize_backward(const Kernels<float>&, int, const float*, const float*, long, const float*,
                                               const float*, float*, float*, float*) const;
template void Trainer<float>::backward_embedding_norm(const Batch&);
template void Trainer<float>::backward_embedding(const Batch&, float);
template void Trainer<float>::weight_gradient(int, int, int, const float*, const float*, float*);
template void Trainer<bf16>::backward_layer(int, const Batch&);
template void Trainer<bf16>::reduce_partials(int, int, long, long);
template void Trainer<bf16>::normalize_backward(const Kernels<float>&, int, const float*, const float*, long,
                                               const float*, const float*, float*, float*, float*) const;
template void Trainer<bf16>::normalize_backward(const Kernels<bf16>&, int, const float*, const bf16*, long, const float*,
                                               const float*, float*, float*, float*) const;
template void Trainer<bf16>::backward_embedding_norm(const Batch&);
template void Trainer<bf16>::backward_embedding(const Batch&, float);
template void Trainer<bf16>::weight_gradient(int, int, int, const bf16*, const bf16*, float*);

}  // namespace cloze
