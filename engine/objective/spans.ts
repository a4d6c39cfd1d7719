/**
 * Which spans of a text become blanks: GLM 2021's three modes (blocklm_utils.py `construct_blocks`), drawn from a seeded
 * generator. A text is tokens of one or more documents, each `[CLS]` … `<|endoftext|>`; neither token is ever blanked.
 * Every function returns spans in Part B order, that is shuffled.
 */
import type { Span } from './blank-infilling.ts';
import type { Random } from './random.ts';

/** The tokens that bound documents. */
export interface DocumentIds {
  /** `[CLS]` */
  enc: number;
  /** `<|endoftext|>` */
  eos: number;
}

/** GLM 2021's figures, which GLM-130B keeps. */
export const BLANK_RATIO = 0.15;
export const MEAN_SPAN_LENGTH = 3;
export const LONGEST_SPAN = 39;

/** Weight of every length 1 … `longest`: Poisson(mean), renormalised by the draw. Index 0 is length 1. */
export function spanLengthWeights(mean = MEAN_SPAN_LENGTH, longest = LONGEST_SPAN): number[] {
  const weights: number[] = [];
  let probability = Math.exp(-mean);
  for (let length = 1; length <= longest; length++) {
    probability *= mean / length;
    weights.push(probability);
  }
  return weights;
}

const DEFAULT_WEIGHTS = spanLengthWeights();

export interface TokenSpanOptions {
  /** Share of the text to blank. */
  ratio?: number;
  weights?: readonly number[];
  /** One span only, whatever the ratio (`single_span_prob`). */
  single?: boolean;
}

/** Lengths drawn until they reach floor(ratio * textLength); the last one overshoots and is not clipped. */
export function drawSpanLengths(random: Random, textLength: number, options: TokenSpanOptions = {}): number[] {
  const weights = options.weights ?? DEFAULT_WEIGHTS;
  const draw = () => random.weighted(weights) + 1;
  if (options.single) return [draw()];
  const wanted = Math.floor((options.ratio ?? BLANK_RATIO) * textLength);
  const lengths: number[] = [];
  for (let total = 0; total < wanted; ) {
    const length = draw();
    lengths.push(length);
    total += length;
  }
  return lengths;
}

/**
 * Places spans of the given lengths, in that order, within `total` tokens from `offset` on, with at least one token
 * left between two spans. Throws RangeError when they do not fit.
 */
export function placeSpans(random: Random, lengths: readonly number[], total: number, offset = 0): Span[] {
  const free = total - lengths.reduce((sum, length) => sum + length, 0) - lengths.length + 1;
  if (free < 0) throw new RangeError(`${lengths.length} spans do not fit into ${total} tokens.`);
  const places = lengths.map(() => random.below(free + 1)).sort((x, y) => x - y);
  let shift = offset;
  return lengths.map((length, index) => {
    const start = shift + (places[index] as number);
    shift += length + 1;
    return { start, end: start + length };
  });
}

/**
 * Token-span mode, for `[MASK]`: 15 % of the text in spans of about three tokens. Returns undefined when not all spans
 * that were drawn fit, in which case GLM leaves the sample out. A text too short for any span gives an empty list.
 */
export function tokenSpans(
  random: Random,
  text: ArrayLike<number>,
  ids: DocumentIds,
  options: TokenSpanOptions = {},
): Span[] | undefined {
  const lengths = random.shuffle(drawSpanLengths(random, text.length, options));
  return spansOfLengths(random, text, ids, lengths, options.ratio ?? BLANK_RATIO);
}

/** BART's share of hidden tokens (Lewis et al. 2020, section 3.1). */
const INFILLED_RATIO = 0.3;

/**
 * Spans for BART's text infilling, in the order of the text: lengths are Poisson(3) with 0, where a mask stands for
 * nothing, until floor(0.3 * length) tokens are hidden; one length more than that is cut. At least one token is left
 * between two spans; tokens that bound documents may be hidden. Fewer where not all fit.
 */
export function textInfillingSpans(random: Random, length: number): Span[] {
  const weights = [Math.exp(-MEAN_SPAN_LENGTH), ...DEFAULT_WEIGHTS];
  const wanted = Math.floor(INFILLED_RATIO * length);
  const lengths: number[] = [];
  for (let hidden = 0; hidden < wanted; ) {
    const drawn = Math.min(random.weighted(weights), wanted - hidden);
    // Gaps between spans have no room for more.
    if (wanted + lengths.length > length) break;
    lengths.push(drawn);
    hidden += drawn;
  }
  return placeSpans(random, lengths, length);
}

/**
 * Shares lengths out to documents, shortest document first, each taking what stays within `ratio` of it; the longest
 * takes all that remain (`sample_span_in_document`).
 */
