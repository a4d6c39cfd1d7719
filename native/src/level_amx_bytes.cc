#define CLOZE_LEVEL amx
#define CLOZE_W 16
#include "quantized.inc"
