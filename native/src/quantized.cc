#include "quantized.h"

#include "word_attention.h"

namespace cloze {

const QuantizedGemm& quantized_gemm_for(Level level) {
#if defined(__x86_64__)
  if (level == Level::amx && has_byte_tiles()) return amx::quantized_gemm;
  // Processors before Ice Lake have AVX-512 without the products of bytes.
  if (level >= Level::avx512 && has_vnni()) return vnni::quantized_gemm;
  if (level >= Level::avx2) return avx2::quantized_gemm;
#elif defined(__aarch64__)
  if (level == Level::neon) return has_dotprod() ? dotprod::quantized_gemm : neon::quantized_gemm;
#endif
  (void)level;
  return portable::quantized_gemm;
}

const WordAttention& word_attention_for(Level level) {
#if defined(__x86_64__)
  if (level >= Level::avx512 && has_vnni()) return vnni::word_attention;
  if (level >= Level::avx2) return avx2::word_attention;
#elif defined(__aarch64__)
  if (level == Level::neon) return neon::word_attention;
#endif
  (void)level;
  return portable::word_attention;
}

}  // namespace cloze
