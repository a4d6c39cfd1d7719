/** What the models are measured on: of each document that was held out a window, half of it shown, half to be predicted. */
import { headerTokens } from '../../infill/passage.ts';
import type { GlmConfig } from '../../model/config.ts';
import { type InfillingSample, spanPositions, suffixGeneration } from '../../objective/blank-infilling.ts';
import { createRandom } from '../../objective/random.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { PackedCorpus } from '../../training/corpus/packed-corpus.ts';
import { framingTokens } from '../../training/samples.ts';

/** Tokens of a window; a document that is shorter is left out. */
const WINDOW = 192;

export interface HeldOutText {
  /** `[CLS]` and the header. */
  head: number[];
  /** Seen in both directions, before a `[gMASK]`. */
  shown: Uint16Array;
  predicted: Uint16Array;
  /** UTF-8 bytes of what is predicted. */
  bytes: number;
}

/** Windows of `count` documents, fewer where there are not so many; the same for all models. */
export function drawHeldOut(corpus: PackedCorpus, tokenizer: Tokenizer, count: number, seed: number): HeldOutText[] {
  const { enc } = framingTokens(tokenizer);
  const random = createRandom(seed);
  const texts: HeldOutText[] = [];
  for (const index of random.shuffle(Array.from({ length: corpus.documents }, (_, own) => own))) {
    if (texts.length === count) break;
    const { tokens, path } = corpus.document(index);
    if (tokens.length < WINDOW) continue;
    const from = random.below(tokens.length - WINDOW + 1);
    const predicted = tokens.slice(from + WINDOW / 2, from + WINDOW);
    texts.push({
      head: [enc, ...headerTokens(tokenizer, path)],
      shown: tokens.slice(from, from + WINDOW / 2),
      predicted,
      bytes: tokenizer.decodeBytes(predicted).length,
    });
  }
  if (texts.length === 0) throw new Error(`No document that was held out has ${WINDOW} tokens. Use a larger corpus.`);
  return texts;
}

export function sampleOf(text: HeldOutText, { special }: Tokenizer, { positions }: GlmConfig): InfillingSample {
  const before = [...text.head, ...text.shown];
  const ids = { mask: special.documentMask, sop: special.sop, eop: special.eop };
  return suffixGeneration([...before, ...text.predicted], before.length, ids, {
    positions: spanPositions(positions, 'document'),
  });
}

/**
 * Bits of each text by the frequencies of tokens in `corpus` alone, each counted once more than it occurs: what a model
 * that has learned anything of the context must be below.
 */
export function frequencyBits(corpus: PackedCorpus, vocabSize: number, texts: readonly HeldOutText[]): number[] {
  const counts = new Float64Array(vocabSize).fill(1);
  for (let index = 0; index < corpus.documents; index++) {
    for (const token of corpus.document(index).tokens) (counts[token] as number) += 1;
  }
  const all = Math.log2(counts.reduce((sum, count) => sum + count, 0));
  return texts.map(({ predicted }) =>
    predicted.reduce((sum, token) => sum + all - Math.log2(counts[token] as number), 0),
  );
}
