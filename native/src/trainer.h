// Forward and backward passes of blank infilling over a batch of samples of different lengths (no padding), and AdamW.
// All sums over rows are made in a fixed order, so that a run repeats exactly for any number of threads.
#pragma once
#include <memory>

#include "adapters.h"
#include "muon.h"
#include "step_clock.h"
#include "trainer_parts.h"

namespace cloze {

constexpr int kGradientDepth = 1024;  // rows summed in one product of a weight gradient
constexpr int kGradientBlock = 192;   // output rows of a weight gradient in one work item
constexpr int kHeadRows = 96;         // rows of logits a thread computes at once
constexpr int kHeadChunk = 960;       // rows whose gradients of the logits are kept at once

// What `evaluate` can tell of the counted rows.
struct RowOutputs {
  std::vector<float> losses;         // before row_weights
  std::vector<uint8_t> first;        // 1 where no token's logit is above the target's
  std::vector<float> choice_logits;  // rows x choices
};

struct LossSum {
  double sum;  // cross-entropy in nats over the counted rows, times their weights
  long count;
};

struct AdamW {
  float beta1 = 0.9f, beta2 = 0.95f, eps = 1e-8f, weight_decay = 0.1f;
  bool decay_all = false;  // else matrices and embeddings only, as Megatron does
  float muon = 0;          // momentum of Muon for the projections within the layers; 0: AdamW for them too
};

template <class T>
class Trainer {
 public:
  Trainer(const Config& config, Level level, int threads);

  Model<T> model;
  Buffer<float> gradients, moment1, moment2;
  long steps = 0;
  StepClock clock;
  // From `adapt` on they alone are trained, by AdamW: `update` moves nothing else, and the gradient of the output matrix
  // and the embedding is left out.
  std::unique_ptr<Adapters> adapters;

  void adapt(int rank, float scale);
  // The gradients of the adapters from those of the weights.
  void pull_back() { adapters->pull_back(gemm_for<float>(model.level), model.pool, gradients.data()); }
  // Call after every change of parameters.
  void pack();
  void zero_gradients();
  // Adds the gradients of `weight` times the summed cross-entropy; `embedding_shrink` multiplies the part of the
  // embedding's gradient that comes back through the looked-up vectors (GLM-130B's EGS; 1 leaves it whole), `head_shrink`
  // the part that comes from its use as the output matrix, where it is tied.
  LossSum forward_backward(const Batch& batch, float weight, float embedding_shrink, float head_shrink);
  LossSum evaluate(const Batch& batch, RowOutputs* outputs = nullptr);
  // The counted rows after the last norm, rows x C: what the output matrix, or a head of one's own, is applied to.
  std::vector<float> hidden_states(const Batch& batch);
  // Adds the gradients of a loss whose gradient at those rows is `d_hidden`; the output matrix has no part in it.
  void backward_hidden(const Batch& batch, const float* d_hidden);
  // Divides the gradients by `loss_scale`, which their loss was multiplied by, clips them to `clip` (0: not at all) in global
  // L2 norm, makes one step and packs the weights again. Returns the norm before clipping; where that is no finite
  // number, nothing else has happened.
  double update(const AdamW& options, float lr, float clip, float loss_scale);
  double gradient_norm(const Tensor& tensor) const;
  // Of every tensor, in the order of the layout.
  std::vector<double> gradient_norms() const;

  std::atomic<bool> cancel{false};

 private:
  // What a layer keeps for its backward pass; T elements and floats of each field are per row.
  struct Kept {
    Buffer<T> x, qkv, o, h, u;
    Buffer<float> mean1, rstd1, mean2, rstd2, lse;
    Buffer<T> attention_out, mlp_out;  // of a sandwich
    Buffer<float> mean3, rstd3, mean4, rstd4;
    Buffer<float> embedding_mean, embedding_rstd;  // of the first layer of a stack, where there is that norm
    // Of a decoder layer: its cross-attention, and keys and values [rows of Part A, 2 C].
    Buffer<T> cross_x, cross_q, cross_o, cross_out, memory_kv;
    Buffer<float> cross_mean, cross_rstd, cross_out_mean, cross_out_rstd, cross_lse;
  };
  // Places of one attention's vectors in a block's stretch of partial sums.
  struct AttentionSums {
    long norm_g, norm_b, dense_b, out_g, out_b, in_b;
  };

