/**
 * Scores of given spans: how probable the model holds each of some candidates in a blank, the end of the span included,
 * so that a beginning is no better than the whole. Part A is read once, and what candidates begin with in common is fed
 * once.
 */
import { endTokens } from '../tokenizer/tokenizer.ts';
import type { Model, Passage } from './fill.ts';
import { BESIDE_SPAN } from './infill.ts';
import { LEAST_PART_A, openBlank } from './open-blank.ts';
import { logProbabilityOf, logSumExp } from './sampling.ts';

export interface ScoreOptions {
  /** Most tokens of Part A; as many as the model holds when left out. */
  contextTokens?: number;
  signal?: AbortSignal;
}

export interface CandidateScore {
  text: string;
  /** Natural logarithm of the probability that the model writes these tokens and ends the span there. */
  logProbability: number;
  /** Its probability among the candidates alone, 0 to 1; all of them together give 1. Equal candidates count each. */
  share: number;
  /** The tokens it was read as, with the logarithm of each one's probability after those before it. */
  tokens: { id: number; text: string; logProbability: number }[];
  /** Logarithm of the probability of the end after them: `eop`, or any other token that ends a span. */
  end: number;
}

/**
 * One score for each candidate, in their order. `passage.forced` begins the span before each of them and counts with it,
 * which shifts all scores alike except where text and candidate become other tokens together. The probabilities are the
 * model's own, without the document cache. Throws RangeError for a candidate that the model's length does not hold.
 */
export async function scoreSpans(
  model: Model,
  passage: Passage,
  candidates: readonly string[],
  { contextTokens, signal }: ScoreOptions = {},
): Promise<CandidateScore[]> {
  if (candidates.length === 0) return [];
  const { tokenizer, runtime } = model;
  const encoded = candidates.map((text) => tokenizer.encode(passage.forced + text));
  const room = runtime.config.maxLength - LEAST_PART_A - BESIDE_SPAN;
  for (const [index, { length }] of encoded.entries()) {
    if (length > room) {
      throw new RangeError(`Candidate ${index + 1} has ${length} tokens; the model has room for ${room}: shorten it.`);
    }
  }
  const reserve = Math.max(...encoded.map(({ length }) => length)) + BESIDE_SPAN;
  const blank = await openBlank(
    model,
    passage,
    contextTokens === undefined ? { reserve } : { reserve, contextTokens },
    signal,
  );
  const ends = endTokens(tokenizer.special);
  const scored: Omit<CandidateScore, 'share'>[] = [];
  try {
    // In the order of their tokens those with a common beginning are neighbours.
    const order = encoded.map((ids, index) => ({ ids, index })).sort((a, b) => compare(a.ids, b.ids));
    for (const { ids, index } of order) {
      const { logits, logProbabilities } = await blank.feed(ids, signal);
      const end = logSumExp(Float64Array.from(ends, (id) => logProbabilityOf(logits, id)));
      scored[index] = {
        text: at(candidates, index),
        logProbability: logProbabilities.reduce((sum, each) => sum + each, end),
        tokens: ids.map((id, i) => ({ id, text: tokenizer.decode([id]), logProbability: at(logProbabilities, i) })),
        end,
      };
    }
  } finally {
    blank.dispose();
  }
  const all = logSumExp(Float64Array.from(scored, ({ logProbability }) => logProbability));
  return scored.map((score) => ({ ...score, share: Math.exp(score.logProbability - all) }));
}

/** The order of token sequences, a beginning before what goes on from it. */
function compare(one: readonly number[], other: readonly number[]): number {
  const length = Math.min(one.length, other.length);
  for (let i = 0; i < length; i++) if (one[i] !== other[i]) return at(one, i) - at(other, i);
  return one.length - other.length;
}

function at<T>(all: readonly T[], index: number): T {
  return all[index] as T;
}
