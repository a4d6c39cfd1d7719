// 64-bit ARM with products of four bytes at once (Armv8.2-A's DotProd).
#define CLOZE_LEVEL dotprod
#define CLOZE_W 4
#define CLOZE_NEON
#include "quantized.inc"
