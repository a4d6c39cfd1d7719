// From the last layer's rows to losses and back: cross-entropy through the output matrix, and hidden states for a head
// that is somebody else's.
#include "trainer.h"

#include <cmath>

namespace cloze {

template <class T>
std::vector<int> Trainer<T>::normalize_counted(const Batch& batch) {
  const Layout& layout = model.layout;
  const int C = model.config.hidden;
  std::vector<int> counted;
  for (int r = 0; r < batch.rows.count; r++)
    if (batch.loss_mask[r]) counted.push_back(r);
  for_row_blocks(model.pool, static_cast<int>(counted.size()), [&](int begin, int end, int) {
    for (int i = begin; i < end; i++) {
      float* y = head_x_.data() + (long)i * C;
      model.normalize(model.k, 1, final_x_.data() + (long)counted[i] * C, layout.final_g, layout.final_b, y,
                      &final_mean_[i], &final_rstd_[i]);
      model.k.convert(C, y, head_rows_.data() + (long)i * C);
    }
  });
  return counted;
}

// Choices (GLM 2021, `VerbalizerModel` in model/downstream.py): the cross-entropy of the raw logits at the verbalizers'
// tokens. Smoothing (tasks/seq2seq/finetune.py): (1 - s) of the target's loss and s of the mean loss of all V tokens.
template <class T>
float Trainer<T>::fine_tuning_loss(const Batch& batch, int target, float weight, float* logits) const {
  const int V = model.config.vocab;
  const bool chosen = !batch.choices.empty();
  const int n = chosen ? static_cast<int>(batch.choices.size()) : V;
  auto token = [&](int i) { return chosen ? batch.choices[i] : i; };
  float top = logits[token(0)];
  for (int i = 1; i < n; i++) top = std::max(top, logits[token(i)]);
  double total = 0, sum = 0;
  for (int i = 0; i < n; i++) {
    total += std::exp(logits[token(i)] - top);
    sum += logits[token(i)];
  }
  const float lse = top + std::log(total), spread = batch.smoothing / n;
  const float loss = lse - (1 - batch.smoothing) * logits[target] - spread * sum;
  if (!chosen) {
    for (int i = 0; i < V; i++) logits[i] = weight * (std::exp(logits[i] - lse) - spread);
  } else {
    std::vector<float> share(n);
    for (int i = 0; i < n; i++) share[i] = weight * (std::exp(logits[token(i)] - lse) - spread);
    std::memset(logits, 0, sizeof(float) * V);
    for (int i = 0; i < n; i++) logits[token(i)] = share[i];
  }
  logits[target] -= weight * (1 - batch.smoothing);
  return loss;
}

template <class T>
LossSum Trainer<T>::head(const Batch& batch, float weight, float shrink, bool backward, RowOutputs* outputs) {
  const Layout& layout = model.layout;
  const int C = model.config.hidden, V = model.config.vocab, K = static_cast<int>(batch.choices.size());
  const bool plain = K == 0 && batch.smoothing == 0;
  clock.enter(Phase::head);
  const std::vector<int> counted = normalize_counted(batch);
  const int S = static_cast<int>(counted.size());
  if (backward) std::memset(dx_.data(), 0, sizeof(float) * batch.rows.count * C);
  if (S == 0) return {0, 0};

  std::vector<float> losses(S);
  if (outputs) {
    outputs->first.assign(S, 1);
    outputs->choice_logits.resize((size_t)S * K);
  }
  const PackedWeight& head = model.head();
  for (int chunk = 0; chunk < S; chunk += kHeadChunk) {
    check_cancel();
    const int rows = std::min(kHeadChunk, S - chunk), blocks = (rows + kHeadRows - 1) / kHeadRows;
    model.pool.parallel_for(blocks, [&](int block, int t) {
      const int begin = block * kHeadRows, m = std::min(kHeadRows, rows - begin);
      char* lhs = block_lhs_[t].data();
      float* logits = logits_[t].data();
      T* d_logits = d_logits_.data() + (long)begin * V;
      model.gemm.pack_lhs(m, C, Source<T>{head_rows_.data() + (long)(chunk + begin) * C, C, false}, lhs);
      model.gemm.multiply(m, V, C, lhs, head.forward.data(), C, logits, V, false);
      for (int r = 0; r < m; r++) {
        const int i = chunk + begin + r, target = batch.targets[counted[i]];
        const float own = batch.row_weights ? weight * batch.row_weights[counted[i]] : weight;
        float* row = logits + (long)r * V;
        T* d_row = backward ? d_logits + (long)r * V : nullptr;
        if (outputs) {
          for (int v = 0; v < V && outputs->first[i]; v++) outputs->first[i] = row[v] <= row[target];
          for (int k = 0; k < K; k++) outputs->choice_logits[(long)i * K + k] = row[batch.choices[k]];
        }
        if (plain) {
          losses[i] = model.k.cross_entropy(V, row, target, own, d_row);
        } else {
          losses[i] = fine_tuning_loss(batch, target, own, row);
          if (backward) model.k.convert(V, row, d_row);
        }
      }
      if (!backward) return;
      model.gemm.pack_lhs(m, V, Source<T>{d_logits, V, false}, lhs);
      model.gemm.multiply(m, C, V, lhs, head.backward.data(), V, head_dx_.data() + (long)(chunk + begin) * C, C, false);
      if (shrink == 1.0f || !model.config.tied) return;
      // The matrix's gradient is d_logits^T y: a smaller y from here on makes it smaller and nothing else.
      float* y = head_x_.data() + (long)(chunk + begin) * C;
      for (long i = 0; i < (long)m * C; i++) y[i] *= shrink;
      model.k.convert(m * C, y, head_rows_.data() + (long)(chunk + begin) * C);
    });
    if (backward && !adapters) {
      clock.enter(Phase::head_gradient);
      weight_gradient(rows, V, C, d_logits_.data(), head_rows_.data() + (long)chunk * C, grad(layout.head));
      clock.enter(Phase::head);
    }
  }
  if (backward) backward_final_norm(counted);
  double sum = 0;
  for (int i = 0; i < S; i++) sum += batch.row_weights ? batch.row_weights[counted[i]] * losses[i] : losses[i];
  if (outputs) outputs->losses = std::move(losses);
  return {sum, S};
}

template <class T>
void Trainer<T>::backward_final_norm(const std::vector<int>& counted) {
  const Layout& layout = model.layout;
  const int C = model.config.hidden, S = static_cast<int>(counted.size());
  const int blocks = (S + kRowBlock - 1) / kRowBlock;
  std::memset(partials_.data(), 0, sizeof(float) * blocks * partial_width());
  for_row_blocks(model.pool, S, [&](int begin, int end, int) {
    float* partial = partials_.data() + begin / kRowBlock * partial_width();
    for (int i = begin; i < end; i++) {
      const long r = counted[i];
      normalize_backward(model.k, 1, head_dx_.data() + (long)i * C, final_x_.data() + r * C, layout.final_g,
                         &final_mean_[i], &final_rstd_[i], dx_.data() + r * C, partial, partial + C);
    }
  });
  reduce_partials(blocks, C, 0, layout.final_g);
  reduce_partials(blocks, C, C, layout.final_b);
}

template <class T>
void Trainer<T>::backward_layers(const Batch& batch, float embedding_shrink) {
  const Config& c = model.config;
  if (c.decoder_layers > 0) {
    std::memset(d_memory_.data(), 0, sizeof(float) * part_a_.batch.rows.count * c.hidden);
  }
  for (int l = c.layers - 1; l >= c.first_decoder(); l--) {
    check_cancel();
    backward_layer(l, batch);
  }
  clock.enter(Phase::embedding);
  backward_embedding(batch, c.first_decoder(), embedding_shrink);
  if (c.decoder_layers > 0) backward_encoder(embedding_shrink);
  clock.enter(Phase::idle);
}

template <class T>
LossSum Trainer<T>::forward_backward(const Batch& batch, float weight, float embedding_shrink, float head_shrink) {
  const Batch& own = forward(batch);
  const LossSum loss = head(own, weight, head_shrink, true);
  backward_layers(own, embedding_shrink);
  return loss;
}

template <class T>
LossSum Trainer<T>::evaluate(const Batch& batch, RowOutputs* outputs) {
  const LossSum loss = head(forward(batch), 0, 1, false, outputs);
  clock.enter(Phase::idle);
  return loss;
}

template <class T>
std::vector<float> Trainer<T>::hidden_states(const Batch& batch) {
  const size_t rows = normalize_counted(forward(batch)).size();
  clock.enter(Phase::idle);
  return {head_x_.data(), head_x_.data() + rows * model.config.hidden};
}

template <class T>
void Trainer<T>::backward_hidden(const Batch& batch, const float* d_hidden) {
  const size_t C = model.config.hidden;
  const Batch& own = forward(batch);
  const std::vector<int> counted = normalize_counted(own);
  std::memset(dx_.data(), 0, sizeof(float) * own.rows.count * C);
  std::memcpy(head_dx_.data(), d_hidden, sizeof(float) * counted.size() * C);
  backward_final_norm(counted);
  backward_layers(own, 1);
}

#define CLOZE_INSTANTIATE(T)                                                                  \
  template std::vector<int> Trainer<T>::normalize_counted(const Batch&);                      \
  template float Trainer<T>::fine_tuning_loss(const Batch&, int, float, float*) const;        \
  template LossSum Trainer<T>::head(const Batch&, float, float, bool, RowOutputs*);           \
  template void Trainer<T>::backward_final_norm(const std::vector<int>&);                     \
  template void Trainer<T>::backward_layers(const Batch&, float);                             \
  template LossSum Trainer<T>::forward_backward(const Batch&, float, float, float);           \
  template LossSum Trainer<T>::evaluate(const Batch&, RowOutputs*);                           \
  template std::vector<float> Trainer<T>::hidden_states(const Batch&);                        \
  template void Trainer<T>::backward_hidden(const Batch&, const float*);
CLOZE_INSTANTIATE(float)
CLOZE_INSTANTIATE(bf16)
CLOZE_INSTANTIATE(half)

}  // namespace cloze
