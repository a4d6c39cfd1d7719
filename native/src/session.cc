#include "session.h"

#include <cmath>
#include <type_traits>

namespace cloze {

namespace {

// Rows that a causal model reads at once: memory does not grow with the prompt, and a stop is soon obeyed.
constexpr int kReadRows = 8 * kRowBlock;

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
  void set_stored(const Tensor& tensor, QuantFormat format, const int8_t* q, const uint16_t* scales) override {
    std::lock_guard<std::mutex> lock(busy);
    model.set_stored(tensor, format, q, scales);
  }
  bool is_quantized() const override { return is_quantized_; }
  std::unique_ptr<Session> open(int capacity) override;
  void extend(const std::vector<Step>& steps, const Rows& rows, float* logits,
              const std::atomic<bool>& cancel) override;

  // Layers [first, last) over `rows`; the result is in x. Those that Part B goes through put keys and values of the rows
  // into `places`. The caller makes the sessions longer when all is done. With Visible::causal_block all rows are
  // neighbours in one session.
  void run(const Rows& rows, int first, int last, Visible visible, const std::atomic<bool>& cancel) {
    Model<T>& m = model;
    const int H = m.config.heads, n = rows.count;
    prepare(n);
    LayerRows<T> s = {x.data(),     qkv.data(),   o.data(),     h.data(),    u.data(),
                      mean1.data(), rstd1.data(), mean2.data(), rstd2.data()};
    s.cross = {cross_x.data(), cross_q.data(), cross_o.data(), cross_mean.data(), cross_rstd.data()};
    const bool kept = first >= m.config.first_decoder();
    for_rows(n, [&](int begin, int end, int t, ThreadPool* team) {
      m.embed(rows, begin, end, s.x, s.mean1, s.rstd1);
      m.project_qkv(first, rows, begin, end, s, m.scratch()[t], team);
      if (kept) remember(first, begin, end);
    });
    for (int l = first; l < last; l++) {
      if (cancel.load(std::memory_order_relaxed)) throw Cancelled();
      if (visible == Visible::all) {
        m.pool.parallel_for(H, [&](int h, int t) {
          attention_forward(m, Sample{0, n, n}, h, s.qkv, s.o, nullptr, attention[t]);
        });
      } else if (visible == Visible::causal_block) {
        m.pool.parallel_for(H, [&](int h, int t) { attend_block(l, n, h, s, t); });
      } else if (m.config.is_decoder(l)) {
        attend_twice(l, n, s);
      } else {
        // Head by head: sessions that share what was read find it in the second-level cache.
        m.pool.parallel_for(n * H, [&](int i, int t) { attend_row(l, i % n, i / n, s, t); });
      }
      for_rows(n, [&](int begin, int end, int t, ThreadPool* team) {
        m.finish_layer(l, begin, end, s, s.x, m.scratch()[t], team);
        if (l + 1 == last) return;
        m.project_qkv(l + 1, rows, begin, end, s, m.scratch()[t], team);
        if (kept) remember(l + 1, begin, end);
      });
    }
  }

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
  void prepare(size_t n) {
    const size_t C = model.config.hidden, up = model.config.up_of(model.config.widest_inner());
    for (auto* b : {&x, &h}) b->reserve(n * C);
    o.reserve(n * model.config.query_width());
    qkv.reserve(n * model.config.qkv_width());
    u.reserve(n * up);
    for (auto* b : {&mean1, &rstd1, &mean2, &rstd2}) b->reserve(n);
    final_x.reserve(n * C);
    if (model.config.decoder_layers == 0) return;
    cross_x.reserve(n * C);
    for (auto* b : {&cross_q, &cross_o}) b->reserve(n * model.config.query_width());
    for (auto* b : {&cross_mean, &cross_rstd}) b->reserve(n);
    memory_kv.reserve(n * 2 * model.config.query_width());
  }

  Model<T> model;
  bool is_quantized_;
  std::vector<AttentionScratch<T>> attention;
  std::vector<Buffer<float>> scores;
  Buffer<T> x, qkv, o, h, u, cross_x, cross_q, cross_o, memory_kv;
  Buffer<float> cross_mean, cross_rstd, mean1, rstd1, mean2, rstd2, final_x;
  std::vector<Place> places;  // of the rows of the call under way
};

template <class T, class KV>
class CpuSession : public Session {
 public:
  CpuSession(std::shared_ptr<CpuRuntime<T, KV>> runtime, int capacity)
      : rt_(std::move(runtime)), cache_(rt_->cached(rt_->model.config.layers), rt_->model.config.kv_width(), capacity) {}

