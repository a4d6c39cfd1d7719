/** The model itself: fills each blank greedily, and tells how many bits it would take to say what stood there. */

import { mixCaches } from '../infill/cache-gate.ts';
import { fillOpenBlank } from '../infill/decode.ts';
import type { FilledToken, FinishReason, Model } from '../infill/fill.ts';
import { type OpenBlank, openBlank } from '../infill/open-blank.ts';
import { logProbabilityOf } from '../infill/sampling.ts';
import type { Task } from './task.ts';

export interface ModelAnswer {
  text: string;
  finish: FinishReason;
  /** exp(mean log probability) of the predicted tokens. */
  confidence: number;
  /** exp(sum of their log probabilities): of exactly this span and, where `eop` ended it, of its end there. */
  probability: number;
  /**
   * -log2 of the probability of the expected span and its `eop`, given Part A and in the tokenizer's own cut of the
   * span; undefined where the span does not fit into the model beside a Part A.
   */
  bits: number | undefined;
  /** Milliseconds of filling; scoring the expected span is not in it. */
  timings: { tokenize: number; read: number; extend: number };
}

export interface AnswerOptions {
  /** Most tokens of Part A. */
  contextTokens: number;
  /** True where the model is not told that the blank lies within a line: it alone ends the span. */
  mayRunOn?: boolean;
  /** Bits of what the texts around the blank say mixed in, where the model listens to them; else of the model alone. */
  mixedBits?: boolean;
  signal?: AbortSignal;
}

/** Tokens generated at most; the longest line of the corpus has about as many as the first. */
const LINE_TOKENS = 128;
const LINES_TOKENS = 222;
/** `sop`, and the `eop` that scoring asks for. */
const BESIDE_SPAN = 2;

export async function answerTask(
  model: Model,
  task: Task,
  { contextTokens, mayRunOn = false, mixedBits = false, signal }: AnswerOptions,
): Promise<ModelAnswer> {
  const singleLine = !mayRunOn && !task.expected.includes('\n');
  const maxTokens = singleLine ? LINE_TOKENS : LINES_TOKENS;
  const expected = model.tokenizer.encode(task.expected);
  const { path, before, after, neighbours } = task;
  const blank = await openBlank(
    model,
    { path, languageId: task.language, before, after, forced: '', neighbours, kind: 'sentence' },
    { reserve: Math.max(maxTokens, expected.length) + BESIDE_SPAN, contextTokens },
    signal,
  );
  const mixed = mixedBits && model.documentCache === true;
  const bitsOf = (span: readonly number[]) => (mixed ? mixedBitsOf : ownBitsOf)(blank, span, signal);
  try {
    const fill = await fillOpenBlank(
      blank,
      '',
      { maxTokens, temperature: 0, topP: 1, seed: 0, singleLine, timeLimit: 0 },
      signal ? { signal } : {},
    );
    const { tokenize, read } = blank.timings;
    return {
      text: fill.text,
      finish: fill.finish,
      confidence: fill.confidence,
      probability: probabilityOf(fill.tokens),
      bits: expected.length < blank.places ? await bitsOf(expected) : undefined,
      timings: { tokenize, read, extend: fill.timings.extend },
    };
  } finally {
    blank.dispose();
  }
}

function probabilityOf(tokens: readonly FilledToken[]): number {
  return Math.exp(tokens.reduce((sum, { forced, logProbability }) => (forced ? sum : sum + logProbability), 0));
}

async function ownBitsOf(blank: OpenBlank, span: readonly number[], signal?: AbortSignal): Promise<number> {
  const { logits, logProbabilities } = await blank.feed(span, signal);
  const end = logProbabilityOf(logits, blank.model.tokenizer.special.eop);
  return -logProbabilities.reduce((sum, x) => sum + x, end) / Math.LN2;
}

async function mixedBitsOf(blank: OpenBlank, span: readonly number[], signal?: AbortSignal): Promise<number> {
  const { tokenizer } = blank.model;
  let { logits } = await blank.feed([], signal);
  let sum = 0;
  for (const [index, token] of [...span, tokenizer.special.eop].entries()) {
    const written = tokenizer.decode(span.slice(0, index));
    sum += logProbabilityOf(mixCaches(logits, blank.caches, written, '').logits, token);
    if (index < span.length) logits = await blank.append(token, logProbabilityOf(logits, token), signal);
  }
  return -sum / Math.LN2;
}
