/**
 * Autoregressive blank infilling: the one place that says how a text with blanks becomes Part A and Part B. Training
 * uses `blankInfilling` and `suffixGeneration`; inference uses `partA` and `spanRows`, of which those are made.
 * Follows `make_block_data` and `construct_blocks` of GLM 2021 (blocklm_utils.py); no tokenizer, no random choice here.
 */
import type { GlmConfig } from '../model/config.ts';
import type { TokenRows } from '../runtime/runtime.ts';

/** `[MASK]` short token spans, `[sMASK]` sentences and lines, `[gMASK]` one long span. */
export type BlankKind = 'token' | 'sentence' | 'document';

/** Tokens [start, end) of a text; start = end is a blank where nothing is missing. */
export interface Span {
  start: number;
  end: number;
}

/** The ids that blank infilling puts between the tokens of a text. */
export interface BlankIds {
  /** `[MASK]`, `[sMASK]` or `[gMASK]`. */
  mask: number;
  /** `<|startofpiece|>` */
  sop: number;
  /** `<|endofpiece|>` */
  eop: number;
}

/**
 * Where the tokens of a span stand in the position row. `at-mask`: all at their mask's position. `running`: counting
 * on from Part A, as GLM-130B does for `[gMASK]`.
 */
export type SpanPositions = 'at-mask' | 'running';

/** Part A with, for every span in the order given, the index of its mask (which is also the mask's position). */
export interface PartA extends TokenRows {
  masks: Int32Array;
}

/** One training sample; all rows have the same length, Part A then Part B. */
export interface InfillingSample extends TokenRows {
  /** Target of each row, already aligned with it: nothing is shifted later. */
  targets: Int32Array;
  /** 1 where the target counts in the loss: Part B, its `eop`s included. */
  lossMask: Uint8Array;
  /** Number of tokens of Part A. */
  sep: number;
}

/** GLM-130B has no block positions, so its `[gMASK]` spans count on; every other member stays at the mask. */
export function spanPositions(positions: GlmConfig['positions'], kind: BlankKind): SpanPositions {
  return positions === 'rotary-1d' && kind === 'document' ? 'running' : 'at-mask';
}

/**
 * The text with each span replaced by one mask token. Positions are 0 … n-1 and block positions 0. Spans may touch and
 * may be empty, but not overlap; their order decides only the order of `masks`.
 * Throws RangeError when a span leaves the text or overlaps another.
 */
export function partA(text: ArrayLike<number>, spans: readonly Span[], mask: number): PartA {
  const order = spans.map((_, index) => index);
  order.sort((x, y) => at(spans, x).start - at(spans, y).start || at(spans, x).end - at(spans, y).end);
  const hidden = spans.reduce((sum, span) => sum + span.end - span.start, 0);
  const tokens = new Int32Array(Math.max(0, text.length - hidden + spans.length));
  const masks = new Int32Array(spans.length);

  let from = 0;
  let length = 0;
  for (const index of order) {
    const { start, end } = at(spans, index);
    if (!Number.isInteger(start) || !Number.isInteger(end) || start > end || end > text.length || start < from) {
      throw new RangeError(
        `Span [${start}, ${end}) does not fit: spans must lie in a text of ${text.length} tokens without overlapping.`,
      );
    }
    while (from < start) tokens[length++] = text[from++] as number;
    masks[index] = length;
    tokens[length++] = mask;
    from = end;
  }
  while (from < text.length) tokens[length++] = text[from++] as number;
  return { tokens, positions: tokens.map((_, index) => index), blockPositions: new Int32Array(length), masks };
}

/** Where the next tokens of a span go. */
export interface SpanPlace {
  /** Index of the span's mask in Part A. */
  mask: number;
  /** Tokens of this span that precede, `sop` included: 0 when `sop` comes first. */
  fed: number;
  /** Tokens of the whole sequence that precede. */
  length: number;
  positions: SpanPositions;
}

/** Part B rows for consecutive input tokens of one span, beginning with `sop` when `place.fed` is 0. */
export function spanRows(tokens: ArrayLike<number>, place: SpanPlace): TokenRows {
  const rows = Int32Array.from(tokens);
  return {
    tokens: rows,
    positions: rows.map((_, index) => (place.positions === 'at-mask' ? place.mask : place.length + index)),
    blockPositions: rows.map((_, index) => place.fed + 1 + index),
  };
}

/**
 * The block form: Part A, then for every span, in the order given, `sop` + span as input and span + `eop` as target.
 * The sample has `text.length + 2 * spans.length` rows.
 */
export function blankInfilling(
  text: ArrayLike<number>,
  spans: readonly Span[],
  ids: BlankIds,
  positions: SpanPositions = 'at-mask',
): InfillingSample {
  const source = partA(text, spans, ids.mask);
  const sep = source.tokens.length;
  const sample = emptySample(text.length + 2 * spans.length, source);

  let length = sep;
  for (const [index, { start, end }] of spans.entries()) {
    const input = [ids.sop];
    for (let i = start; i < end; i++) input.push(text[i] as number);
    const rows = spanRows(input, { mask: source.masks[index] as number, fed: 0, length, positions });
    putRows(sample, rows, length);
    sample.targets.set(input.slice(1), length);
    length += input.length;
    sample.targets[length - 1] = ids.eop;
  }
  sample.lossMask.fill(1, sep);
  return sample;
}

/**
 * The cut form of document mode: everything from `division` on is the span, and no `eop` is predicted after it (the
 * text ordinarily ends in its own end of document). The sample has `text.length + 1` rows.
 * `textLossMask`, one entry for each token of the text, is kept for the tokens that are predicted.
 */
export function suffixGeneration(
  text: ArrayLike<number>,
  division: number,
  ids: BlankIds,
  options: { positions?: SpanPositions; textLossMask?: ArrayLike<number> } = {},
): InfillingSample {
  if (!Number.isInteger(division) || division < 0 || division >= text.length) {
    throw new RangeError(`Division ${division} leaves nothing to generate of a text of ${text.length} tokens.`);
  }
  const source = partA(Array.prototype.slice.call(text, 0, division), [{ start: division, end: division }], ids.mask);
  const sep = source.tokens.length;
  const sample = emptySample(text.length + 1, source);
  const span: number[] = Array.prototype.slice.call(text, division);
  const place: SpanPlace = { mask: division, fed: 0, length: sep, positions: options.positions ?? 'at-mask' };
  putRows(sample, spanRows([ids.sop, ...span.slice(0, -1)], place), sep);
  sample.targets.set(span, sep);
  for (let i = 0; i < span.length; i++) sample.lossMask[sep + i] = options.textLossMask?.[division + i] ?? 1;
  return sample;
}

function emptySample(length: number, source: PartA): InfillingSample {
  const sample: InfillingSample = {
    tokens: new Int32Array(length),
    targets: new Int32Array(length),
    lossMask: new Uint8Array(length),
    positions: new Int32Array(length),
    blockPositions: new Int32Array(length),
    sep: source.tokens.length,
  };
  putRows(sample, source, 0);
  sample.targets.set(source.tokens);
  return sample;
}

function putRows(sample: InfillingSample, rows: TokenRows, offset: number): void {
  sample.tokens.set(rows.tokens, offset);
  sample.positions.set(rows.positions, offset);
  sample.blockPositions.set(rows.blockPositions, offset);
}

function at(spans: readonly Span[], index: number): Span {
  return spans[index] as Span;
}
