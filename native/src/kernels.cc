#include "kernels.h"

namespace cloze {

// AMX adds matrix products only; its vector kernels are those of AVX-512.
#if defined(__x86_64__)
#define CLOZE_PICK(TABLE)                           \
  switch (level) {                                  \
    case Level::amx:                                \
    case Level::avx512: return avx512::TABLE;       \
    case Level::avx2: return avx2::TABLE;           \
    case Level::neon:                               \
    case Level::portable: break;                    \
  }                                                 \
  return portable::TABLE;
#elif defined(__aarch64__)
#define CLOZE_PICK(TABLE)                        \
  if (level == Level::neon) return neon::TABLE; \
  return portable::TABLE;
#else
#define CLOZE_PICK(TABLE) \
  (void)level;            \
  return portable::TABLE;
#endif

template <>
const Kernels<float>& kernels<float>(Level level) {
  CLOZE_PICK(kernels_float)
}

template <>
const Kernels<bf16>& kernels<bf16>(Level level) {
  CLOZE_PICK(kernels_bf16)
}

template <>
const Kernels<half>& kernels<half>(Level level) {
  CLOZE_PICK(kernels_half)
}

const FloatKernels& float_kernels(Level level) { CLOZE_PICK(float_kernels) }

}  // namespace cloze
