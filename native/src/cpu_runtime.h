// The one runtime: weights, and work space for the rows of a call. Defines: CpuRuntime, Visible.
#pragma once
#include <type_traits>

#include "session.h"

namespace cloze {

// What rows of a call see: each other and nothing else; or what is cached before them and each other up to themselves,
// computed as matrix products (many rows of one session) or row by row (a few, of any).
enum class Visible { all, causal_block, causal_rows };

// KV is what keys and values are cached as.
template <class T, class KV>
struct CpuRuntime : Runtime {
  // Where a row of a call goes: row `at` of a sequence.
  struct Place {
    SequenceCache<KV>* cache;
    int at;
  };

  CpuRuntime(const Config& config, Level level, int threads, QuantFormat format)
      : model(config, level, threads, /*training=*/false, format),
        is_quantized_(format.bits != 0),
        attention(threads) {
    scores.resize(threads);
  }
  const Config& config() const override { return model.config; }
  const Layout& layout() const override { return model.layout; }
  void set(const Tensor& tensor, const float* values) override {
    std::lock_guard<std::mutex> lock(busy);
    model.set(tensor, values);
  }
  void set_rows(const Tensor& tensor, const StoredRows& rows) override {
    std::lock_guard<std::mutex> lock(busy);
    model.set_rows(tensor, rows);
  }
  void set_stored(const Tensor& tensor, const WholeRows& rows) override {
    std::lock_guard<std::mutex> lock(busy);
    model.set_stored(tensor, rows);
  }
  bool is_quantized() const override { return is_quantized_; }
  std::unique_ptr<Session> open(int capacity) override;
  void extend(const std::vector<Step>& steps, const Rows& rows, float* logits,
              const std::atomic<bool>& cancel) override;

  // Layers [first, last) over `rows`; the result is in x. Those that Part B goes through put keys and values of the rows
  // into `places`. The caller makes the sessions longer when all is done. With Visible::causal_block all rows are
  // neighbours in one session.
  void run(const Rows& rows, int first, int last, Visible visible, const std::atomic<bool>& cancel);

  // fn(begin, end, thread, team): many rows are shared out in blocks; the few of one block are not, but their products.
  template <class F>
  void for_rows(int n, const F& fn) {
    if (n <= kRowBlock) return fn(0, n, 0, &model.pool);
    for_row_blocks(model.pool, n, [&](int begin, int end, int t) { fn(begin, end, t, nullptr); });
  }

  // The next rows of the call under way are these of a sequence.
  void place(SequenceCache<KV>& cache, int from, int count) {
    for (int i = 0; i < count; i++) places.push_back({&cache, from + i});
  }

  // What an encoder has made of Part A, in x, becomes the keys and values that each decoder layer reads, in `places`.
  void remember_memory(int n);
  // Self-attention of a decoder layer, over its own rows, and cross-attention, over those of Part A.
  void attend_twice(int layer, int n, LayerRows<T>& s);
  void remember(int layer, int begin, int end);
  void keep(int n, const T* from, KV* to) const {
    if constexpr (std::is_same_v<T, KV>) {
      std::memcpy(static_cast<void*>(to), from, sizeof(T) * n);
    } else {
      kernels<KV>(model.level).convert(n, from, to);
    }
  }
  void attend_block(int layer, int n, int h, LayerRows<T>& s, int thread);
  void attend_row(int layer, int r, int h, LayerRows<T>& s, int thread);
  // out [head_dim] = what a query sees of a sequence's pieces.
  void attend(const SequenceCache<KV>& cache, const CachedRows<KV> pieces[2], const T* query, T* out, int thread);
  // In the cache, where an encoder's layers have nothing.
  int cached(int layer) const { return layer - model.config.first_decoder(); }

  // Work space for n rows of one layer, used by all layers in turn.
  void prepare(size_t n);

  Model<T> model;
  bool is_quantized_;
  std::vector<AttentionScratch<T>> attention;
  std::vector<Buffer<float>> scores;
  Buffer<T> x, qkv, o, h, u, cross_x, cross_q, cross_o, memory_kv;
  Buffer<float> cross_mean, cross_rstd, mean1, rstd1, mean2, rstd2, final_x;
  std::vector<Place> places;  // of the rows of the call under way
};

}  // namespace cloze
