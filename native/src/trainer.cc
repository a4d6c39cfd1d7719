#include "trainer.h"

#include <cmath>

namespace cloze {

namespace {

constexpr long kUpdateChunk = 1 << 16;
constexpr int kRowsAhead = 1024;

}  // namespace

template <class T>
Trainer<T>::Trainer(const Config& config, Level level, int threads)
    : model(config, level, threads, /*training=*/true),
      gradients(model.layout.total),
      moment1(model.layout.total),
      moment2(model.layout.total),
      kept_(config.layers),
      attention_(threads),
      logits_(threads),
      block_lhs_(threads),
      block_wide_(threads) {
  const Gemm& g = model.gemm;
  for (int t = 0; t < threads; t++) {
    logits_[t].reserve((size_t)kHeadRows * config.vocab);
    block_lhs_[t].reserve(std::max({g.lhs_bytes(kHeadRows, config.vocab), g.lhs_bytes(kGradientBlock, kGradientDepth),
                                    g.lhs_bytes(kRowBlock, std::max(3 * config.hidden, config.up()))}));
    block_wide_[t].reserve((size_t)kRowBlock * config.hidden);
  }
}

template <class T>
void Trainer<T>::prepare(int rows) {
  if (rows <= capacity_) return;
  // Batches differ by some rows: buffers that grew by as little, again and again, would leave holes in the heap.
  capacity_ = (rows + kRowsAhead - 1) / kRowsAhead * kRowsAhead;
  const size_t n = capacity_, C = model.config.hidden, up = model.config.up(), F = model.config.inner;
  for (int l = 0; l < model.config.layers; l++) {
    Kept& kept = kept_[l];
    kept.x.reserve(n * C);
    kept.qkv.reserve(n * 3 * C);
    kept.o.reserve(n * C);
    kept.h.reserve(n * C);
    kept.u.reserve(n * up);
    for (auto* b : {&kept.mean1, &kept.rstd1, &kept.mean2, &kept.rstd2}) b->reserve(n);
    kept.lse.reserve(n * model.config.heads);
    if (model.config.is_decoder(l)) prepare_decoder(kept, n);
    if (model.config.embedding_norm && (l == 0 || l == model.config.first_decoder())) {
      kept.embedding_mean.reserve(n);
      kept.embedding_rstd.reserve(n);
    }
    if (model.config.norm != Norm::sandwich) continue;
    kept.attention_out.reserve(n * C);
    kept.mlp_out.reserve(n * C);
    for (auto* b : {&kept.mean3, &kept.rstd3, &kept.mean4, &kept.rstd4}) b->reserve(n);
  }
  final_x_.reserve(n * C);
  final_mean_.reserve(n);
  final_rstd_.reserve(n);
  for (auto* b : {&dx_, &dh_, &head_x_, &head_dx_}) b->reserve(n * C);
  d_qkv_.reserve(n * 3 * C);
  for (auto* b : {&d_out_, &normed_, &dh_t_, &d_o_, &head_rows_}) b->reserve(n * C);
  act_.reserve(n * F);
  du_.reserve(n * up);
  d_qkv_t_.reserve(n * 3 * C);
  d_logits_.reserve((size_t)kHeadChunk * model.config.vocab);
  partials_.reserve((n / kRowBlock + 1) * partial_width());
}

template <class T>
LayerRows<T> Trainer<T>::rows_of(int layer) {
  Kept& kept = kept_[layer];
  return {kept.x.data(),     kept.qkv.data(),   kept.o.data(),     kept.h.data(),     kept.u.data(),
          kept.mean1.data(), kept.rstd1.data(), kept.mean2.data(), kept.rstd2.data(), kept.attention_out.data(),
          kept.mlp_out.data(), kept.mean3.data(), kept.rstd3.data(), kept.mean4.data(), kept.rstd4.data(),
          {kept.cross_x.data(), kept.cross_q.data(), kept.cross_o.data(), kept.cross_mean.data(),
           kept.cross_rstd.data(), kept.cross_out.data(), kept.cross_out_mean.data(), kept.cross_out_rstd.data()}};
}

template <class T>
void Trainer<T>::adapt(int rank, float scale) {
  adapters = std::make_unique<Adapters>(model.config, model.layout, model.values.data(), rank, scale,
                                        model.pool.threads());
}

template <class T>
void Trainer<T>::pack() {
  if (adapters) adapters->merge(gemm_for<float>(model.level), model.pool, model.values.data());
  model.pack();
}

template <class T>
void Trainer<T>::zero_gradients() {
  clock.enter(Phase::zeroing);
  std::memset(gradients.data(), 0, sizeof(float) * model.layout.total);
  clock.enter(Phase::idle);
}

template <class T>
const Batch& Trainer<T>::forward(const Batch& batch) {
  const Config& c = model.config;
  if (c.decoder_layers == 0) {
    prepare(batch.rows.count);
    forward_layers(batch, 0, c.layers, final_x_.data());
    return batch;
  }
  take_part(batch, Part::a, part_a_);
  take_part(batch, Part::b, part_b_);
  const int read = part_a_.batch.rows.count;
  prepare(std::max(read, part_b_.batch.rows.count));
  forward_layers(part_a_.batch, 0, c.first_decoder(), memory_x_.data());
  for_row_blocks(model.pool, read, [&](int begin, int end, int t) {
    const long at = (long)begin * c.hidden;
    float* normed = model.scratch()[t].normed.data();
    model.normalize(model.k, end - begin, memory_x_.data() + at, model.layout.memory_g, model.layout.memory_b, normed,
                    memory_mean_.data() + begin, memory_rstd_.data() + begin);
    model.k.convert((end - begin) * c.hidden, normed, memory_.data() + at);
  });
  forward_layers(part_b_.batch, c.first_decoder(), c.layers, final_x_.data());
  return part_b_.batch;
}

template <class T>
void Trainer<T>::forward_layers(const Batch& batch, int from, int to, T* out) {
  const int H = model.config.heads, n = batch.rows.count;
  clock.enter(Phase::layers_forward);
  LayerRows<T> first = rows_of(from);
  for_row_blocks(model.pool, n, [&](int begin, int end, int t) {
    model.embed(batch.rows, begin, end, first.x, kept_[from].embedding_mean.data(), kept_[from].embedding_rstd.data());
    model.project_qkv(from, batch.rows, begin, end, first, model.scratch()[t]);
  });
  for (int l = from; l < to; l++) {
    check_cancel();
    LayerRows<T> s = rows_of(l);
    float* lse = kept_[l].lse.data();
    clock.enter(Phase::attention_forward);
    model.pool.parallel_for(static_cast<int>(batch.samples.size()) * H, [&](int item, int t) {
      const Sample& sample = batch.samples[item / H];
      const int h = item % H;
      attention_forward(model, sample, h, s.qkv, s.o, lse + (long)h * n + sample.begin, attention_[t]);
    });
    if (model.config.is_decoder(l)) forward_cross(l, batch);
    clock.enter(Phase::layers_forward);
    LayerRows<T> next = l + 1 < to ? rows_of(l + 1) : LayerRows<T>{};
    T* next_x = l + 1 < to ? next.x : out;
    for_row_blocks(model.pool, n, [&](int begin, int end, int t) {
      model.finish_layer(l, begin, end, s, next_x, model.scratch()[t]);
      if (l + 1 < to) model.project_qkv(l + 1, batch.rows, begin, end, next, model.scratch()[t]);
    });
  }
}

template <class T>
double Trainer<T>::gradient_norm(const Tensor& tensor) const {
  return std::sqrt(float_kernels(model.level).sum_of_squares(tensor.count, gradients.data() + tensor.offset));
}

template <class T>
std::vector<double> Trainer<T>::gradient_norms() const {
  std::vector<double> norms;
  for (const Tensor& tensor : model.layout.tensors) norms.push_back(gradient_norm(tensor));
  return norms;
}

template <class T>
double Trainer<T>::update(const AdamW& options, float lr, float clip, float loss_scale) {
  clock.enter(Phase::optimizer);
  const FloatKernels& fk = float_kernels(model.level);
  if (adapters) pull_back();
  const Layout& layout = adapters ? adapters->layout : model.layout;
  Buffer<float>&w = adapters ? adapters->values : model.values, &g = adapters ? adapters->gradients : gradients,
  &m1 = adapters ? adapters->moment1 : moment1, &m2 = adapters ? adapters->moment2 : moment2;
  const long total = layout.total;
  const int chunks = static_cast<int>((total + kUpdateChunk - 1) / kUpdateChunk);
  std::vector<double> squares(chunks);
  model.pool.parallel_for(chunks, [&](int i, int) {
    const long from = i * kUpdateChunk;
    squares[i] = fk.sum_of_squares(std::min(kUpdateChunk, total - from), g.data() + from);
  });
  double sum = 0;
  for (double square : squares) sum += square;
  const double norm = std::sqrt(sum) / loss_scale;
  if (!std::isfinite(norm)) {
    clock.enter(Phase::idle);
    return norm;
  }
  const float scale = (clip > 0 ? std::min(1.0, clip / (norm + 1e-6)) : 1.0) / loss_scale;

  steps++;
  const float correction1 = 1.0 - std::pow(options.beta1, steps), correction2 = 1.0 - std::pow(options.beta2, steps);
  struct Job {
    long offset, count;
    float decay;
  };
  const bool muon = options.muon > 0 && !adapters;
  if (muon) {
    const std::vector<Projection> own = projections(model.config, model.layout);
    const Gemm& exact = gemm_for<float>(model.level);
    muon_.resize(model.pool.threads());
    model.pool.parallel_for(static_cast<int>(own.size()), [&](int i, int t) {
      muon_[t].step(own[i], exact, {options.muon, options.weight_decay}, lr, scale, gradients.data(), moment1.data(),
                    model.values.data());
    });
  }
  std::vector<Job> jobs;
  for (const Tensor& t : layout.tensors) {
    if (muon && model.config.is_projection(t)) continue;
    const float decay = options.decay_all || t.shape.size() > 1 ? options.weight_decay : 0.0f;
    for (long at = 0; at < t.count; at += kUpdateChunk)
      jobs.push_back({t.offset + at, std::min(kUpdateChunk, t.count - at), decay});
  }
  model.pool.parallel_for(static_cast<int>(jobs.size()), [&](int i, int) {
    const Job& j = jobs[i];
    fk.adamw(j.count, w.data() + j.offset, g.data() + j.offset, m1.data() + j.offset, m2.data() + j.offset, scale, lr,
             options.beta1, options.beta2, options.eps, j.decay, correction1, correction2);
  });
  clock.enter(Phase::packing);
  pack();
  clock.enter(Phase::idle);
  return norm;
}

template class Trainer<float>;
template class Trainer<bf16>;
template class Trainer<half>;

}  // namespace cloze
