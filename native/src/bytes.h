// What products of bytes are made of, by the level's own instructions.
// dot4: acc[i] += sum of four products of neighbouring bytes of lane i. `w` are weights plus kOffset8 (with 4 bits
// always plus 8), `a` signed activations in -127..127.
// any: whether a lane of a comparison is true.
// round_even: to whole numbers, ties to even; never fused with what computes its argument, so that all levels agree.
#pragma once
#if defined(__AVX512VNNI__) || defined(__AVX2__)
#include <immintrin.h>
#elif defined(CLOZE_NEON)
#include <arm_neon.h>
#endif

#include "simd.h"

namespace cloze {
namespace CLOZE_LEVEL {

#if defined(__AVX512VNNI__)

constexpr int kOffset8 = 128;  // the instruction takes one operand unsigned

template <int kBits>
static inline vi dot4(vi acc, vi w, vi a) {
  return (vi)_mm512_dpbusd_epi32((__m512i)acc, (__m512i)w, (__m512i)a);
}

static inline vi round_even(vf v) { return (vi)_mm512_cvtps_epi32((__m512)v); }

static inline bool any(vi v) { return _mm512_test_epi32_mask((__m512i)v, (__m512i)v) != 0; }

#elif defined(__AVX2__)

constexpr int kOffset8 = 0;

// Pairs are added in 16 bits with saturation: |a| |w| + |a| |w| <= 2 * 127 * 127 stays below it.
template <int kBits>
static inline vi dot4(vi acc, vi w, vi a) {
  const __m256i pairs = kBits == 8 ? _mm256_maddubs_epi16(_mm256_abs_epi8((__m256i)a),
                                                          _mm256_sign_epi8((__m256i)w, (__m256i)a))
                                   : _mm256_maddubs_epi16((__m256i)w, (__m256i)a);
  return acc + (vi)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

static inline vi round_even(vf v) { return (vi)_mm256_cvtps_epi32((__m256)v); }

static inline bool any(vi v) { return _mm256_movemask_ps((__m256)v) != 0; }

#elif defined(CLOZE_NEON)

constexpr int kOffset8 = 0;

template <int kBits>
static inline vi dot4(vi acc, vi w, vi a) {
#if defined(__ARM_FEATURE_DOTPROD)
  return (vi)vdotq_s32((int32x4_t)acc, (int8x16_t)w, (int8x16_t)a);
#else
  // Two products stay within 16 bits: 2 * 127 * 127.
  const int8x16_t wb = (int8x16_t)w, ab = (int8x16_t)a;
  const int16x8_t low = vmull_s8(vget_low_s8(wb), vget_low_s8(ab)), high = vmull_high_s8(wb, ab);
  return (vi)vpadalq_s16((int32x4_t)acc, vpaddq_s16(low, high));
#endif
}

static inline vi round_even(vf v) { return (vi)vcvtnq_s32_f32((float32x4_t)v); }

static inline bool any(vi v) { return vmaxvq_u32((uint32x4_t)v) != 0; }

#else

constexpr int kOffset8 = 0;

// In halves of a lane: the lower and the upper byte by themselves, each product within 16 bits, two of them too.
template <int kBits>
static inline vi dot4(vi acc, vi w, vi a) {
  typedef int16_t vs __attribute__((vector_size(4 * W)));
  const vs ws = (vs)w, as = (vs)a;
  const vs pairs = ((vs)((vs)(ws << 8) >> 8)) * ((vs)((vs)(as << 8) >> 8)) + (ws >> 8) * (as >> 8);
  return acc + ((vi)((vi)pairs << 16) >> 16) + ((vi)pairs >> 16);
}

static inline vi round_even(vf v) {
  vi whole;
  for (int i = 0; i < W; i++) whole[i] = (int32_t)__builtin_lrintf(v[i]);
  return whole;
}

static inline bool any(vi v) {
  int32_t all = 0;
  for (int i = 0; i < W; i++) all |= v[i];
  return all != 0;
}

#endif

}  // namespace CLOZE_LEVEL
}  // namespace cloze
