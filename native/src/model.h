// Weights of one GLM and the pieces of its forward pass that work on a block of rows (tokens). Between two attentions
// everything is local to a row, so a block of rows goes from the attention's output to the next layer's queries, keys
// and values without leaving the second-level cache. Training keeps what the pieces write; inference overwrites it.
#pragma once
#include <algorithm>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <vector>

#include "buffer.h"
#include "config.h"
#include "gemm.h"
#include "quantized.h"
#include "thread_pool.h"
#include "word_attention.h"

namespace cloze {

// A multiple of every level's row block (32, 12, 6, 4).
constexpr int kRowBlock = 96;

struct Cancelled : std::runtime_error {
  Cancelled() : std::runtime_error("cancelled") {}
};

// Tokens with both position rows.
struct Rows {
  int count;
  const int32_t* tokens;
  const int32_t* positions;
  const int32_t* block_positions;
};

// A weight matrix [out, in] packed for y = x W^T (forward) and, in training, for dx = dy W (backward).
struct PackedWeight {
  int out = 0, in = 0;
  QuantFormat format;  // of `forward`
  Buffer<char> forward, backward;
};

// Rows [begin, begin + count) of a matrix in the bytes of a file.
struct StoredRows {
  int begin, count;
  Stored type;
  const char* bytes;
};

// The same of one that is quantised, as `QuantizedGemm::pack_stored` takes them.
struct WholeRows {
  int begin, count;
  QuantFormat format;
  const int8_t* q;
  const uint16_t* scales;
};

// Weights are packed by blocks of columns that divide it, at every level.
constexpr int kRowsTogether = 128;

// What the cross-attention of a decoder layer writes for its rows: the self-attention's result, queries made of it, what
// the heads give, and what is added (see LayerRows).
template <class T>
struct CrossRows {
  T *x = nullptr, *q = nullptr, *o = nullptr;
  float *mean = nullptr, *rstd = nullptr;
  T* out = nullptr;
  float *out_mean = nullptr, *out_rstd = nullptr;
};

// What a layer writes for its rows; T x width, row-major. Inference points all layers at the same memory.
template <class T>
struct LayerRows {
  T *x, *qkv, *o, *h, *u;
  float *mean1, *rstd1, *mean2, *rstd2;
  // What attention and feed-forward layer gave before the outer norms of a sandwich; null where nobody asks for it.
  T *attention_out = nullptr, *mlp_out = nullptr;
  float *mean3 = nullptr, *rstd3 = nullptr, *mean4 = nullptr, *rstd4 = nullptr;
  CrossRows<T> cross = {};
};

// One of a layer's attentions: its rows (`in`: what heads read, made of the normed x), and its parameters.
template <class T>
struct AttentionPart {
  T *x, *in, *o;
  float *mean, *rstd;
  T* out;
  float *out_mean, *out_rstd;
  long norm_g, norm_b, in_w, in_b, dense_w, dense_b, out_g, out_b;
  const PackedWeight &in_packed, &dense_packed;
};

// Work space of one thread.
template <class T>
struct Scratch {
  Buffer<char> lhs;
  Buffer<float> product;  // kRowBlock x widest output
  Buffer<float> normed;   // kRowBlock x C
  Buffer<T> act;          // kRowBlock x F
  Buffer<int8_t> q;       // QuantizedRows of kRowBlock rows
  Buffer<float> q_scales;
  Buffer<int32_t> q_sums;
  Buffer<float> mean, rstd;  // kRowBlock, of a norm that nobody looks at again
  Buffer<float> head_rstd;   // of the norms of a row's heads
  // Of experts: rows of one of them and the sum over all, kRowBlock x C; scores of a row; each row's choice.
  Buffer<float> gathered, routed, expert_scores, expert_shares;
  Buffer<int> chosen, expert_rows;
};

template <class T>
class Model {
 public:
  // Only a model for training has its matrices in `values` and packs them for the backward pass. `format` is what the
  // matrices of an inference model of float activations are quantised to; embedding and head take 8 bits by row then.
  Model(const Config& config, Level level, int threads, bool training, QuantFormat format = {});

