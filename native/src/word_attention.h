// Attention of quantised models in whole numbers of 16 bits, which processors with VNNI multiply twice as fast as
// floats, for rows that are read together. Queries and keys get a scale for each row of a head, values one for each channel of 64 columns, probabilities
// count in parts of the largest: 11 to 14 bits where bfloat16 has 8. Sums are exact, so rows do not depend on their
// neighbours. Defines: WordAttention, word_attention_for.
#pragma once
#include "bf16.h"
#include "cpu.h"
#include "head_view.h"

namespace cloze {

constexpr int kWidestHead = 1024;

// Heads of at most kWidestHead dimensions, an even number.
struct WordAttention {
  // Bytes of work space for heads of D over so many columns.
  long (*scratch_bytes)(int D, int columns);
  // o = softmax(q k^T / sqrt(D)) v; the work space begins at a cache line.
  void (*over_floats)(int D, const HeadView<float, float>& view, char* scratch);
  void (*over_bf16)(int D, const HeadView<float, bf16>& view, char* scratch);

  void operator()(int D, const HeadView<float, float>& view, char* scratch) const { over_floats(D, view, scratch); }
  void operator()(int D, const HeadView<float, bf16>& view, char* scratch) const { over_bf16(D, view, scratch); }
};

// That of the best instructions that a level and this processor have; all compute the same.
const WordAttention& word_attention_for(Level level);

#define CLOZE_DECLARE_WORDS(NAME)             \
  namespace NAME {                            \
  extern const WordAttention word_attention;  \
  }
CLOZE_DECLARE_WORDS(portable)
CLOZE_DECLARE_WORDS(avx2)
CLOZE_DECLARE_WORDS(vnni)
CLOZE_DECLARE_WORDS(neon)

}  // namespace cloze
