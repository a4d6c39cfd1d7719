#define CLOZE_LEVEL avx512
#define CLOZE_W 16
#define CLOZE_MR 12
#include "kernels.inc"
#include "gemm_float.inc"
