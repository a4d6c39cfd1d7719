// The vector kernels of one level, as a table of functions. kernels.inc holds their one source; it is compiled once
// for each level. `T` is what activations are stored as: float, bf16 or half (computation is float either way).
// Shapes: rows x C row-major unless said otherwise.
#pragma once
#include "bf16.h"
#include "float16.h"
#include "cpu.h"

namespace cloze {

enum class Activation { gelu = 0, gelu_tanh = 1, geglu = 2, swiglu = 3 };

// A gated activation reads twice the columns that it writes.
inline bool is_gated(Activation kind) { return kind == Activation::geglu || kind == Activation::swiglu; }

// Some rows of cached keys and values of one head.
template <class T>
struct CachedRows {
  const T *k, *v;
  int count;
};

template <class T>
struct Kernels {
  // y = (x - mean) rstd g + b for each row; mean and rstd are written, y may be x.
  void (*layernorm)(int rows, int C, const T* x, const float* g, const float* b, float eps, float* y, float* mean,
                    float* rstd);
  // The same from a stored mean and rstd.
  void (*layernorm_apply)(int rows, int C, const T* x, const float* g, const float* b, const float* mean,
                          const float* rstd, float* y);
  // dx = the gradient through the normalisation; dg and db are added to.
  void (*layernorm_backward)(int rows, int C, const float* dy, const T* x, const float* g, const float* mean,
                             const float* rstd, float* dx, float* dg, float* db);
  // y = x rstd g with rstd = 1 / sqrt(mean(x^2) + eps) for each row (arXiv 1910.07467); rstd is written, y may be x.
  void (*rmsnorm)(int rows, int C, const T* x, const float* g, float eps, float* y, float* rstd);
  // dx = the gradient through it; dg is added to.
  void (*rmsnorm_backward)(int rows, int C, const float* dy, const T* x, const float* g, const float* rstd, float* dx,
                           float* dg);
  // y = c + bias, stored as T; c has leading dimension ldc, y has ldy.
  void (*add_bias)(int rows, int C, const float* c, int ldc, const float* bias, T* y, int ldy);
  // y = c + bias + alpha * residual
  void (*add_bias_residual)(int rows, int C, const float* c, const float* bias, float alpha, const float* residual,
                            T* y);
  // sum += column sums of x
  void (*column_sums)(int rows, int C, const T* x, int ldx, float* sum);
  void (*convert)(int n, const float* x, T* y);
  void (*widen)(int n, const T* x, float* y);
  // act(u): for geglu u has 2F columns, value then gate (GLM-130B: value * GELU(gate)); for swiglu gate then value
  // (ChatGLM2: SiLU(gate) * value). y: rows x F.
  void (*activate)(Activation kind, int rows, int F, const T* u, T* y);
  // du from dy and u, y is computed again beside it.
  void (*activate_backward)(Activation kind, int rows, int F, const T* u, const float* dy, T* du, T* y);
  // Turns pairs (i, i + half) of a head's `span` = 2 half dimensions by the angle in the tables. sign -1 turns back.
  void (*rotate)(int half, const float* cosine, const float* sine, float sign, T* x);
  // The same for neighbours: pairs (2 i, 2 i + 1) of 2 half dimensions.
  void (*rotate_neighbours)(int half, const float* cosine, const float* sine, float sign, T* x);
  // Softmax numerators in place over s[0..n) times scale; returns the log-sum-exp. `hidden_from`: columns at and
  // beyond it get probability 0.
  float (*softmax)(int n, int hidden_from, float scale, float* s, T* p);
  // p = exp(scale s - lse), ds = p (dp - delta) scale, zero at and beyond hidden_from.
  void (*softmax_backward)(int n, int hidden_from, float scale, float lse, float delta, const float* s, const float* dp,
                           T* p, T* ds);
  float (*dot)(int n, const T* a, const T* b);
  // log-sum-exp of n logits, then dlogits = weight (softmax - onehot(target)); returns the cross-entropy.
  float (*cross_entropy)(int n, const float* logits, int target, float weight, T* dlogits);
  // One query over the cached rows K and V of two pieces, as if they were one (row length D, leading dimension ld, at
  // least one row in all): out = softmax(scale q K^T) V.
  void (*attend_row)(int D, int ld, float scale, const float* q, const CachedRows<T> pieces[2], float* scores,
                     float* out);
};

struct FloatKernels {
  double (*sum_of_squares)(long n, const float* x);
  // y += alpha x
  void (*axpy)(long n, float alpha, const float* x, float* y);
  // One AdamW update (decoupled decay first, then the bias-corrected step), gradients scaled by `scale`.
  void (*adamw)(long n, float* w, const float* g, float* m, float* v, float scale, float lr, float beta1, float beta2,
                float eps, float decay, float correction1, float correction2);
};

template <class T>
const Kernels<T>& kernels(Level level);
const FloatKernels& float_kernels(Level level);

#define CLOZE_DECLARE_LEVEL(NAME)                          \
  namespace NAME {                                         \
  extern const Kernels<float> kernels_float;               \
  extern const Kernels<bf16> kernels_bf16;                 \
  extern const Kernels<half> kernels_half;                 \
  extern const FloatKernels float_kernels;                 \
  }
CLOZE_DECLARE_LEVEL(portable)
CLOZE_DECLARE_LEVEL(avx2)
CLOZE_DECLARE_LEVEL(avx512)
CLOZE_DECLARE_LEVEL(neon)

}  // namespace cloze