  int length() const override { return length_; }

  void read(const Rows& rows, const std::atomic<bool>& cancel) override {
    if (length_ != 0) throw std::runtime_error("A session reads Part A only once; this one already holds tokens.");
    cache_.begin_read(rows.count);
    const Config& config = rt_->model.config;
    rt_->places.clear();
    if (config.decoder_layers > 0) {
      rt_->place(cache_, 0, rows.count);
      rt_->run(rows, 0, config.first_decoder(), Visible::all, cancel);
      rt_->remember_memory(rows.count);
      fixed_ = rows.count;
    } else if (config.causal) {
      for (int begin = 0; begin < rows.count; begin += kReadRows) {
        const int count = std::min(kReadRows, rows.count - begin);
        rt_->places.clear();
        rt_->place(cache_, begin, count);
        rt_->run({count, rows.tokens + begin, rows.positions + begin, rows.block_positions + begin},
                 0, config.layers, Visible::causal_block, cancel);
      }
    } else {
      rt_->place(cache_, 0, rows.count);
      rt_->run(rows, 0, config.layers, Visible::all, cancel);
      fixed_ = rows.count;
    }
    length_ = rows.count;
  }

  // In two halves around what all sessions of a step compute together.
  void begin_extend(int count) {
    if (rt_->model.config.decoder_layers > 0 && fixed_ == 0) {
      throw std::runtime_error("An encoder-decoder must read Part A before its session is extended.");
    }
    cache_.begin_append(length_, count);
    rt_->place(cache_, length_, count);
  }
  void end_extend(int count) { length_ += count; }

  void rewind(int length) override {
    if (length < fixed_ || length > length_) {
      throw std::runtime_error("Cannot rewind to " + std::to_string(length) + " tokens: the session holds " +
                               std::to_string(length_.load()) + ", of which Part A has " + std::to_string(fixed_) + ".");
    }
    length_ = length;
  }

  std::unique_ptr<Session> fork() const override {
    auto copy = std::make_unique<CpuSession<T, KV>>(rt_, cache_.capacity());
    copy->cache_.fork(cache_, length_);
    copy->length_ = length_.load();
    copy->fixed_ = fixed_;
    return copy;
  }

