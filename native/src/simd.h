// Vectors by the compiler's own vector extension: the same source becomes AVX-512, AVX2, NEON or SSE code, by the
// flags and by CLOZE_W (floats in a register) of the file that includes it.
// Defines: W, vf, vi, load, store, exp, erf, tanh, hsum, hmax. Included inside a level's namespace.
#pragma once
#include <cmath>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "bf16.h"
#include "float16.h"

namespace cloze {
namespace CLOZE_LEVEL {

constexpr int W = CLOZE_W;
typedef float vf __attribute__((vector_size(4 * W)));
typedef int32_t vi __attribute__((vector_size(4 * W)));
typedef uint32_t vu __attribute__((vector_size(4 * W)));
typedef uint16_t vh __attribute__((vector_size(2 * W)));

static inline vf splat(float x) { return x - vf{}; }

static inline vf load(const float* p) {
  vf v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

// Compilers take the general form apart into halves.
static inline vf load(const bf16* p) {
#if defined(__AVX512F__)
  return (vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))), 16);
#elif defined(__AVX2__)
  return (vf)_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))), 16);
#else
  vh h;
  __builtin_memcpy(&h, p, sizeof h);
  vu u = __builtin_convertvector(h, vu) << 16;
  return (vf)u;
#endif
}

static inline vf load(const half* p) {
#if defined(__AVX512F__)
  return (vf)_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
#elif defined(__F16C__)
  return (vf)_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#else
  vf v;
  for (int i = 0; i < W; i++) v[i] = to_float(p[i]);
  return v;
#endif
}

static inline void store(float* p, vf v) { __builtin_memcpy(p, &v, sizeof v); }

static inline void store(bf16* p, vf v) {
  vu u = (vu)v;
  u = (u + 0x7FFF + ((u >> 16) & 1)) >> 16;
  vh h = __builtin_convertvector(u, vh);
  __builtin_memcpy(p, &h, sizeof h);
}

static inline void store(half* p, vf v) {
#if defined(__AVX512F__)
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT));
#elif defined(__F16C__)
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT));
#else
  for (int i = 0; i < W; i++) p[i] = to_half(v[i]);
#endif
}

// The last n < W elements of a row; the rest reads as 0.
template <class T>
static inline vf load_tail(const T* p, int n) {
  T part[W] = {};
  for (int i = 0; i < n; i++) part[i] = p[i];
  return load(part);
}

template <class T>
static inline void store_tail(T* p, vf v, int n) {
  T part[W];
  store(part, v);
  for (int i = 0; i < n; i++) p[i] = part[i];
}

template <class T>
static inline vf load_at(const T* p, int i, int n) {
  return n - i >= W ? load(p + i) : load_tail(p + i, n - i);
}

template <class T>
static inline void store_at(T* p, int i, int n, vf v) {
  if (n - i >= W) {
    store(p + i, v);
  } else {
    store_tail(p + i, v, n - i);
  }
}

// Halves are added to each other until four are left.
static inline float hsum(vf v) {
  float x[W];
  __builtin_memcpy(x, &v, sizeof v);
  typedef float v4 __attribute__((vector_size(16)));
  v4 parts[W / 4];
  __builtin_memcpy(parts, x, sizeof x);
  for (int n = W / 8; n > 0; n /= 2)
    for (int i = 0; i < n; i++) parts[i] += parts[i + n];
  return (parts[0][0] + parts[0][2]) + (parts[0][1] + parts[0][3]);
}

// hsum of four vectors, each to the bit.
typedef float v4f __attribute__((vector_size(16)));
static inline v4f hsum4(const vf v[4]) {
  v4f q[4];
  for (int k = 0; k < 4; k++) {
    v4f parts[W / 4];
    __builtin_memcpy(parts, &v[k], sizeof parts);
    for (int n = W / 8; n > 0; n /= 2)
      for (int i = 0; i < n; i++) parts[i] += parts[i + n];
    q[k] = parts[0];
  }
  const v4f ab = __builtin_shufflevector(q[0], q[1], 0, 4, 2, 6), ab1 = __builtin_shufflevector(q[0], q[1], 1, 5, 3, 7);
  const v4f cd = __builtin_shufflevector(q[2], q[3], 0, 4, 2, 6), cd1 = __builtin_shufflevector(q[2], q[3], 1, 5, 3, 7);
  return (__builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7)) +
         (__builtin_shufflevector(ab1, cd1, 0, 1, 4, 5) + __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7));
}

static inline float hmax(vf v) {
  float m = v[0];
  for (int i = 1; i < W; i++) m = v[i] > m ? v[i] : m;
  return m;
}

static inline vf vmax(vf a, vf b) { return a > b ? a : b; }
static inline vf vmin(vf a, vf b) { return a < b ? a : b; }

// Cephes' expf: 2^n e^r with |r| <= ln2 / 2, within 2 units of the last place.
static inline vf vexp(vf x) {
  x = vmin(vmax(x, splat(-87.3f)), splat(88.3f));
  vf t = x * 1.44269504088896341f;
  vi n = __builtin_convertvector(t + (t < 0 ? splat(-0.5f) : splat(0.5f)), vi);
  vf nf = __builtin_convertvector(n, vf);
  vf r = x - nf * 0.693359375f;
  r = r - nf * -2.12194440e-4f;
  vf p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  vi scale = (n + 127) << 23;
  return p * (vf)scale;
}

// Abramowitz and Stegun 7.1.26: absolute error below 1.5e-7.
static inline vf verf(vf x) {
  vf a = x < 0 ? -x : x;
  vf t = 1.0f / (1.0f + 0.3275911f * a);
  vf p = splat(1.061405429f);
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  vf y = 1.0f - p * t * vexp(-a * a);
  return x < 0 ? -y : y;
}

static inline vf vtanh(vf x) {
  vf e = vexp(2.0f * vmin(vmax(x, splat(-15.0f)), splat(15.0f)));
  return (e - 1.0f) / (e + 1.0f);
}

}  // namespace CLOZE_LEVEL
}  // namespace cloze
