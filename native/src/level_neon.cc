// 64-bit ARM: vectors of 4 floats and 32 registers, of which a block of 12 x 8 sums takes 24.
#define CLOZE_LEVEL neon
#define CLOZE_W 4
#define CLOZE_MR 12
#define CLOZE_NEON
#include "kernels.inc"
#include "gemm_float.inc"
#include "quantized.inc"
#include "word_attention.inc"
