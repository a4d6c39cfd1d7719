// IEEE half precision, in which the scales of quantised weights are kept, the weights of many checkpoints, and the
// activations of training with a loss scale. Defines: half, to_float, to_half, half_bits, half_value. Static for the same
// reason as in bf16.h.
#pragma once
#include <cstdint>
#include <cstring>

namespace cloze {

struct half {
  uint16_t bits;
};

// Round to nearest even; what is too large becomes the largest finite value. `x` must not be negative.
static inline uint16_t half_bits(float x) {
  if (!(x < 65504.0f)) return 0x7BFF;
  uint32_t word;
  std::memcpy(&word, &x, 4);
  if (x < 6.103515625e-5f) {  // below 2^-14 halves count in units of 2^-24
    float shifted = x + 0.5f;  // whose last place is 2^-24
    std::memcpy(&word, &shifted, 4);
    return static_cast<uint16_t>(word - 0x3F000000);
  }
  word += 0xFFF + ((word >> 13) & 1);
  return static_cast<uint16_t>((word - 0x38000000) >> 13);
}

// Of one that is finite and not negative.
static inline float half_value(uint16_t bits) {
  const uint32_t exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent == 0) return static_cast<float>(fraction) * 5.9604644775390625e-8f;
  const uint32_t word = (static_cast<uint32_t>(bits & 0x8000) << 16) | ((exponent + 112) << 23) | (fraction << 13);
  float x;
  std::memcpy(&x, &word, 4);
  return x;
}

static inline float to_float(half x) {
  const uint16_t inside = x.bits & 0x7FFF;
  const float magnitude = half_value(inside);
  uint32_t word;
  std::memcpy(&word, &magnitude, 4);
  if (inside >= 0x7C00) word = 0x7F800000 | (inside & 1023) << 13;
  word |= static_cast<uint32_t>(x.bits & 0x8000) << 16;
  float value;
  std::memcpy(&value, &word, 4);
  return value;
}

// Round to nearest even; what is too large becomes infinite, and what is no number stays none.
static inline half to_half(float x) {
  uint32_t word;
  std::memcpy(&word, &x, 4);
  const uint16_t sign = static_cast<uint16_t>(word >> 16 & 0x8000);
  const float magnitude = x < 0 ? -x : x;
  uint16_t inside;
  if (x != x) {
    inside = 0x7E00;
  } else if (magnitude >= 65520.0f) {  // halfway between the largest finite value and the next power of two
    inside = 0x7C00;
  } else {
    inside = half_bits(magnitude);
  }
  return half{static_cast<uint16_t>(sign | inside)};
}

}  // namespace cloze
