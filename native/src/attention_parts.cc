// What is local to a row of a layer's attentions. In the cross-attention of an encoder-decoder the decoder's rows ask and
// the encoder's normed output answers; neither queries nor keys are turned: where a row of Part A stands is in what the
// encoder makes of it (as in T5, arXiv 1910.10683, and BART, arXiv 1910.13461).
#include "model.h"

namespace cloze {

template <class T>
AttentionPart<T> Model<T>::self_attention(int layer, const LayerRows<T>& s) const {
  const LayerOffsets& o = layout.layers[layer];
  return {s.x,     s.qkv,   s.o,     s.mean1,   s.rstd1,   s.attention_out,   s.mean3,           s.rstd3,    o.ln1_g,
          o.ln1_b, o.qkv_w, o.qkv_b, o.dense_w, o.dense_b, o.attention_out_g, o.attention_out_b, qkv(layer), dense(layer)};
}

template <class T>
AttentionPart<T> Model<T>::cross_attention(int layer, const LayerRows<T>& s) const {
  const CrossOffsets& o = layout.layers[layer].cross;
  const CrossRows<T>& rows = s.cross;
  return {rows.x,        rows.q,    rows.o,    rows.mean, rows.rstd, rows.out,
          rows.out_mean, rows.out_rstd, o.norm_g,  o.norm_b,  o.query_w, o.query_b,
          o.dense_w,     o.dense_b, o.out_g,   o.out_b,   cross_query(layer), cross_dense(layer)};
}

template <class T>
void Model<T>::finish_attention(const AttentionPart<T>& a, int begin, int end, T* y, Scratch<T>& w,
                                ThreadPool* team) const {
  const int C = config.hidden, n = end - begin;
  const bool carries_norm = config.carries_norm(), sandwich = config.norm == Norm::sandwich;
  const T* x = a.x + (long)begin * C;
  float *normed = w.normed.data(), *c = w.product.data();
  // The residual is LN(x) in DeepNorm's form (its alpha times it), x itself in the others.
  if (carries_norm) {
    k.layernorm_apply(n, C, x, at(a.norm_g), bias(a.norm_b), a.mean + begin, a.rstd + begin, normed);
  } else {
    k.widen(n * C, x, normed);
  }
  product(a.o + (long)begin * config.query_width(), n, a.dense_packed, c, w, team);
  if (sandwich) {
    finish_output(n, c, a.dense_b, a.out_g, a.out_b, a.out == nullptr ? nullptr : a.out + (long)begin * C,
                  a.out_mean == nullptr ? nullptr : a.out_mean + begin,
                  a.out_rstd == nullptr ? nullptr : a.out_rstd + begin, w);
  }
  k.add_bias_residual(n, C, c, bias(sandwich ? kAbsent : a.dense_b), carries_norm ? config.alpha : 1.0f, normed,
                      y + (long)begin * C);
}

template <class T>
void Model<T>::project_cross_query(int layer, int begin, int end, LayerRows<T>& s, Scratch<T>& w,
                                   ThreadPool* team) const {
  const CrossOffsets& o = layout.layers[layer].cross;
  const int C = config.hidden, A = config.query_width(), n = end - begin;
  finish_attention(self_attention(layer, s), begin, end, s.cross.x, w, team);
  normalize(k, n, s.cross.x + (long)begin * C, o.norm_g, o.norm_b, w.normed.data(), s.cross.mean + begin,
            s.cross.rstd + begin);
  product(w.normed.data(), n, cross_query(layer), w.product.data(), w, team);
  k.add_bias(n, A, w.product.data(), A, bias(o.query_b), s.cross.q + (long)begin * A, A);
}

template <class T>
template <class U>
void Model<T>::project_memory(int layer, const U* memory, int n, T* key_values, Scratch<T>& w, ThreadPool* team) const {
  const int width = 2 * config.query_width();
  product(memory, n, cross_key_value(layer), w.product.data(), w, team);
  k.add_bias(n, width, w.product.data(), width, bias(layout.layers[layer].cross.key_value_b), key_values, width);
}

template AttentionPart<float> Model<float>::self_attention(int, const LayerRows<float>&) const;
template AttentionPart<bf16> Model<bf16>::self_attention(int, const LayerRows<bf16>&) const;
template AttentionPart<half> Model<half>::self_attention(int, const LayerRows<half>&) const;
template void Model<float>::finish_attention(const AttentionPart<float>&, int, int, float*, Scratch<float>&,
                                             ThreadPool*) const;
template void Model<bf16>::finish_attention(const AttentionPart<bf16>&, int, int, bf16*, Scratch<bf16>&,
                                            ThreadPool*) const;
template void Model<half>::finish_attention(const AttentionPart<half>&, int, int, half*, Scratch<half>&,
                                            ThreadPool*) const;
template AttentionPart<float> Model<float>::cross_attention(int, const LayerRows<float>&) const;
template AttentionPart<bf16> Model<bf16>::cross_attention(int, const LayerRows<bf16>&) const;
template AttentionPart<half> Model<half>::cross_attention(int, const LayerRows<half>&) const;
template void Model<float>::project_cross_query(int, int, int, LayerRows<float>&, Scratch<float>&, ThreadPool*) const;
template void Model<bf16>::project_cross_query(int, int, int, LayerRows<bf16>&, Scratch<bf16>&, ThreadPool*) const;
template void Model<half>::project_cross_query(int, int, int, LayerRows<half>&, Scratch<half>&, ThreadPool*) const;
template void Model<float>::project_memory(int, const float*, int, float*, Scratch<float>&, ThreadPool*) const;
template void Model<bf16>::project_memory(int, const float*, int, bf16*, Scratch<bf16>&, ThreadPool*) const;
template void Model<half>::project_memory(int, const float*, int, half*, Scratch<half>&, ThreadPool*) const;
template void Model<bf16>::project_memory(int, const bf16*, int, bf16*, Scratch<bf16>&, ThreadPool*) const;
template void Model<half>::project_memory(int, const half*, int, half*, Scratch<half>&, ThreadPool*) const;

}  // namespace cloze
