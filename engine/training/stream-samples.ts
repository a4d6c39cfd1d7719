/**
 * Samples as the papers draw them: documents one after another until a sequence is full, no header, and GLM's own three
 * kinds of blank. GLM 2021 begins each document with `[CLS]` and ends it with `<|endoftext|>` (datasets.py
 * `BlockDataset`); GLM-130B cuts a bare stream, and a `[MASK]` sequence into pieces (glm/collator.py).
 */

import type { GlmConfig } from '../model/config.ts';
import { blankInfilling, type InfillingSample, spanPositions, suffixGeneration } from '../objective/blank-infilling.ts';
import type { Random } from '../objective/random.ts';
import { documentBlank, sentenceEnds, sentenceSpans, tokenSpans } from '../objective/spans.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { PackedCorpus } from './corpus/packed-corpus.ts';
import { drawUntilFits, framingTokens } from './samples.ts';

export interface StreamMixture {
  kind: 'stream';
  /** Relative frequencies of sequences with `[MASK]`, `[sMASK]` and `[gMASK]`. */
  weights: { token: number; sentence: number; document: number };
  /** Tokens of a sequence before it is corrupted. */
  length: number;
  /** Into how many samples a `[MASK]` sequence is cut; each is corrupted alone. */
  pieces: number;
  /** Chance of a `[MASK]` sample with one span only, and of one cut to a uniform length of at least 32 tokens. */
  single: number;
  short: number;
  /** Shortest share of a sequence that `[gMASK]` generates, and the chance that it is the end of the sequence. */
  documentMin: number;
  suffix: number;
  /** Whether each document begins with `[CLS]`. */
  enc: boolean;
}

export interface StreamSource {
  tokenizer: Tokenizer;
  corpus: PackedCorpus;
  mixture: StreamMixture;
  positions: GlmConfig['positions'];
  maxLength: number;
}

const SHORTEST = 32;

/** Draws one sample; throws when the corpus yields none. */
export function drawStreamSample(source: StreamSource, random: Random): InfillingSample {
  return drawUntilFits(source, () => trySample(source, random));
}

function trySample(
  { tokenizer, corpus, mixture, positions }: StreamSource,
  random: Random,
): InfillingSample | undefined {
  const special = framingTokens(tokenizer);
  const { weights, pieces, length } = mixture;
  const ids = (mask: number) => ({ mask, sop: special.sop, eop: special.eop });
  // Weights are those of sequences; one that is cut gives as many samples as it has pieces, drawn one at a time.
  switch (random.weighted([weights.token * pieces, weights.sentence, weights.document])) {
    case 0: {
      const whole = Math.floor(length / pieces);
      const cut = random.float() < mixture.short ? SHORTEST + random.below(Math.max(1, whole - SHORTEST)) : whole;
      const text = drawStream(tokenizer, corpus, cut, mixture.enc, random);
      const spans = tokenSpans(random, text, special, { single: random.float() < mixture.single });
      if (!spans || spans.length === 0) return undefined;
      return blankInfilling(text, spans, ids(special.mask), spanPositions(positions, 'token'));
    }
    case 1: {
      const text = drawStream(tokenizer, corpus, length, mixture.enc, random);
      const spans = sentenceSpans(random, text, special, endsOf(tokenizer));
      if (spans.length === 0) return undefined;
      return blankInfilling(text, spans, ids(special.sentenceMask), spanPositions(positions, 'sentence'));
    }
    default: {
      const text = drawStream(tokenizer, corpus, length, mixture.enc, random);
      const options = { minRatio: mixture.documentMin, suffixProbability: mixture.suffix };
      const blank = documentBlank(random, text, special, options);
      if (!blank) return undefined;
      const row = spanPositions(positions, 'document');
      if (blank.form === 'infill') return blankInfilling(text, blank.spans, ids(special.documentMask), row);
      return suffixGeneration(text, blank.division, ids(special.documentMask), { positions: row });
    }
  }
}

/** `length` tokens of documents in proportion to their length, the first from anywhere in it, the others from the start. */
export function drawStream(
  tokenizer: Tokenizer,
  corpus: PackedCorpus,
  length: number,
  enc: boolean,
  random: Random,
): number[] {
  const special = framingTokens(tokenizer);
  const text: number[] = [];
  while (text.length < length) {
    const { tokens } = corpus.document(corpus.documentAt(random.below(corpus.tokens)));
    const from = text.length === 0 ? random.below(tokens.length) : 0;
    if (enc) text.push(special.enc);
    text.push(...tokens.subarray(from, from + length - text.length));
    if (text.length < length) text.push(special.eos);
  }
  return text.slice(0, length);
}

const ends = new WeakMap<Tokenizer, (token: number) => boolean>();

function endsOf(tokenizer: Tokenizer): (token: number) => boolean {
  let found = ends.get(tokenizer);
  if (!found) {
    found = sentenceEnds(tokenizer.vocabSize, (token) => tokenizer.decode([token]));
    ends.set(tokenizer, found);
  }
  return found;
}
