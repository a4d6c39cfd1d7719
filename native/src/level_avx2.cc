#define CLOZE_LEVEL avx2
#define CLOZE_W 8
#define CLOZE_MR 6
#include "kernels.inc"
#include "gemm_float.inc"
#include "quantized.inc"
#include "word_attention.inc"
