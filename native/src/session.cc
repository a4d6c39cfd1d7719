#include "session.h"

#include <cmath>
#include <type_traits>

namespace cloze {

namespace {

// KV is what keys and values are cached as.
template <class T, class KV>
struct CpuRuntime : Runtime {
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
  void set_stored(const Tensor& tensor, QuantFormat format, const int8_t* q, const uint16_t* scales) override {
    std::lock_guard<std::mutex> lock(busy);
    model.set_stored(tensor, format, q, scales);
  }
  bool is_quantized() const override { return is_quantized_; }
  std::unique_ptr<Session> open(int capacity) override;

  // Work space for n rows of one layer, used by all layers in turn.
  void prepare(size_t n) {
    const size_t C = model.config.hidden, up = model.config.up_of(model.config.widest_inner());
    for (auto* b : {&x, &h}) b->reserve(n * C);
    o.reserve(n * model.config.query_width());
    qkv.reserve(n * model.config.qkv_width());
    u.reserve(n * up);
    for (auto* b : {&mean1, &rstd1, &mean2, &rstd2}) b->reserve(n);
    final_x.reserve(n * C);
  }

  Model<T> model;
  bool is_quantized_;
  std::vector<AttentionScratch<T>> attention;
  std::vector<Buffer<float>> scores;
  Buffer<T> x, qkv, o, h, u;
  Buffer<float> mean1, rstd1, mean2, rstd2, final_x;
};

template <class T, class KV>
class CpuSession : public Session {
 public:
  CpuSession(std::shared_ptr<CpuRuntime<T, KV>> runtime, int capacity) : rt_(std::move(runtime)), capacity_(capacity) {
    const Config& c = rt_->model.config;
    for (int l = 0; l < c.layers; l++) {
      keys_.emplace_back((size_t)capacity * c.kv_width());
      values_.emplace_back((size_t)capacity * c.kv_width());
    }
  }

  int length() const override { return length_; }

  void read(const Rows& rows, const std::atomic<bool>& cancel) override {
    if (length_ != 0) throw std::runtime_error("A session reads Part A only once; this one already holds tokens.");
    check_room(rows.count);
    if (rt_->model.config.causal) {
      for (int begin = 0; begin < rows.count; begin += kReadRows)
        run(slice(rows, begin, std::min(kReadRows, rows.count - begin)), begin, Visible::causal_block, cancel);
    } else {
      run(rows, 0, Visible::all, cancel);
      fixed_ = rows.count;
    }
    length_ = rows.count;
  }

  void extend(const Rows& rows, bool all, float* logits, const std::atomic<bool>& cancel) override {
    check_room(rows.count);
    run(rows, length_, Visible::causal_rows, cancel);
    const Model<T>& m = rt_->model;
    const int C = m.config.hidden, V = m.config.vocab, from = all ? 0 : rows.count - 1;
    float mean, rstd;
    for (int r = from; r < rows.count; r++) {
      m.normalize(m.k, 1, rt_->x.data() + (long)r * C, m.layout.final_g, m.layout.final_b,
                  rt_->final_x.data() + (long)r * C, &mean, &rstd);
    }
    for (int begin = from; begin < rows.count; begin += kRowBlock) {
      const int n = std::min(kRowBlock, rows.count - begin);
      m.product(rt_->final_x.data() + (long)begin * C, n, m.head(), logits + (long)(begin - from) * V,
                rt_->model.scratch()[0], &rt_->model.pool);
    }
    length_ += rows.count;
  }

  void rewind(int length) override {
    if (length < fixed_ || length > length_) {
      throw std::runtime_error("Cannot rewind to " + std::to_string(length) + " tokens: the session holds " +
                               std::to_string(length_.load()) + ", of which Part A has " + std::to_string(fixed_) + ".");
    }
    length_ = length;
  }

  std::unique_ptr<Session> fork() const override {
    auto copy = std::make_unique<CpuSession<T, KV>>(rt_, capacity_);
    const size_t bytes = sizeof(KV) * length_ * rt_->model.config.kv_width();
    for (size_t l = 0; l < keys_.size(); l++) {
      std::memcpy(static_cast<void*>(copy->keys_[l].data()), keys_[l].data(), bytes);
      std::memcpy(static_cast<void*>(copy->values_[l].data()), values_[l].data(), bytes);
    }
    copy->length_ = length_.load();
    copy->fixed_ = fixed_;
    return copy;
  }

 private:
  // What rows see: each other and nothing else; or what is cached before them and each other up to themselves, computed
  // as matrix products (many rows) or row by row (few).
  enum class Visible { all, causal_block, causal_rows };

  // Rows that a causal model reads at once: memory does not grow with the prompt, and a stop is soon obeyed.
  static constexpr int kReadRows = 8 * kRowBlock;

  static Rows slice(const Rows& rows, int begin, int count) {
    return {count, rows.tokens + begin, rows.positions + begin, rows.block_positions + begin};
  }

  void check_room(int more) const {
    if (more <= capacity_ - length_) return;
    throw std::runtime_error("The session has room for " + std::to_string(capacity_) + " tokens and holds " +
                             std::to_string(length_.load()) + "; " + std::to_string(more) + " more do not fit.");
  }

