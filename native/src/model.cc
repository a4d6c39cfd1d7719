#include "model.h"

#include <cmath>
#include <type_traits>

namespace cloze {

namespace {

// Rounds to IEEE half precision and back (normal range; the inverse frequencies lie in it or just below).
float round_to_half(float x) {
  if (x == 0) return 0;
  int exponent;
  std::frexp(x, &exponent);
  const int quantum = std::max(exponent - 11, -24);
  return std::ldexp(std::nearbyint(std::ldexp(x, -quantum)), quantum);
}

}  // namespace

template <class T>
Model<T>::Model(const Config& c, Level chosen, int threads, bool training, QuantFormat format)
    : config(c),
      layout(c, training, /*with_embedding=*/format.bits == 0),
      level(chosen),
      k(kernels<T>(chosen)),
      kf(kernels<float>(chosen)),
      gemm(gemm_for<T>(chosen)),
      quantized(quantized_gemm_for(chosen)),
      words(format.bits != 0 && c.head_dim() <= kWidestHead ? &word_attention_for(chosen) : nullptr),
      pool(threads),
      values(layout.total),
      packed_(c.packed_weights()),
      scratch_(threads) {
  const int C = c.hidden, F = c.widest_inner(), widest = std::max({c.qkv_width(), c.up_of(F), C});
  no_bias_.reserve(widest);
  const int deepest = std::max({C, c.query_width(), F});
  for (auto& w : scratch_) {
    if (format.bits == 0) w.lhs.reserve(gemm.lhs_bytes(kRowBlock, widest));
    if (format.bits != 0) {
      w.q.reserve((size_t)kRowBlock * quant_depth(deepest));
      w.q_scales.reserve((size_t)kRowBlock * quant_groups({8, kSmallestGroup}, deepest));
      w.q_sums.reserve((size_t)kRowBlock * quant_groups({8, kSmallestGroup}, deepest));
    }
    w.product.reserve((size_t)kRowBlock * widest);
    w.normed.reserve((size_t)kRowBlock * C);
    w.act.reserve((size_t)kRowBlock * F);
    w.mean.reserve(kRowBlock);
    w.rstd.reserve(kRowBlock);
    if (c.qk_norm) w.head_rstd.reserve(c.heads);
    if (c.experts.count > 0) reserve_experts(w);
  }
  auto shape = [](PackedWeight& weight, int out, int in, QuantFormat f) {
    weight.out = out;
    weight.in = in;
    weight.format = f;
  };
  for (int l = 0; l < c.layers; l++) {
    shape(packed_[l * 4], c.qkv_width(), C, format);
    shape(packed_[l * 4 + 1], C, c.query_width(), format);
    shape(packed_[l * 4 + 2], c.up_of(c.inner_of(l)), C, format);
    shape(packed_[l * 4 + 3], C, c.inner_of(l), format);
    for (int e = 0; c.is_routed(l) && e < c.experts.count; e++) {
      shape(packed_[c.expert_at(l, e)], c.up_of(c.experts.inner), C, format);
      shape(packed_[c.expert_at(l, e) + 1], C, c.experts.inner, format);
    }
  }
  for (int l = c.first_decoder(); c.is_decoder(l) && l < c.layers; l++) {
    const int place = c.cross_at(l), A = c.query_width();
    shape(packed_[place], A, C, format);
    shape(packed_[place + 1], 2 * A, C, format);
    shape(packed_[place + 2], C, A, format);
  }
  const QuantFormat of_vocabulary = {format.bits == 0 ? 0 : 8, 0};
  shape(packed_[c.layers * 4], c.vocab, C, of_vocabulary);
  shape(packed_[c.layers * 4 + 1], c.vocab, C, of_vocabulary);
  if (c.positions != Positions::learned_2d) {
    // inv_freq_j = theta^(-2j / span); the span is what is turned of a head (1-D) or half of it (2-D).
    const int span = c.positions == Positions::rotary_2d ? c.rotary_size / 2 : c.rotary_size;
    half_ = span / 2;
    cosine_.reserve((size_t)(c.max_length + 2) * half_);
    sine_.reserve((size_t)(c.max_length + 2) * half_);
    for (int j = 0; j < half_; j++) {
      float frequency = static_cast<float>(1.0 / std::pow(c.rotary_theta, 2.0 * j / span));
      if (c.rotary_float16) frequency = round_to_half(frequency);
      for (int p = 0; p < c.max_length + 2; p++) {
        const float angle = static_cast<float>(p) * frequency;
        cosine_[(size_t)p * half_ + j] = std::cos(angle);
        sine_[(size_t)p * half_ + j] = std::sin(angle);
      }
    }
  }
}

template <class T>
void Model<T>::pack() {
  std::vector<Unpacked> all;
  for (const Tensor& tensor : layout.tensors)
    if (tensor.matrix >= 0) all.push_back({&packed_[tensor.matrix], at(tensor.offset)});
  if (config.tied) all.push_back({&packed_[config.layers * 4], at(layout.head)});
  pack_forward(all);
  pack_backward(all);
}

template <class T>
void Model<T>::set(const Tensor& tensor, const float* from) {
  if (tensor.matrix >= 0) {
    PackedWeight& w = packed_[tensor.matrix];
    if (w.format.bits == 0) return pack_forward({{&w, from}});
    return pack_quantized(w, 0, w.out, [&](int begin, int end, char* to) {
      quantized.pack(w.in, end - begin, w.format, Stored::float32, from + (long)begin * w.in, to);
    });
  }
  std::memcpy(values.data() + tensor.offset, from, sizeof(float) * tensor.count);
  if (config.tied && tensor.offset == layout.head) pack_forward({{&packed_[config.layers * 4], from}});
}

template <class T>
void Model<T>::set_rows(const Tensor& tensor, const StoredRows& rows) {
  const long columns = tensor.count / tensor.shape[0];
  auto bytes_at = [&](int row) { return rows.bytes + (row - rows.begin) * columns * bytes_of(rows.type); };
  auto values_of = [&](int row, float* out) {
    const char* from = bytes_at(row);
    if (rows.type == Stored::float32) {
      std::memcpy(out, from, sizeof(float) * columns);
    } else if (rows.type == Stored::float16) {
      kernels<half>(level).widen(static_cast<int>(columns), reinterpret_cast<const half*>(from), out);
    } else {
      kernels<bf16>(level).widen(static_cast<int>(columns), reinterpret_cast<const bf16*>(from), out);
    }
  };
  auto pack = [&](PackedWeight& w) {
    if (w.format.bits == 0) return pack_rows(w, rows.begin, rows.count, values_of);
    pack_quantized(w, rows.begin, rows.count, [&](int begin, int end, char* to) {
      quantized.pack(w.in, end - begin, w.format, rows.type, bytes_at(begin), to);
    });
  };
  if (tensor.matrix >= 0) return pack(packed_[tensor.matrix]);
  for (int r = rows.begin; r < rows.begin + rows.count; r++)
    values_of(r, values.data() + tensor.offset + r * columns);
  if (config.tied && tensor.offset == layout.head) pack(packed_[config.layers * 4]);
}

template <class T>
template <class F>
void Model<T>::pack_rows(PackedWeight& w, int begin, int count, const F& row) {
  w.forward.reserve(gemm.rhs_bytes(w.in, w.out));
  pool.parallel_for((count + kRowsTogether - 1) / kRowsTogether, [&](int i, int) {
    const int from = begin + i * kRowsTogether, n = std::min(kRowsTogether, begin + count - from);
    thread_local std::vector<float> rows;
    rows.resize((size_t)n * w.in);
    for (int r = 0; r < n; r++) row(from + r, rows.data() + (size_t)r * w.in);
    gemm.pack_rhs(w.in, n, Source<float>{rows.data(), w.in, true}, w.forward.data() + gemm.rhs_bytes(w.in, from));
  });
}

template <class T>
void Model<T>::set_stored(const Tensor& tensor, const WholeRows& rows) {
  PackedWeight& w = packed_[tensor.matrix];
  w.format = rows.format;
  const long row = w.format.bits == 8 ? w.in : (w.in + 1) / 2, groups = quant_groups(w.format, w.in);
  pack_quantized(w, rows.begin, rows.count, [&](int begin, int end, char* to) {
    const long from = begin - rows.begin;
    quantized.pack_stored(w.in, end - begin, w.format, rows.q + from * row, rows.scales + from * groups, to);
  });
}

template <class T>
template <class F>
void Model<T>::pack_quantized(PackedWeight& w, int first, int count, const F& pack) {
  const int step = quantized.column_block, last = first + count;
  w.forward.reserve(quantized.packed_bytes(w.in, w.out, w.format));
  pool.parallel_for((count + step - 1) / step, [&](int i, int) {
    const int begin = first + i * step;
    pack(begin, std::min(begin + step, last), w.forward.data() + quantized.packed_bytes(w.in, begin, w.format));
  });
}

template <class T>
void Model<T>::pack_forward(const std::vector<Unpacked>& matrices) {
  struct Job {
    Unpacked matrix;
    int begin, end;  // output rows
  };
  std::vector<Job> jobs;
  const int step = gemm.column_block * 16;
  for (const Unpacked& m : matrices) {
    m.weight->forward.reserve(gemm.rhs_bytes(m.weight->in, m.weight->out));
    for (int n = 0; n < m.weight->out; n += step) jobs.push_back({m, n, std::min(n + step, m.weight->out)});
  }
  pool.parallel_for(static_cast<int>(jobs.size()), [&](int i, int) {
    const auto& [matrix, begin, end] = jobs[i];
    PackedWeight& w = *matrix.weight;
    const Source<float> rows = {matrix.from + (long)begin * w.in, w.in, true};
    gemm.pack_rhs(w.in, end - begin, rows, w.forward.data() + gemm.rhs_bytes(w.in, begin));
  });
}

// W as it lies, [out deep, in columns]; columns are split.
template <class T>
void Model<T>::pack_backward(const std::vector<Unpacked>& matrices) {
  struct Job {
    Unpacked matrix;
    int begin, end;  // columns
  };
  std::vector<Job> jobs;
  const int step = gemm.column_block * 4;
  for (const Unpacked& m : matrices) {
    m.weight->backward.reserve(gemm.rhs_bytes(m.weight->out, m.weight->in));
    for (int n = 0; n < m.weight->in; n += step) jobs.push_back({m, n, std::min(n + step, m.weight->in)});
  }
  pool.parallel_for(static_cast<int>(jobs.size()), [&](int i, int) {
    const auto& [matrix, begin, end] = jobs[i];
    PackedWeight& w = *matrix.weight;
    const Source<float> columns = {matrix.from + begin, w.in, false};
    gemm.pack_rhs(w.out, end - begin, columns, w.backward.data() + gemm.rhs_bytes(w.out, begin));
  });
}

template <class T>
void Model<T>::look_up(const Rows& rows, int row, float* y) const {
  const int C = config.hidden;
  const PackedWeight& packed = packed_[config.layers * 4 + (config.tied ? 0 : 1)];
  if (packed.format.bits != 0) {
    quantized.unpack_row(C, packed.format, packed.forward.data(), rows.tokens[row], y);
  } else {
    std::memcpy(y, at(layout.embedding) + (long)rows.tokens[row] * C, sizeof(float) * C);
  }
  if (config.positions != Positions::learned_2d) return;
  const float* p = at(layout.position) + (long)rows.positions[row] * C;
  const float* b = at(layout.block_position) + (long)rows.block_positions[row] * C;
  for (int i = 0; i < C; i++) y[i] += p[i] + b[i];
}

template <class T>
void Model<T>::embed(const Rows& rows, int begin, int end, T* x, float* mean, float* rstd) const {
  const int C = config.hidden;
  thread_local std::vector<float> row;  // kept: a token of Part B allocates nothing
  row.resize(C);
  for (int r = begin; r < end; r++) {
    look_up(rows, r, row.data());
    if (config.embedding_norm)
      normalize(kf, 1, row.data(), layout.embedding_g, layout.embedding_b, row.data(), mean + r, rstd + r);
    k.convert(C, row.data(), x + (long)r * C);
  }
}

template <class T>
template <class U>
void Model<T>::rotate(const Kernels<U>& kernels, const Rows& rows, int begin, int end, float sign, U* qkv) const {
  if (config.positions == Positions::learned_2d) return;
  const int width = config.qkv_width(), span = 2 * half_;
  const auto turn = config.rotary_pairs == RotaryPairs::halves ? kernels.rotate : kernels.rotate_neighbours;
  for (int r = begin; r < end; r++) {
    const long p = (long)rows.positions[r] * half_, b = (long)rows.block_positions[r] * half_;
    U* row = qkv + (long)(r - begin) * width;
    for (int h = 0; h < config.heads + config.kv_heads; h++) {
      U* x = row + (h < config.heads ? q_at(h) : k_at(h - config.heads));
      turn(half_, cosine_.data() + p, sine_.data() + p, sign, x);
      if (config.positions == Positions::rotary_2d)
        turn(half_, cosine_.data() + b, sine_.data() + b, sign, x + span);
    }
  }
}

template <class T>
template <class U>
void Model<T>::product(const U* x, int n, const PackedWeight& weight, float* c, Scratch<T>& w, ThreadPool* team) const {
  const bool whole_numbers = weight.format.bits != 0;
  const QuantizedRows rows = {w.q.data(), w.q_scales.data(), w.q_sums.data()};
  if constexpr (std::is_same_v<U, float>) {
    if (whole_numbers) quantized.quantize_rows(n, weight.in, weight.format, x, rows);
  }
  if (!whole_numbers) gemm.pack_lhs(n, weight.in, Source<U>{x, weight.in, false}, w.lhs.data());

  auto bytes = [&](int columns) {
    return whole_numbers ? quantized.packed_bytes(weight.in, columns, weight.format)
                         : gemm.rhs_bytes(weight.in, columns);
  };
  auto columns = [&](int begin, int end) {
    const char* packed = weight.forward.data() + bytes(begin);
    if (whole_numbers) {
      quantized.multiply(n, end - begin, weight.in, weight.format, rows, packed, c + begin, weight.out);
    } else {
      gemm.multiply(n, end - begin, weight.in, w.lhs.data(), packed, weight.in, c + begin, weight.out, false);
    }
  };
  // A share takes a thread longer than being woken: reading kShare bytes of weights takes about 4 us, and each few rows
  // about as long as the reading.
  constexpr long kShare = 128 << 10;
  const int block = whole_numbers ? quantized.column_block : gemm.column_block;
  const long blocks_per_share = kShare * 4 / ((n + 3) * bytes(block)) + 1;
  const int step = static_cast<int>(std::min<long>(blocks_per_share * block, weight.out));
  if (team == nullptr || step == weight.out) return columns(0, weight.out);
  team->parallel_for((weight.out + step - 1) / step,
                     [&](int i, int) { columns(i * step, std::min((i + 1) * step, weight.out)); });
}

template <class T>
template <class U>
void Model<T>::normalize(const Kernels<U>& kernels, int n, const U* x, long gain, long shift, float* y, float* mean,
                         float* rstd) const {
  if (config.norm_kind == NormKind::rms_norm) {
    kernels.rmsnorm(n, config.hidden, x, at(gain), config.eps, y, rstd);
    std::memset(mean, 0, sizeof(float) * n);
  } else {
    kernels.layernorm(n, config.hidden, x, at(gain), at(shift), config.eps, y, mean, rstd);
  }
}

template <class T>
void Model<T>::project_qkv(int layer, const Rows& rows, int begin, int end, LayerRows<T>& s, Scratch<T>& w,
                           ThreadPool* team) const {
  const LayerOffsets& o = layout.layers[layer];
  const int C = config.hidden, width = config.qkv_width(), n = end - begin;
  float* qkv_rows = w.product.data();
  normalize(k, n, s.x + (long)begin * C, o.ln1_g, o.ln1_b, w.normed.data(), s.mean1 + begin, s.rstd1 + begin);
  product(w.normed.data(), n, qkv(layer), qkv_rows, w, team);
  kf.add_bias(n, width, qkv_rows, width, bias(o.qkv_b), qkv_rows, width);
  for (int r = 0; config.qk_norm && r < n; r++) {
    const int D = config.head_dim();
    float *q = qkv_rows + (long)r * width, *keys = q + config.query_width();
    kf.rmsnorm(config.heads, D, q, at(o.query_g), config.eps, q, w.head_rstd.data());
    kf.rmsnorm(config.kv_heads, D, keys, at(o.key_g), config.eps, keys, w.head_rstd.data());
  }
  rotate(kf, rows, begin, end, 1.0f, qkv_rows);
  k.convert(n * width, qkv_rows, s.qkv + (long)begin * width);
}

template <class T>
void Model<T>::finish_output(int n, float* c, long bias_at, long gain, long shift, T* kept, float* mean, float* rstd,
                             Scratch<T>& w) const {
  const int C = config.hidden;
  if (bias_at != kAbsent) kf.add_bias(n, C, c, C, at(bias_at), c, C);
  if (kept != nullptr) k.convert(n * C, c, kept);
  normalize(kf, n, c, gain, shift, c, mean != nullptr ? mean : w.mean.data(), rstd != nullptr ? rstd : w.rstd.data());
}

template <class T>
void Model<T>::finish_layer(int layer, int begin, int end, LayerRows<T>& s, T* next_x, Scratch<T>& w,
                            ThreadPool* team) const {
  const LayerOffsets& o = layout.layers[layer];
  const int C = config.hidden, F = config.inner_of(layer), up_width = config.up_of(F);
  const int n = end - begin;
  const bool routed = config.is_routed(layer);
  const bool carries_norm = config.carries_norm(), sandwich = config.norm == Norm::sandwich;
  const float alpha = carries_norm ? config.alpha : 1.0f;
  T *h = s.h + (long)begin * C, *u = s.u + (long)begin * config.up_of(config.widest_inner());
  float *normed = w.normed.data(), *c = w.product.data();
  auto kept = [&](T* rows) { return rows == nullptr ? nullptr : rows + (long)begin * C; };
  auto from = [&](float* rows) { return rows == nullptr ? nullptr : rows + begin; };

  finish_attention(config.is_decoder(layer) ? cross_attention(layer, s) : self_attention(layer, s), begin, end, s.h, w,
                   team);

  normalize(k, n, h, o.ln2_g, o.ln2_b, normed, s.mean2 + begin, s.rstd2 + begin);
  if (routed) route(layer, n, normed, u, w, team);
  product(normed, n, up(layer), c, w, team);
  k.add_bias(n, up_width, c, up_width, bias(o.up_b), u, up_width);
  k.activate(config.activation, n, F, u, w.act.data());
  if (!carries_norm) k.widen(n * C, h, normed);

  product(w.act.data(), n, down(layer), c, w, team);
  if (routed) float_kernels(level).axpy((long)n * C, 1.0f, w.routed.data(), c);
  if (sandwich) {
    finish_output(n, c, o.down_b, o.mlp_out_g, o.mlp_out_b, kept(s.mlp_out), from(s.mean4), from(s.rstd4), w);
  }
  k.add_bias_residual(n, C, c, bias(sandwich ? kAbsent : o.down_b), alpha, normed, next_x + (long)begin * C);
}

template class Model<float>;
template void Model<float>::product(const float*, int, const PackedWeight&, float*, Scratch<float>&, ThreadPool*) const;
template void Model<bf16>::product(const float*, int, const PackedWeight&, float*, Scratch<bf16>&, ThreadPool*) const;
template void Model<half>::product(const float*, int, const PackedWeight&, float*, Scratch<half>&, ThreadPool*) const;
template void Model<bf16>::product(const bf16*, int, const PackedWeight&, float*, Scratch<bf16>&, ThreadPool*) const;
template void Model<half>::product(const half*, int, const PackedWeight&, float*, Scratch<half>&, ThreadPool*) const;
template class Model<bf16>;
template class Model<half>;
template void Model<float>::rotate(const Kernels<float>&, const Rows&, int, int, float, float*) const;
template void Model<bf16>::rotate(const Kernels<float>&, const Rows&, int, int, float, float*) const;
template void Model<half>::rotate(const Kernels<float>&, const Rows&, int, int, float, float*) const;
template void Model<float>::normalize(const Kernels<float>&, int, const float*, long, long, float*, float*, float*) const;
template void Model<bf16>::normalize(const Kernels<bf16>&, int, const bf16*, long, long, float*, float*, float*) const;
template void Model<half>::normalize(const Kernels<half>&, int, const half*, long, long, float*, float*, float*) const;

}  // namespace cloze
