#include "gemm.h"

namespace cloze {

template <>
const Gemm& gemm_for<float>(Level level) {
#if defined(__x86_64__)
  if (level >= Level::avx512) return avx512::gemm;
  if (level == Level::avx2) return avx2::gemm;
#elif defined(__aarch64__)
  if (level == Level::neon) return neon::gemm;
#endif
  (void)level;
  return portable::gemm;
}

template <>
const Gemm& gemm_for<bf16>(Level level) {
#if defined(__x86_64__)
  if (level == Level::amx) return amx::gemm;
#endif
  return gemm_for<float>(level);
}

template <>
const Gemm& gemm_for<half>(Level level) {
  return gemm_for<float>(level);
}

}  // namespace cloze
