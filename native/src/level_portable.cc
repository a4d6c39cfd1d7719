#define CLOZE_LEVEL portable
#define CLOZE_W 4
#define CLOZE_MR 4
#include "kernels.inc"
#include "gemm_float.inc"
#include "quantized.inc"
#include "word_attention.inc"
