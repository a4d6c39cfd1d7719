/**
 * Fill-in-the-middle for a causal model (Bavarian et al. 2022, arXiv 2207.14255): the text around a span is moved before
 * it, and the whole is predicted from left to right. The control against which blank infilling is measured: no Part A,
 * every row sees what precedes it, every token is a target.
 */
import type { InfillingSample, Span } from './blank-infilling.ts';

/** Prefix, suffix, middle; or suffix first, where the middle follows its prefix without a token between them. */
export type FimOrder = 'psm' | 'spm';

export interface FimIds {
  prefix: number;
  suffix: number;
  middle: number;
  /** Ends the middle. */
  end: number;
}

/** The tokens that blank infilling has for its blanks serve: a causal model knows no blanks. */
export function fimIds({
  mask,
  sentenceMask,
  sop,
  eop,
}: Record<'mask' | 'sentenceMask' | 'sop' | 'eop', number>): FimIds {
  return { prefix: mask, suffix: sentenceMask, middle: sop, end: eop };
}

/**
 * What a causal model reads before the middle. PSM: `prefix` before `suffix` after `middle`. SPM, in the form that can be
 * trained together with it: `prefix` `suffix` after `middle` before.
 */
export function fimContext(
  before: readonly number[],
  after: readonly number[],
  ids: FimIds,
  order: FimOrder,
): number[] {
  return order === 'psm'
    ? [ids.prefix, ...before, ids.suffix, ...after, ids.middle]
    : [ids.prefix, ids.suffix, ...after, ids.middle, ...before];
}

/** One row for each token but the last; positions 0 … n-1, `sep` 0. The sample has `text.length + 3` rows. */
export function fillInTheMiddle(
  text: readonly number[],
  { start, end }: Span,
  ids: FimIds,
  order: FimOrder,
): InfillingSample {
  if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || start > end || end > text.length) {
    throw new RangeError(`The span [${start}, ${end}) does not lie in a text of ${text.length} tokens.`);
  }
  const context = fimContext(text.slice(0, start), text.slice(end), ids, order);
  return leftToRight([...context, ...text.slice(start, end), ids.end]);
}

/** A text as a causal model is trained on it: each token predicts the next. It has one row less than tokens. */
export function leftToRight(text: readonly number[]): InfillingSample {
  if (text.length < 2) throw new RangeError(`A text of ${text.length} tokens has nothing to predict.`);
  const rows = text.length - 1;
  return {
    tokens: Int32Array.from(text.slice(0, -1)),
    targets: Int32Array.from(text.slice(1)),
    lossMask: new Uint8Array(rows).fill(1),
    positions: Int32Array.from({ length: rows }, (_, row) => row),
    blockPositions: new Int32Array(rows),
    sep: 0,
  };
}
