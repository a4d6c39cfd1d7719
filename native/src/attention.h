// Attention with GLM's visibility for one head of one sample: row i sees column j when j < sep (Part A) or j <= i. The
// visible columns of a row are therefore always its first max(sep, i + 1): two numbers per sample, no mask.
// Blocks of query rows are computed against all their columns, so no T x T matrix is kept.
#pragma once
#include "head_view.h"
#include "model.h"

namespace cloze {

// One sample's rows within a batch: [begin, begin + length), of which the first `sep` are Part A.
struct Sample {
  int begin, length, sep;
};

template <class T>
struct AttentionScratch {
  Buffer<char> k_columns, v_rows, v_columns, k_rows, q_lhs, p_lhs, g_lhs, q_rhs, g_rhs;
  Buffer<float> scores, d_scores, out, dk, dv;
  Buffer<T> p, ds;
  Buffer<char> words;
};

// o = softmax(q k^T / sqrt(D)) v; lse [rows] is kept for the backward pass (may be null).
template <class T, class KV>
void attention_forward(const Model<T>& model, const HeadView<T, KV>& view, float* lse, AttentionScratch<T>& w);

// The same for a head of one sample, whose queries, keys and values lie in the rows of qkv.
template <class T>
void attention_forward(const Model<T>& model, const Sample& sample, int head, const T* qkv, T* o, float* lse,
                       AttentionScratch<T>& w);

// Gradients of queries, keys and values from d_o; those of the view's rows and columns are overwritten.
template <class T>
void attention_backward(const Model<T>& model, const HeadView<T>& view, const HeadGradient<T>& gradient,
                        AttentionScratch<T>& w);

// The same for a head of one sample: d_qkv from d_o; o and lse are what the forward pass wrote. All rows are those of the whole batch. Only for models
// with as many key/value heads as heads.
template <class T>
void attention_backward(const Model<T>& model, const Sample& sample, int head, const T* qkv, const T* o,
                        const float* lse, const T* d_o, float* d_qkv, AttentionScratch<T>& w);

}  // namespace cloze
