/** A way of pre-training as the lab needs it: its samples, and what a model trained by it can be asked. */
import type { GlmConfig } from '../../model/config.ts';
import type { InfillingSample } from '../../objective/blank-infilling.ts';
import type { Random } from '../../objective/random.ts';
import type { DocumentIds } from '../../objective/spans.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';

/** The tokens that samples are made with, beside those of the text. */
export interface LabTokens extends DocumentIds {
  /** `[MASK]` and `[gMASK]`. */
  mask: number;
  documentMask: number;
  sop: number;
  eop: number;
  /** T5's, beyond the tokenizer's vocabulary: a model that uses them has as many rows more. */
  sentinels: readonly number[];
  /** A token that has text, drawn uniformly. */
  anyToken(random: Random): number;
}

/** A blank while it is being filled. */
export interface OpenBlank {
  before: readonly number[];
  after: readonly number[];
  written: readonly number[];
  /** Tokens that are missing; only those who are told the length may look. */
  length: number;
}

/**
 * What ends a blank. `eop`: the model, by a token that it was trained to predict there. `told`: the length is given.
 * `line-break`: the model writes on and is cut at the end of the line; where the blank ends before that, it is told too.
 */
export type BlankEnd = 'eop' | 'told' | 'line-break';

export interface LabParadigm {
  name: string;
  title: string;
  /** Who described it, how it is done here and what is left out; for the page. */
  note: string;
  /** Where the model differs from the usual one; it has as many parameters. */
  config?: Partial<GlmConfig> | ((usual: GlmConfig) => Partial<GlmConfig>);
  /** A sample of training; undefined where none could be drawn for this text. */
  train(text: readonly number[], tokens: LabTokens, random: Random): InfillingSample | undefined;
  blankEnd: BlankEnd;
  /** One counted row: the one from which the blank's next token is read. */
  next(blank: OpenBlank, tokens: LabTokens): InfillingSample;
  /** The tokens of `text` as the counted targets, in their order, after `context`; absent where it is not defined. */
  continuation?(context: readonly number[], text: readonly number[], tokens: LabTokens): InfillingSample;
}

/** More than a text of 256 tokens has spans. */
export const SENTINELS = 64;

/** Throws for a tokenizer that does not frame documents. */
export function labTokens(tokenizer: Tokenizer): LabTokens {
  const { enc, eos, mask, documentMask, sop, eop } = tokenizer.special;
  if (enc === undefined) throw new Error('The lab needs a tokenizer with [CLS], which begins each document.');
  const ordinary = Array.from({ length: tokenizer.vocabSize }, (_, token) => token).filter(
    (token) => tokenizer.bytes(token).length > 0,
  );
  return {
    enc,
    eos,
    mask,
    documentMask,
    sop,
    eop,
    sentinels: Array.from({ length: SENTINELS }, (_, index) => tokenizer.vocabSize + index),
    anyToken: (random) => ordinary[random.below(ordinary.length)] as number,
  };
}

/** Indices of the tokens that may be hidden: all but those that frame documents. */
export function hideable(text: readonly number[], { enc, eos }: DocumentIds): number[] {
  return text.flatMap((token, index) => (token === enc || token === eos ? [] : [index]));
}

/** The sample with its last row alone in the loss. */
export function lastRowOnly(sample: InfillingSample): InfillingSample {
  const lossMask = new Uint8Array(sample.tokens.length);
  lossMask[lossMask.length - 1] = 1;
  return { ...sample, lossMask };
}
