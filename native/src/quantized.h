// Products with weights of 8 or 4 bits: symmetric absmax by output row as in GLM-130B (quantization/layers.py), or by
// groups of a row's columns. Scale s = max|w| / (2^(bits - 1) - 1), rounded to float16, and q = round(w / s).
// Activations become int8 on the way in, by row or by the same groups, so that a product is an exact sum of whole
// numbers: the same at every level, for any number of rows and threads. Defines: QuantFormat, QuantizedRows,
// QuantizedGemm, quantized_gemm_for.
#pragma once
#include <cstdint>

#include "cpu.h"
#include "stored.h"

namespace cloze {

struct QuantFormat {
  int bits = 0;   // 8 or 4; 0 for weights that are not quantised
  int group = 0;  // columns that share a scale, a multiple of kQuantDepth; 0 for the whole row
};

static inline int quant_groups(QuantFormat f, int K) { return f.group == 0 ? 1 : (K + f.group - 1) / f.group; }

constexpr int kSmallestGroup = 32;

// Depth of packed operands: K rounded up, the rest 0.
constexpr int kQuantDepth = 16;
static inline int quant_depth(int K) { return (K + kQuantDepth - 1) / kQuantDepth * kQuantDepth; }

// Sums of 127 times 255 stay within 32 bits up to this K.
constexpr int kLargestQuantDepth = 65536;

// Activations of M rows: whole numbers [M, quant_depth(K)], and for each group its scale and its sum [M, groups].
struct QuantizedRows {
  int8_t* q;
  float* scales;
  int32_t* sums;
};

struct QuantizedGemm {
  // Outputs (rows of the weight) that are packed together; chunks of outputs start at multiples of it.
  int column_block;
  // Bytes of N packed outputs; the outputs before n, a multiple of the block, take packed_bytes(K, n, format).
  long (*packed_bytes)(int K, int N, QuantFormat format);
  // Quantises and packs W [N, K], as it is stored.
  void (*pack)(int K, int N, QuantFormat format, Stored type, const void* w, void* out);
  // Packs what is quantised already: q as in GLM-130B's checkpoints, [N, K] bytes, or with 4 bits [N, ceil(K / 2)] with
  // the even column in the upper half; scales [N, groups] in float16.
  void (*pack_stored)(int K, int N, QuantFormat format, const int8_t* q, const uint16_t* scales, void* out);
  // Quantises W [N, K] into what `pack_stored` takes; with `search`, scales of 4 bits are those of least squared error
  // instead of absmax. False where a value is not finite.
  bool (*store)(int K, int N, QuantFormat format, bool search, Stored type, const void* w, int8_t* q,
                uint16_t* scales);
  // The weights of output n as floats.
  void (*unpack_row)(int K, QuantFormat format, const void* packed, int n, float* out);
  void (*quantize_rows)(int M, int K, QuantFormat format, const float* x, QuantizedRows out);
  // C [M, N] = X W^T
  void (*multiply)(int M, int N, int K, QuantFormat format, QuantizedRows x, const void* packed, float* C, int ldc);
};

// The product of the best instructions that a level and this processor have.
const QuantizedGemm& quantized_gemm_for(Level level);

#define CLOZE_DECLARE_QUANTIZED(NAME)         \
  namespace NAME {                            \
  extern const QuantizedGemm quantized_gemm;  \
  }
CLOZE_DECLARE_QUANTIZED(portable)
CLOZE_DECLARE_QUANTIZED(avx2)
CLOZE_DECLARE_QUANTIZED(vnni)
CLOZE_DECLARE_QUANTIZED(amx)
CLOZE_DECLARE_QUANTIZED(neon)
CLOZE_DECLARE_QUANTIZED(dotprod)

}  // namespace cloze
