// bfloat16: the upper half of a float32. Defines: bf16, to_float, to_bf16. The functions are static: each level keeps
// its own copies, whose instructions another processor may lack.
#pragma once
#include <cstdint>
#include <cstring>

namespace cloze {

struct bf16 {
  uint16_t bits;
};

static inline float to_float(float x) { return x; }

static inline float to_float(bf16 x) {
  uint32_t u = static_cast<uint32_t>(x.bits) << 16;
  float f;
  std::memcpy(&f, &u, 4);
  return f;
}

// Round to nearest even.
static inline bf16 to_bf16(float x) {
  uint32_t u;
  std::memcpy(&u, &x, 4);
  return bf16{static_cast<uint16_t>((u + 0x7FFF + ((u >> 16) & 1)) >> 16)};
}

}  // namespace cloze
