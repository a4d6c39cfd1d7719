/**
 * Scores of given spans: how probable the model holds each of some candidates in a blank, the end of the span included,
 * so that a beginning is no better than the whole. Part A is read once, what all candidates begin with is fed once, and
 * the rest of them together.
 */
import { endTokens } from '../tokenizer/tokenizer.ts';
import type { Model, Passage } from './fill.ts';
import { BESIDE_SPAN } from './infill.ts';
import { LEAST_PART_A, type OpenBlank, openBlank } from './open-blank.ts';
import { logProbabilityOf, logSumExp } from './sampling.ts';

const MOST_ROWS = 96;

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
  const endAfter = (logits: Float32Array) => logSumExp(Float64Array.from(ends, (id) => logProbabilityOf(logits, id)));
  try {
    const found = await feedAll(blank, encoded, endAfter, signal);
    const scored = candidates.map((text, index) => {
      const ids = at(encoded, index);
      const { logProbabilities, end } = at(found, index);
      return {
        text,
        logProbability: logProbabilities.reduce((sum, each) => sum + each, end),
        tokens: ids.map((id, i) => ({ id, text: tokenizer.decode([id]), logProbability: at(logProbabilities, i) })),
        end,
      };
    });
    const all = logSumExp(Float64Array.from(scored, ({ logProbability }) => logProbability));
    return scored.map((score) => ({ ...score, share: Math.exp(score.logProbability - all) }));
  } finally {
    blank.dispose();
  }
}

interface Fed {
  logProbabilities: readonly number[];
  end: number;
}

/** Log probabilities of each span's tokens and of its end; equal spans are fed once. */
async function feedAll(
  blank: OpenBlank,
  spans: readonly (readonly number[])[],
  endAfter: (logits: Float32Array) => number,
  signal: AbortSignal | undefined,
): Promise<Fed[]> {
  const different = new Map(spans.map((ids) => [ids.join(), ids]));
  const found = new Map<string, Fed>();
  const shared = commonBeginning([...different.values()]);
  if (different.size > 1) await blank.feed(shared, signal);
  for (const group of groups([...different], ([, ids]) => ids.length - shared.length + 1)) {
    const forks = different.size > 1 ? group.map(() => blank.fork()) : [blank];
    try {
      const feeding = group.map(([, ids], index) => at(forks, index).feed(ids, signal));
      await Promise.allSettled(feeding);
      for (const [index, [key]] of group.entries()) {
        const { logProbabilities, logits } = await at(feeding, index);
        found.set(key, { logProbabilities, end: endAfter(logits) });
      }
    } finally {
      for (const fork of forks) if (fork !== blank) fork.dispose();
    }
  }
  return spans.map((ids) => found.get(ids.join()) as Fed);
}

/** What is fed together: at most `MOST_ROWS` rows, so that their logits take little memory. */
function groups<E>(entries: readonly E[], rowsOf: (entry: E) => number): E[][] {
  const grouped: E[][] = [];
  let rows = 0;
  for (const entry of entries) {
    rows += rowsOf(entry);
    if (grouped.length === 0 || rows > MOST_ROWS) {
      grouped.push([]);
      rows = rowsOf(entry);
    }
    grouped.at(-1)?.push(entry);
  }
  return grouped;
}

function commonBeginning(spans: readonly (readonly number[])[]): readonly number[] {
  const first = spans[0] ?? [];
  const length = first.findIndex((id, index) => spans.some((ids) => ids[index] !== id));
  return length < 0 ? first : first.slice(0, length);
}

function at<T>(all: readonly T[], index: number): T {
  return all[index] as T;
}
