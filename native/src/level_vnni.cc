#define CLOZE_LEVEL vnni
#define CLOZE_W 16
#include "quantized.inc"
#include "word_attention.inc"
