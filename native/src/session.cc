#include "cpu_runtime.h"

namespace cloze {

namespace {

// Rows that a causal model reads at once: memory does not grow with the prompt, and a stop is soon obeyed.
constexpr int kReadRows = 8 * kRowBlock;

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

}  // namespace

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