  const Config config;
  const Layout layout;
  const Level level;
  const Kernels<T>& k;
  const Kernels<float>& kf;
  const Gemm& gemm;
  const QuantizedGemm& quantized;
  const WordAttention* words;  // of a quantised model
  ThreadPool pool;
  Buffer<float> values;  // layout.total parameters

  // Packs all matrices from `values`; call after every change of them. Only for training.
  void pack();
  // Takes the values of a tensor, matrices straight into their packed form. Only for inference.
  void set(const Tensor& tensor, const float* from);
  // The same of some rows as they are stored; the first is a multiple of kRowsTogether, and all are given in the end.
  void set_rows(const Tensor& tensor, const StoredRows& rows);
  // The same from whole numbers and scales. Only for packed tensors of a quantised model.
  void set_stored(const Tensor& tensor, const WholeRows& rows);

  const float* at(long offset) const { return values.data() + offset; }
  // The bias or shift at an offset, zeros where there is none.
  const float* bias(long offset) const { return offset == kAbsent ? no_bias_.data() : at(offset); }
  const PackedWeight& qkv(int layer) const { return packed_[layer * 4]; }
  const PackedWeight& dense(int layer) const { return packed_[layer * 4 + 1]; }
  const PackedWeight& up(int layer) const { return packed_[layer * 4 + 2]; }
  const PackedWeight& down(int layer) const { return packed_[layer * 4 + 3]; }
  const PackedWeight& expert_up(int layer, int e) const { return packed_[config.expert_at(layer, e)]; }
  const PackedWeight& expert_down(int layer, int e) const { return packed_[config.expert_at(layer, e) + 1]; }
  const PackedWeight& cross_query(int layer) const { return packed_[config.cross_at(layer)]; }
  const PackedWeight& cross_key_value(int layer) const { return packed_[config.cross_at(layer) + 1]; }
  const PackedWeight& cross_dense(int layer) const { return packed_[config.cross_at(layer) + 2]; }
  const PackedWeight& head() const { return packed_[config.layers * 4]; }

  // x[r] = embedding of rows [begin, end), through its norm where it has one (BLOOM's, arXiv 2211.05100): mean and rstd
  // are then those of the rows.
  void embed(const Rows& rows, int begin, int end, T* x, float* mean, float* rstd) const;
  // y [C] = the sum of what is looked up for a row, before that norm.
  void look_up(const Rows& rows, int row, float* y) const;
  // At most kRowBlock rows. A `team` shares the outputs of each product; it must not be at work already.
  // Norm, projection and rotation of rows [begin, end) of a layer: s.x -> s.qkv.
  void project_qkv(int layer, const Rows& rows, int begin, int end, LayerRows<T>& s, Scratch<T>& w,
                   ThreadPool* team = nullptr) const;
  // In a decoder layer, between its attentions: s.o, s.x -> s.cross.x, s.cross.q.
  void project_cross_query(int layer, int begin, int end, LayerRows<T>& s, Scratch<T>& w,
                           ThreadPool* team = nullptr) const;
  // Keys and values [n, 2 query_width] that a decoder layer reads, of n rows of the encoder's normed output.
  template <class U>
  void project_memory(int layer, const U* memory, int n, T* key_values, Scratch<T>& w, ThreadPool* team = nullptr) const;
  // Output projection, residual and MLP: s.o, s.x (in a decoder layer s.cross.o, s.cross.x) -> s.h, s.u -> next_x (the
  // layer's output).
  void finish_layer(int layer, int begin, int end, LayerRows<T>& s, T* next_x, Scratch<T>& w,
                    ThreadPool* team = nullptr) const;
  // c [n, W.out] = x [n, W.in] W^T. Rows of bf16 only where weights are not quantised.
  template <class U>
  void product(const U* x, int n, const PackedWeight& weight, float* c, Scratch<T>& w, ThreadPool* team) const;

