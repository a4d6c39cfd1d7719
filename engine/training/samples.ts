/**
 * Training samples of the `cursor` recipe: a window of a document under the header that the editor will use, with
 * blanks as `[sMASK]` (what people leave open in code), `[gMASK]` (the rest of the window, or one long span) or `[MASK]`
 * (GLM's short spans). The objective itself is engine/objective; the layout is engine/infill/passage.
 */
import { headerTokens, neighbourTokens } from '../infill/passage.ts';
import { blankInfilling, type InfillingSample, type Span, suffixGeneration } from '../objective/blank-infilling.ts';
import type { Random } from '../objective/random.ts';
import { documentBlank, tokenSpans } from '../objective/spans.ts';
import type { SpecialTokens, Tokenizer } from '../tokenizer/tokenizer.ts';
import { type CharacterRange, codeBlanks } from './code-blanks.ts';
import type { PackedCorpus } from './corpus/packed-corpus.ts';

export interface SampleRecipe {
  /** Relative frequencies of the three kinds of blank. */
  weights: { sentence: number; document: number; token: number };
  /** Of the `[sMASK]` samples, the share with one blank, as an editor asks; the others have several. */
  single: number;
  /** Several blanks: at most this many, over a share of the window that is uniform between these two. */
  several: { most: number; leastShare: number; mostShare: number };
  /** Tokens of a window: uniform in `shortest` … `usual`, or with probability `long` in `usual` … `longest`. */
  shortest: number;
  usual: number;
  longest: number;
  long: number;
  /** Chance that a snippet of another file of the same package goes before the window. */
  neighbour: number;
}

const SHORTEST_DOCUMENT = 24;
const NEIGHBOUR_TOKENS = 96;
const MOST_ATTEMPTS = 1000;

export interface SampleSource {
  tokenizer: Tokenizer;
  corpus: PackedCorpus;
  recipe: SampleRecipe;
  /** Rows that the model takes: a longer sample, as an odd path can make it, is drawn again. */
  maxLength: number;
}

/** Draws one sample; documents are drawn in proportion to their length. Throws when the corpus yields none. */
export function drawSample(source: SampleSource, random: Random): InfillingSample {
  return drawUntilFits(source, () => trySample(source, random));
}

/** The first sample that the model can take. Throws when there is none in many attempts. */
export function drawUntilFits(
  source: Pick<SampleSource, 'corpus' | 'maxLength'>,
  attemptOne: () => InfillingSample | undefined,
): InfillingSample {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const sample = attemptOne();
    if (sample && sample.tokens.length <= source.maxLength) return sample;
  }
  throw new Error(
    `The corpus of ${source.corpus.documents} documents gave no sample in ${MOST_ATTEMPTS} attempts: documents need ${SHORTEST_DOCUMENT} tokens, samples at most ${source.maxLength}. Use a larger corpus or shorter windows.`,
  );
}

/** The special tokens of a tokenizer that frames documents. Throws for another. */
export function framingTokens({ special }: Tokenizer): SpecialTokens & { enc: number } {
  const { enc } = special;
  if (enc === undefined) throw new Error('Training needs a tokenizer with [CLS], which begins each document.');
  return { ...special, enc };
}

/** A stretch of a document between what stands before it (header, neighbour) and, at the document's end, after it. */
export interface Window {
  head: number[];
  body: Uint16Array;
  tail: number[];
}

/** Draws a window; undefined where the document that was drawn is too short. */
export function drawWindow({ tokenizer, corpus, recipe }: SampleSource, random: Random): Window | undefined {
  const special = framingTokens(tokenizer);
  const index = corpus.documentAt(random.below(corpus.tokens));
  const document = corpus.document(index);
  const length = document.tokens.length;
  if (length < SHORTEST_DOCUMENT) return undefined;

  const wanted = windowLength(recipe, random);
  const start = length <= wanted ? 0 : lineStart(tokenizer, document.tokens, random.below(length - wanted + 1));
  const end = Math.min(length, start + wanted);
  const body = document.tokens.subarray(start, end);
  const head = [special.enc];
  if (random.float() < recipe.neighbour) head.push(...drawNeighbour(tokenizer, corpus, index, random));
  head.push(...headerTokens(tokenizer, document.path));
  const tail = end === length ? [special.eos] : [];
  return { head, body, tail };
}