  void prepare(int rows);
  LayerRows<T> rows_of(int layer);
  void prepare_decoder(Kept& kept, size_t rows);
  // Returns the rows that predict: the batch, or Part B of an encoder-decoder.
  const Batch& forward(const Batch& batch);
  // Layers [from, to); what the last one gives goes to `out`.
  void forward_layers(const Batch& batch, int from, int to, T* out);
  // Both attentions' rows between a decoder layer's heads: from what self-attention gives to what cross-attention does.
  void forward_cross(int layer, const Batch& batch);
  HeadView<T> cross_view(int layer, size_t sample, int head);
  LossSum head(const Batch& batch, float weight, float shrink, bool backward, RowOutputs* outputs = nullptr);
  // The loss of a row with choices or smoothing; `logits` become their gradient.
  float fine_tuning_loss(const Batch& batch, int target, float weight, float* logits) const;
  // The rows that count; their last norm goes to head_x_ and head_rows_.
  std::vector<int> normalize_counted(const Batch& batch);
  // From head_dx_ through the last norm to dx_.
  void backward_final_norm(const std::vector<int>& counted);
  void backward_layers(const Batch& batch, float embedding_shrink);
  // From d_memory_ through the encoder.
  void backward_encoder(float embedding_shrink);
  void backward_layer(int layer, const Batch& batch);
  // From the gradient of cross-attention's heads in d_o_ to that of self-attention's, dh_ being that of what each adds.
  void backward_cross(int layer, const Batch& batch);
  // Rows [begin, end) of a layer: dx_ -> dh_ through the feed-forward layer; dh_ -> d_o_ through an attention's output
  // projection; d_qkv_ (rows of `width`) -> dx through its input projection and norm, without the residual of pre-LN.
  void backward_feed_forward(int layer, const LayerRows<T>& s, int begin, int end, int thread);
  void backward_attention_output(const AttentionPart<T>& a, const AttentionSums& at, int begin, int end, int thread);
  void backward_attention_input(const AttentionPart<T>& a, const AttentionSums& at, int width, int begin, int end,
                                int thread, float* dx);
  void reduce_attention(const AttentionPart<T>& a, const AttentionSums& at, int width, int blocks);
  void backward_embedding(const Batch& batch, int first_layer, float shrink);
  // gradient [out, in] += dy^T x over the rows of the batch.
  void weight_gradient(int rows, int out, int in, const T* dy, const T* x, float* gradient);
  // Adds the per-block partial sums of a vector's gradient, in order; nothing where the model has no such vector.
  void reduce_partials(int blocks, int width, long partial_at, long gradient_at);
  // dx = the gradient through a norm of m rows; those of gain and shift are added to partial_g and partial_b.
  template <class U>
  void normalize_backward(const Kernels<U>& kernels, int m, const float* dy, const U* x, long gain, const float* mean,
                          const float* rstd, float* dx, float* partial_g, float* partial_b) const;
  void backward_embedding_norm(const Batch& batch, int first_layer);
  // Floats of the partial sums of one block: of the feed-forward layer (gain, shift, bias, outer gain and shift, then the
  // wide bias), of self-attention, and in a decoder layer of cross-attention and its keys and values.
  long partial_width() const {
    return 13L * model.config.hidden + model.config.up() + (model.config.decoder_layers > 0 ? 8L * model.config.hidden : 0);
  }
  AttentionSums attention_sums(long at) const {
    const long C = model.config.hidden;
    return {at, at + C, at + 2 * C, at + 3 * C, at + 4 * C, at + 5 * C};
  }
  AttentionSums self_sums() const { return attention_sums(5L * model.config.hidden + model.config.up()); }
  AttentionSums cross_sums() const { return attention_sums(self_sums().in_b + 3L * model.config.hidden); }
  long memory_sums() const { return cross_sums().in_b + model.config.hidden; }
  float* grad(long offset) { return gradients.data() + offset; }
  void check_cancel() {
    if (!cancel.load(std::memory_order_relaxed)) return;
    clock.enter(Phase::idle);
    throw Cancelled();
  }

  std::vector<Kept> kept_;
  Buffer<T> final_x_;
  Buffer<float> final_mean_, final_rstd_;
  // Of an encoder-decoder: the batch's parts; what the encoder gives, before and after its last norm.
  PartRows part_a_, part_b_;
  Buffer<T> memory_x_, memory_, d_memory_kv_t_;
  Buffer<float> memory_mean_, memory_rstd_, d_memory_, d_memory_kv_;
  std::vector<AttentionScratch<T>> attention_;
  // Backward buffers, shared by all layers.
  Buffer<float> dx_, dh_, d_qkv_, head_x_, head_dx_, partials_;
  Buffer<T> d_out_, act_, du_, normed_, dh_t_, d_o_, d_qkv_t_, head_rows_, d_logits_;
  std::vector<Buffer<float>> logits_;     // per thread
  std::vector<Buffer<char>> block_lhs_;   // per thread
  std::vector<Buffer<float>> block_wide_; // per thread
  Buffer<char> shared_rhs_;
  std::vector<MuonScratch> muon_;  // per thread
  int capacity_ = 0;
};

extern template class Trainer<float>;
extern template class Trainer<bf16>;
extern template class Trainer<half>;

}  // namespace cloze