  // Norm of n rows with the gain (and, unless it is RMSNorm, the shift) at these offsets; RMSNorm's mean is 0, so that
  // one formula, layernorm_apply, gives y again.
  template <class U>
  void normalize(const Kernels<U>& kernels, int n, const U* x, long gain, long shift, float* y, float* mean,
                 float* rstd) const;

  // Turns the queries and keys in rows of qkv_width floats or Ts by the rows' positions; sign -1 turns gradients back.
  template <class U>
  void rotate(const Kernels<U>& kernels, const Rows& rows, int begin, int end, float sign, U* qkv) const;

  // Offsets of query head h and of key/value head g in a row of qkv.
  int q_at(int h) const { return (config.qkv_per_head ? 3 * h : h) * config.head_dim(); }
  int k_at(int g) const { return (config.qkv_per_head ? 3 * g + 1 : config.heads + g) * config.head_dim(); }
  int v_at(int g) const {
    return (config.qkv_per_head ? 3 * g + 2 : config.heads + config.kv_heads + g) * config.head_dim();
  }

  AttentionPart<T> self_attention(int layer, const LayerRows<T>& s) const;
  AttentionPart<T> cross_attention(int layer, const LayerRows<T>& s) const;

  std::vector<Scratch<T>>& scratch() { return scratch_; }

 private:
  void reserve_experts(Scratch<T>& w) const;
  // The experts of one normed row and the shares of what they give, by sigmoid scores; w.expert_scores is overwritten.
  void choose_experts(int layer, const float* row, int* chosen, float* shares, Scratch<T>& w) const;
  // w.routed [n, C] = the shared-out sum of what each row's experts make of x [n, C]; u has room for their activations.
  // Only weights of experts that some row has chosen are read.
  void route(int layer, int n, const float* x, T* u, Scratch<T>& w, ThreadPool* team) const;

  // A matrix [out, in] to be packed.
  struct Unpacked {
    PackedWeight* weight;
    const float* from;
  };
  void pack_forward(const std::vector<Unpacked>& matrices);
  void pack_backward(const std::vector<Unpacked>& matrices);
  // Packs outputs [begin, begin + count), whose values row(n, out) gives.
  template <class F>
  void pack_rows(PackedWeight& weight, int begin, int count, const F& row);
  // Packs all outputs of a quantised weight by pack(begin, end, where).
  template <class F>
  void pack_quantized(PackedWeight& weight, int first, int count, const F& pack);

  // y = what the attention's heads give, through its output projection, and the residual beside it.
  void finish_attention(const AttentionPart<T>& a, int begin, int end, T* y, Scratch<T>& w, ThreadPool* team) const;
  // c [n, C] = what attention or feed-forward layer adds: with its bias, and in a sandwich through the outer norm.
  void finish_output(int n, float* c, long bias_at, long gain, long shift, T* kept, float* mean, float* rstd,
                     Scratch<T>& w) const;

  std::vector<PackedWeight> packed_;
  std::vector<Scratch<T>> scratch_;
  Buffer<float> no_bias_;
  Buffer<float> cosine_, sine_;  // [max_length + 2, half]
  int half_ = 0;
};

// Runs fn(begin, end, thread) over blocks of kRowBlock rows.
template <class F>
void for_row_blocks(ThreadPool& pool, int rows, const F& fn) {
  pool.parallel_for((rows + kRowBlock - 1) / kRowBlock, [&](int b, int t) {
    const int begin = b * kRowBlock, end = begin + kRowBlock < rows ? begin + kRowBlock : rows;
    fn(begin, end, t);
  });
}

extern template class Model<float>;
extern template class Model<bf16>;
extern template class Model<half>;

}  // namespace cloze