function trySample(source: SampleSource, random: Random): InfillingSample | undefined {
  const { tokenizer, recipe } = source;
  const special = framingTokens(tokenizer);
  const window = drawWindow(source, random);
  if (!window) return undefined;
  const { head, body, tail } = window;
  const { sentence, document: long, token } = recipe.weights;
  const ids = (mask: number) => ({ mask, sop: special.sop, eop: special.eop });
  switch (random.weighted([sentence, long, token])) {
    case 0: {
      const cut = cutText(tokenizer, recipe, random, tokenizer.decode(body));
      if (cut.spans.length === 0) return undefined;
      const text = [...head, ...cut.tokens, ...tail];
      return blankInfilling(text, shifted(random.shuffle(cut.spans), head.length), ids(special.sentenceMask));
    }
    case 1: {
      const blank = documentBlank(random, body, special, { minRatio: 0.25, suffixProbability: 0.7 });
      if (!blank) return undefined;
      const text = [...head, ...body, ...tail];
      if (blank.form === 'suffix')
        return suffixGeneration(text, head.length + blank.division, ids(special.documentMask));
      return blankInfilling(text, shifted(blank.spans, head.length), ids(special.documentMask));
    }
    default: {
      const spans = tokenSpans(random, body, special);
      if (!spans || spans.length === 0) return undefined;
      return blankInfilling([...head, ...body, ...tail], shifted(spans, head.length), ids(special.mask));
    }
  }
}

function windowLength({ shortest, usual, longest, long }: SampleRecipe, random: Random): number {
  if (random.float() < long) return usual + random.below(longest - usual + 1);
  return shortest + random.below(usual - shortest + 1);
}

const LINE_FEED = 10;

/** The next token at or after `from` that begins a line, within a few lines; else `from`. */
function lineStart(tokenizer: Tokenizer, tokens: Uint16Array, from: number): number {
  for (let i = from; i < Math.min(from + 48, tokens.length); i++) {
    if (tokenizer.bytes(tokens[i] as number)[0] === LINE_FEED) return i;
  }
  return from;
}

function drawNeighbour(tokenizer: Tokenizer, corpus: PackedCorpus, index: number, random: Random): number[] {
  const others = corpus.samePackage(index);
  const other = others[random.below(others.length)] as number;
  if (other === index) return [];
  const { tokens, path } = corpus.document(other);
  const start = lineStart(tokenizer, tokens, random.below(Math.max(1, tokens.length - NEIGHBOUR_TOKENS)));
  const text = tokenizer.decode(tokens.subarray(start, start + NEIGHBOUR_TOKENS));
  return neighbourTokens(tokenizer, [{ path, text }], NEIGHBOUR_TOKENS + 48);
}

/** Blanks drawn on characters; the stretches between their borders are encoded apart, as the editor does. */
function cutText(
  tokenizer: Tokenizer,
  { single, several }: SampleRecipe,
  random: Random,
  text: string,
): { tokens: number[]; spans: Span[] } {
  if (random.float() < single) return encodeAround(tokenizer, text, codeBlanks(random, text, 1, 1));
  const share = several.leastShare + (several.mostShare - several.leastShare) * random.float();
  return encodeAround(tokenizer, text, codeBlanks(random, text, share, several.most));
}

/** The tokens of `text` with a token border at both ends of every range, and the ranges as tokens. */
export function encodeAround(
  tokenizer: Tokenizer,
  text: string,
  ranges: readonly CharacterRange[],
): { tokens: number[]; spans: Span[] } {
  const tokens: number[] = [];
  const spans: Span[] = [];
  let from = 0;
  for (const { start, end } of ranges) {
    tokens.push(...tokenizer.encode(text.slice(from, start)));
    const first = tokens.length;
    tokens.push(...tokenizer.encode(text.slice(start, end)));
    spans.push({ start: first, end: tokens.length });
    from = end;
  }
  tokens.push(...tokenizer.encode(text.slice(from)));
  return { tokens, spans };
}

function shifted(spans: readonly Span[], by: number): Span[] {
  return spans.map(({ start, end }) => ({ start: start + by, end: end + by }));
}