  // All layers over `rows`, which follow the first `held` of the cache; the result is in rt_->x. The caller moves
  // length_ when all is done.
  void run(const Rows& rows, int held, Visible visible, const std::atomic<bool>& cancel) {
    Model<T>& m = rt_->model;
    const int H = m.config.heads, n = rows.count;
    rt_->prepare(n);
    LayerRows<T> s = {rt_->x.data(),     rt_->qkv.data(),   rt_->o.data(),     rt_->h.data(),    rt_->u.data(),
                      rt_->mean1.data(), rt_->rstd1.data(), rt_->mean2.data(), rt_->rstd2.data()};
    for_rows(n, [&](int begin, int end, int t, ThreadPool* team) {
      m.embed(rows, begin, end, s.x, s.mean1, s.rstd1);
      m.project_qkv(0, rows, begin, end, s, m.scratch()[t], team);
      remember(0, held, begin, end);
    });
    for (int l = 0; l < m.config.layers; l++) {
      if (cancel.load(std::memory_order_relaxed)) throw Cancelled();
      if (visible == Visible::all) {
        m.pool.parallel_for(H, [&](int h, int t) {
          attention_forward(m, Sample{0, n, n}, h, s.qkv, s.o, nullptr, rt_->attention[t]);
        });
      } else if (visible == Visible::causal_block) {
        m.pool.parallel_for(H, [&](int h, int t) { attend_block(l, held, n, h, s, t); });
      } else {
        m.pool.parallel_for(n * H, [&](int i, int t) { attend_row(l, held + i / H + 1, i / H, i % H, s, t); });
      }
      for_rows(n, [&](int begin, int end, int t, ThreadPool* team) {
        m.finish_layer(l, begin, end, s, s.x, m.scratch()[t], team);
        if (l + 1 == m.config.layers) return;
        m.project_qkv(l + 1, rows, begin, end, s, m.scratch()[t], team);
        remember(l + 1, held, begin, end);
      });
    }
  }

  // fn(begin, end, thread, team): many rows are shared out in blocks; the few of one block are not, but their products.
  template <class F>
  void for_rows(int n, const F& fn) {
    ThreadPool& pool = rt_->model.pool;
    if (n <= kRowBlock) return fn(0, n, 0, &pool);
    for_row_blocks(pool, n, [&](int begin, int end, int t) { fn(begin, end, t, nullptr); });
  }

  void keep(int n, const T* from, KV* to) const {
    if constexpr (std::is_same_v<T, KV>) {
      std::memcpy(static_cast<void*>(to), from, sizeof(T) * n);
    } else {
      kernels<KV>(rt_->model.level).convert(n, from, to);
    }
  }

  void remember(int layer, int held, int begin, int end) {
    const Model<T>& m = rt_->model;
    const int width = m.config.kv_width(), D = m.config.head_dim();
    for (int r = begin; r < end; r++) {
      const T* row = rt_->qkv.data() + (long)r * m.config.qkv_width();
      const long to = (long)(held + r) * width;
      for (int g = 0; g < m.config.kv_heads; g++) {
        keep(D, row + m.k_at(g), keys_[layer].data() + to + g * D);
        keep(D, row + m.v_at(g), values_[layer].data() + to + g * D);
      }
    }
  }

  void attend_block(int layer, int held, int n, int h, LayerRows<T>& s, int thread) {
    const Model<T>& m = rt_->model;
    const Config& c = m.config;
    const int D = c.head_dim(), at = c.kv_head(h) * D;
    const HeadView<T, KV> view = {s.qkv + m.q_at(h), keys_[layer].data() + at, values_[layer].data() + at, s.o + h * D,
                              c.qkv_width(),     c.kv_width(),             c.query_width(),            n,
                              held + n,          held,                     /*sep=*/0};
    attention_forward(m, view, nullptr, rt_->attention[thread]);
  }

  void attend_row(int layer, int visible, int r, int h, LayerRows<T>& s, int thread) {
    const Model<T>& m = rt_->model;
    const Config& c = m.config;
    const int D = c.head_dim(), at = c.kv_head(h) * D;
    Buffer<float>& scores = rt_->scores[thread];
    scores.reserve(capacity_ + 2 * D);
    float *q = scores.data() + capacity_, *out = q + D;
    m.k.widen(D, s.qkv + (long)r * c.qkv_width() + m.q_at(h), q);
    kernels<KV>(m.level).attend_row(D, visible, c.kv_width(), 1.0f / std::sqrt(static_cast<float>(D)), q,
                                    keys_[layer].data() + at, values_[layer].data() + at, scores.data(), out);
    m.k.convert(D, out, s.o + (long)r * c.query_width() + h * D);
  }

  std::shared_ptr<CpuRuntime<T, KV>> rt_;
  int capacity_, fixed_ = 0;  // rows that rewind must leave: Part A, whose rows have seen each other
  std::atomic<int> length_{0};  // may be asked for while a call is under way
  std::vector<Buffer<KV>> keys_, values_;  // per layer: capacity x kv_width
};

template <class T, class KV>
std::unique_ptr<Session> CpuRuntime<T, KV>::open(int capacity) {
  auto self = std::static_pointer_cast<CpuRuntime<T, KV>>(shared_from_this());
  return std::make_unique<CpuSession<T, KV>>(std::move(self), capacity);
}

}  // namespace

std::shared_ptr<Runtime> make_runtime(const Config& c, Level level, int threads, Precision precision, int group) {
  QuantFormat format;
  if (precision == Precision::float32) return std::make_shared<CpuRuntime<float, float>>(c, level, threads, format);
  if (precision == Precision::bfloat16) return std::make_shared<CpuRuntime<bf16, bf16>>(c, level, threads, format);
  const int deepest = std::max({c.hidden, c.query_width(), c.widest_inner()});
  if (deepest > kLargestQuantDepth) {
    throw std::invalid_argument("A matrix of this model has " + std::to_string(deepest) + " columns; int8 and int4 " +
                                "take " + std::to_string(kLargestQuantDepth) + " at most. Choose another precision.");
  }
  format = {precision == Precision::int8 ? 8 : 4, group};
  return std::make_shared<CpuRuntime<float, bf16>>(c, level, threads, format);
}

}  // namespace cloze
