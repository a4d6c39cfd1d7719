// Forward and backward passes of blank infilling over a batch of samples of different lengths (no padding), and AdamW.
// All sums over rows are made in a fixed order, so that a run repeats exactly for any number of threads.
#pragma once
#include <memory>

#include "adapters.h"
#include "attention.h"
#include "muon.h"
#include "step_clock.h"

namespace cloze {

constexpr int kGradientDepth = 1024;  // rows summed in one product of a weight gradient
constexpr int kGradientBlock = 192;   // output rows of a weight gradient in one work item
constexpr int kHeadRows = 96;         // rows of logits a thread computes at once
constexpr int kHeadChunk = 960;       // rows whose gradients of the logits are kept at once

struct Batch {
  Rows rows;
  std::vector<Sample> samples;
  const int32_t* targets;      // already shifted: what each row has to predict
  const uint8_t* loss_mask;    // 1 where the row counts
  // Fine-tuning (trainer_head.cc); null, empty and 0 are pretraining's plain cross-entropy.
  const float* row_weights = nullptr;  // of all rows: factors of their losses
  std::vector<int32_t> choices;        // the softmax is over the logits of these tokens alone
  float smoothing = 0;                 // share of the target that is spread evenly over the vocabulary
};

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
  // Clips the gradients to `clip` (0: not at all) in global L2 norm, makes one step and packs the weights again.
  // Returns the norm before clipping.
  double update(const AdamW& options, float lr, float clip);
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
  };

  void prepare(int rows);
  LayerRows<T> rows_of(int layer);
  void forward(const Batch& batch);
  LossSum head(const Batch& batch, float weight, float shrink, bool backward, RowOutputs* outputs = nullptr);
  // The loss of a row with choices or smoothing; `logits` become their gradient.
  float fine_tuning_loss(const Batch& batch, int target, float weight, float* logits) const;
  // The rows that count; their last norm goes to head_x_ and head_rows_.
  std::vector<int> normalize_counted(const Batch& batch);
  // From head_dx_ through the last norm to dx_.
  void backward_final_norm(const std::vector<int>& counted);
  void backward_layers(const Batch& batch, float embedding_shrink);
  void backward_layer(int layer, const Batch& batch);
  void backward_embedding(const Batch& batch, float shrink);
  // gradient [out, in] += dy^T x over the rows of the batch.
  void weight_gradient(int rows, int out, int in, const T* dy, const T* x, float* gradient);
  // Adds the per-block partial sums of a vector's gradient, in order; nothing where the model has no such vector.
  void reduce_partials(int blocks, int width, long partial_at, long gradient_at);
  // dx = the gradient through a norm of m rows; those of gain and shift are added to partial_g and partial_b.
  template <class U>
  void normalize_backward(const Kernels<U>& kernels, int m, const float* dy, const U* x, long gain, const float* mean,
                          const float* rstd, float* dx, float* partial_g, float* partial_b) const;
  void backward_embedding_norm(const Batch& batch);
  // Floats of the partial sums of one block: gains and shifts of the norms, and biases.
  long partial_width() const { return 13L * model.config.hidden + model.config.up(); }
  float* grad(long offset) { return gradients.data() + offset; }
  void check_cancel() {
    if (!cancel.load(std::memory_order_relaxed)) return;
    clock.enter(Phase::idle);
    throw Cancelled();
  }

  std::vector<Kept> kept_;
  Buffer<T> final_x_;
  Buffer<float> final_mean_, final_rstd_, embedding_mean_, embedding_rstd_;
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

}  // namespace cloze