function spansOfLengths(
  random: Random,
  text: ArrayLike<number>,
  ids: DocumentIds,
  lengths: readonly number[],
  ratio: number,
): Span[] | undefined {
  const documents = blankableStretches(text, ids).sort((x, y) => x.length - y.length);
  const spans: Span[] = [];
  let taken = 0;
  for (const [index, { offset, length }] of documents.entries()) {
    const longest = index === documents.length - 1;
    const limit = longest ? length : Math.floor(length * ratio);
    const chosen: number[] = [];
    let total = 0;
    for (let next = lengths[taken]; next !== undefined; next = lengths[taken]) {
      if (total + next + (longest ? chosen.length : 0) > limit) break;
      chosen.push(next);
      total += next;
      taken++;
    }
    if (chosen.length + total - 1 > length) return undefined;
    spans.push(...placeSpans(random, chosen, length, offset));
  }
  return taken < lengths.length ? undefined : random.shuffle(spans);
}

/** The tokens of each document that may be blanked: without its `[CLS]` and end, the text's last token never included. */
function blankableStretches(text: ArrayLike<number>, ids: DocumentIds): { offset: number; length: number }[] {
  const stretches: { offset: number; length: number }[] = [];
  let first = 0;
  for (let i = 0; i <= text.length; i++) {
    if (i < text.length && text[i] !== ids.eos) continue;
    const offset = text[first] === ids.enc ? first + 1 : first;
    const end = i === text.length ? i - 1 : i;
    if (end > offset) stretches.push({ offset, length: end - offset });
    first = i + 1;
  }
  return stretches;
}

export interface SentenceSpanOptions {
  ratio?: number;
}

/**
 * Sentence mode, for `[sMASK]`: whole sentences until floor(ratio * length) is reached. `endsSentence` tells a token
 * that closes a sentence; what precedes an end of document without such a token belongs to no sentence. Two spans may
 * touch. Unlike GLM 2021, a later document's `[CLS]` is not taken for part of its first sentence.
 */
export function sentenceSpans(
  random: Random,
  text: ArrayLike<number>,
  ids: DocumentIds,
  endsSentence: (token: number) => boolean,
  options: SentenceSpanOptions = {},
): Span[] {
  const sentences: Span[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const token = text[i] as number;
    if (token === ids.eos || token === ids.enc) {
      start = i + 1;
    } else if (endsSentence(token)) {
      sentences.push({ start, end: i + 1 });
      start = i + 1;
    }
  }
  if (start < text.length) sentences.push({ start, end: text.length });

  random.shuffle(sentences);
  const wanted = Math.floor((options.ratio ?? BLANK_RATIO) * text.length);
  const spans: Span[] = [];
  let total = 0;
  for (const sentence of sentences) {
    spans.push(sentence);
    total += sentence.end - sentence.start;
    if (total >= wanted) break;
  }
  return random.shuffle(spans);
}

const SENTENCE_END = /[.?!;:。？！；…\n]/u;

/** For every token whether it closes a sentence: its text holds a full stop, question mark, … or a line break. */
export function sentenceEnds(vocabSize: number, textOf: (token: number) => string): (token: number) => boolean {
  const ends = Uint8Array.from({ length: vocabSize }, (_, token) => (SENTENCE_END.test(textOf(token)) ? 1 : 0));
  return (token) => ends[token] === 1;
}

export interface DocumentSpanOptions {
  /** Shortest share of the text to generate: 0.5 in GLM's code, 0.25 in its released 10B configurations. */
  minRatio?: number;
  /** Chance of the cut form where the text is a single document; several documents always take it. */
  suffixProbability?: number;
}

/** Document mode's outcome: cut the text at `division` (`suffixGeneration`) or blank one span (`blankInfilling`). */
export type DocumentBlank = { form: 'suffix'; division: number } | { form: 'infill'; spans: Span[] };

/**
 * Document mode, for `[gMASK]`: one long span of uniform length in floor(minRatio * L) … L - 2. Returns undefined for a
 * text of fewer than three tokens.
 */
export function documentBlank(
  random: Random,
  text: ArrayLike<number>,
  ids: DocumentIds,
  options: DocumentSpanOptions = {},
): DocumentBlank | undefined {
  const longest = text.length - 2;
  if (longest < 1) return undefined;
  const shortest = Math.min(longest, Math.max(1, Math.floor((options.minRatio ?? 0.5) * text.length)));
  const length = shortest + random.below(longest - shortest + 1);
  const firstEnd = Array.prototype.indexOf.call(text, ids.eos);
  const severalDocuments = firstEnd !== -1 && firstEnd !== text.length - 1;
  if (!severalDocuments && random.float() >= (options.suffixProbability ?? 0.5)) {
    const spans = spansOfLengths(random, text, ids, [length], 1);
    if (spans) return { form: 'infill', spans };
  }
  return { form: 'suffix', division: text.length - length };
}