 private:
  std::shared_ptr<CpuRuntime<T, KV>> rt_;
  int fixed_ = 0;  // rows that rewind must leave: Part A, whose rows have seen each other
  std::atomic<int> length_{0};  // may be asked for while a call is under way
  SequenceCache<KV> cache_;
};

template <class T, class KV>
std::unique_ptr<Session> CpuRuntime<T, KV>::open(int capacity) {
  auto self = std::static_pointer_cast<CpuRuntime<T, KV>>(shared_from_this());
  return std::make_unique<CpuSession<T, KV>>(std::move(self), capacity);
}

template <class T, class KV>
void CpuRuntime<T, KV>::extend(const std::vector<Step>& steps, const Rows& rows, float* logits,
                               const std::atomic<bool>& cancel) {
  const auto own = [](const Step& step) { return static_cast<CpuSession<T, KV>*>(step.session); };
  places.clear();
  for (const Step& step : steps) own(step)->begin_extend(step.count);
  run(rows, model.config.first_decoder(), model.config.layers, Visible::causal_rows, cancel);
  const int C = model.config.hidden, V = model.config.vocab;
  int row = 0, wanted = 0;
  float mean, rstd;
  for (const Step& step : steps) {
    row += step.count;
    for (int r = row - step.logits(); r < row; r++) {
      model.normalize(model.k, 1, x.data() + (long)r * C, model.layout.final_g, model.layout.final_b,
                      final_x.data() + (long)wanted++ * C, &mean, &rstd);
    }
  }
  for (int begin = 0; begin < wanted; begin += kRowBlock) {
    const int n = std::min(kRowBlock, wanted - begin);
    model.product(final_x.data() + (long)begin * C, n, model.head(), logits + (long)begin * V, model.scratch()[0],
                  &model.pool);
  }
  for (const Step& step : steps) own(step)->end_extend(step.count);
}

template <class T, class KV>
void CpuRuntime<T, KV>::remember(int layer, int begin, int end) {
  const int D = model.config.head_dim();
  for (int r = begin; r < end; r++) {
    const T* row = qkv.data() + (long)r * model.config.qkv_width();
    const auto& [cache, at] = places[r];
    KV *keys = cache->keys(cached(layer), at), *values = cache->values(cached(layer), at);
    for (int g = 0; g < model.config.kv_heads; g++) {
      keep(D, row + model.k_at(g), keys + g * D);
      keep(D, row + model.v_at(g), values + g * D);
    }
  }
}

template <class T, class KV>
void CpuRuntime<T, KV>::attend_block(int layer, int n, int h, LayerRows<T>& s, int thread) {
  const Config& c = model.config;
  const int D = c.head_dim(), held = places[0].at;
  CachedRows<KV> pieces[2];
  places[0].cache->look(layer, c.kv_head(h) * D, held + n, pieces);
  const HeadView<T, KV> view = {s.qkv + model.q_at(h), pieces[0].k,     pieces[0].v,     s.o + h * D,
                                c.qkv_width(),         c.kv_width(),    c.query_width(), n,
                                held + n,              /*before=*/held, /*sep=*/0};
  attention_forward(model, view, nullptr, attention[thread]);
}

template <class T, class KV>
void CpuRuntime<T, KV>::attend_row(int layer, int r, int h, LayerRows<T>& s, int thread) {
  const Config& c = model.config;
  const int D = c.head_dim();
  const auto& [cache, at] = places[r];
  CachedRows<KV> pieces[2];
  cache->look(layer, c.kv_head(h) * D, at + 1, pieces);
  attend(*cache, pieces, s.qkv + (long)r * c.qkv_width() + model.q_at(h), s.o + (long)r * c.query_width() + h * D,
         thread);
}

template <class T, class KV>
void CpuRuntime<T, KV>::attend(const SequenceCache<KV>& cache, const CachedRows<KV> pieces[2], const T* query, T* out,
                               int thread) {
  const int D = model.config.head_dim();
  Buffer<float>& space = scores[thread];
  space.reserve(cache.capacity() + 2 * D);
  float *q = space.data() + cache.capacity(), *found = q + D;
  model.k.widen(D, query, q);
  kernels<KV>(model.level).attend_row(D, model.config.kv_width(), 1.0f / std::sqrt(static_cast<float>(D)), q, pieces,
                                      space.data(), found);
  model.k.convert(D, found, out);
}

// Of a decoder's sequence the first piece is what the layer reads of Part A, the second what it has kept of Part B.
template <class T, class KV>
void CpuRuntime<T, KV>::attend_twice(int layer, int n, LayerRows<T>& s) {
  const Config& c = model.config;
  const int D = c.head_dim(), A = c.query_width();
  const CachedRows<KV> none = {nullptr, nullptr, 0};
  model.pool.parallel_for(n * c.heads, [&](int i, int t) {
    const int r = i % n, h = i / n;
    const auto& [cache, at] = places[r];
    CachedRows<KV> pieces[2];
    cache->look(cached(layer), h * D, at + 1, pieces);
    pieces[0] = none;
    attend(*cache, pieces, s.qkv + (long)r * c.qkv_width() + model.q_at(h), s.o + (long)r * A + h * D, t);
  });
  for_rows(n, [&](int begin, int end, int t, ThreadPool* team) {
    model.project_cross_query(layer, begin, end, s, model.scratch()[t], team);
  });
  model.pool.parallel_for(n * c.heads, [&](int i, int t) {
    const int r = i % n, h = i / n;
    const auto& [cache, at] = places[r];
    CachedRows<KV> pieces[2];
    cache->look(cached(layer), h * D, at + 1, pieces);
    pieces[1] = none;
    attend(*cache, pieces, s.cross.q + (long)r * A + h * D, s.cross.o + (long)r * A + h * D, t);
  });
}

template <class T, class KV>
void CpuRuntime<T, KV>::remember_memory(int n) {
  const Config& c = model.config;
  const int C = c.hidden, A = c.query_width();
  const Layout& layout = model.layout;
  for_rows(n, [&](int begin, int end, int t, ThreadPool* team) {
    Scratch<T>& w = model.scratch()[t];
    float* memory = w.normed.data();
    model.normalize(model.k, end - begin, x.data() + (long)begin * C, layout.memory_g, layout.memory_b, memory,
                    w.mean.data(), w.rstd.data());
    T* rows = memory_kv.data() + (long)begin * 2 * A;
    for (int l = c.first_decoder(); l < c.layers; l++) {
      model.project_memory(l, memory, end - begin, rows, w, team);
      for (int r = begin; r < end; r++) {
        const auto& [cache, at] = places[r];
        const T* row = memory_kv.data() + (long)r * 2 * A;
        keep(A, row, cache->keys(cached(l), at));
        keep(A, row + A, cache->values(cached(l), at));
      }
    }
  });
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
