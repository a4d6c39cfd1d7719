/** One token from logits: greedy, or by temperature and top-p, from a seeded generator. Sums are kept in float64. */
import type { Random } from '../objective/random.ts';

export interface SamplingOptions {
  /** 0 is greedy. */
  temperature: number;
  /** Only the most probable tokens that together reach this share take part; 1 is all. */
  topP: number;
}

/** exp(-40) of the largest term, times any vocabulary, is below what a float64 sum can see. */
const NEGLIGIBLE = -40;

/** Draws one of `allowed`. Ties go to the one that comes first. Throws when nothing is allowed. */
export function drawToken(logits: Float32Array, allowed: Int32Array, options: SamplingOptions, random: Random): number {
  if (allowed.length === 0) {
    throw new Error('No token of the vocabulary fits here: the tokenizer cannot write this text.');
  }
  const best = highestOf(logits, allowed);
  if (options.temperature === 0) return best;

  const highest = logits[best] as number;
  const { temperature, topP } = options;
  const kept = topP === 1 ? allowed : nucleus(logits, allowed, highest, options);
  const weights = new Float64Array(kept.length);
  for (let i = 0; i < weights.length; i++)
    weights[i] = power(((logits[kept[i] as number] as number) - highest) / temperature);
  return kept[random.weighted(weights)] as number;
}

const totals = new WeakMap<Float32Array, number>();

/** logSumExp of a row of the model's logits, summed once: they are read only. */
export function totalOf(logits: Float32Array): number {
  const known = totals.get(logits);
  if (known !== undefined) return known;
  const total = logSumExp(logits);
  totals.set(logits, total);
  return total;
}

/** For who made logits of others and knows what they sum up to. */
export function noteTotal(logits: Float32Array, total: number): void {
  totals.set(logits, total);
}

/** Natural logarithm of the token's probability among all tokens, at temperature 1. */
export function logProbabilityOf(logits: Float32Array, token: number): number {
  return (logits[token] as number) - totalOf(logits);
}

/** The same among the `allowed` tokens only. */
export function logShareOf(logits: Float32Array, allowed: Int32Array, token: number): number {
  return logProbabilityOf(
    Float32Array.from(allowed, (id) => logits[id] as number),
    allowed.indexOf(token),
  );
}

/** A token with the natural logarithm of its probability among all tokens, at temperature 1. */
export interface Candidate {
  id: number;
  logProbability: number;
}

/** The `count` most probable tokens, best first; the lower id first where two are equal. */
export function mostProbable(logits: Float32Array, count: number): Candidate[] {
  const total = totalOf(logits);
  const all = new Int32Array(logits.length);
  for (let i = 0; i < all.length; i++) all[i] = i;
  return mostProbableOf(logits, all, count).map((id) => ({ id, logProbability: (logits[id] as number) - total }));
}

/** The same of the `allowed` tokens, their ids alone; the first of `allowed` first where two are equal. */
export function mostProbableOf(logits: Float32Array, allowed: Int32Array, count: number): number[] {
  const found: number[] = [];
  let least = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < allowed.length; i++) {
    const id = allowed[i] as number;
    const logit = logits[id] as number;
    if (found.length === count && !(logit > least)) continue;
    let rank = found.length;
    while (rank > 0 && logit > (logits[found[rank - 1] as number] as number)) rank--;
    found.splice(rank, 0, id);
    found.length = Math.min(found.length, count);
    least = logits[found.at(-1) as number] as number;
  }
  return found;
}

/** An index counts here: iterators of a whole vocabulary take ten times as long. */
export function highestLogit(logits: Float32Array | Float64Array): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) if ((logits[i] as number) > highest) highest = logits[i] as number;
  return highest;
}

/** log(sum(exp(logits))). Throws when that is no finite number: damaged weights. */
export function logSumExp(logits: Float32Array | Float64Array): number {
  const highest = highestLogit(logits);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += power((logits[i] as number) - highest);
  const result = highest + Math.log(sum);
  if (!Number.isFinite(result)) {
    throw new Error('The model returned numbers that are not finite: its weights are damaged or overflow.');
  }
  return result;
}

/** Entries of the table for each unit. */
const STEPS = 64;
const POWERS = Float64Array.from({ length: -NEGLIGIBLE * STEPS + 1 }, (_, step) => Math.exp(-step / STEPS));

/**
 * e^x for x of at most 0, within 1e-7 of itself, in a fifth of the time that `Math.exp` takes for a whole vocabulary: the
 * nearest entry of a table times the first terms of the series for what is left. 0 where it is negligible.
 */
function power(x: number): number {
  if (x < NEGLIGIBLE) return 0;
  const step = (0.5 - x * STEPS) | 0;
  const rest = x + step / STEPS;
  return (POWERS[step] as number) * (1 + rest * (1 + rest * 0.5));
}

function highestOf(logits: Float32Array, allowed: Int32Array): number {
  let best = allowed[0] as number;
  let highest = logits[best] as number;
  for (let i = 1; i < allowed.length; i++) {
    const logit = logits[allowed[i] as number] as number;
    if (logit > highest) {
      highest = logit;
      best = allowed[i] as number;
    }
  }
  return best;
}

/** Shares of the highest weight down to which tokens are looked at: few hold most of the probability. */
const DEPTH = 1e-2;

/** The smallest set of `allowed` that reaches the share `topP` of their probability, with what is as probable as its last. */
function nucleus(
  logits: Float32Array,
  allowed: Int32Array,
  highest: number,
  { temperature, topP }: SamplingOptions,
): Int32Array {
  const wanted = topP * weightOf(logits, allowed, highest, temperature);
  for (let least = DEPTH; least > Math.exp(NEGLIGIBLE); least *= DEPTH) {
    const likely = atLeast(logits, allowed, highest + temperature * Math.log(least));
    // Numbers of this kind are sorted without a call of ours for each two.
    const sorted = Float32Array.from(likely, (token) => logits[token] as number).sort();
    let reached = 0;
    for (let i = sorted.length - 1; i >= 0; i--) {
      reached += power(((sorted[i] as number) - highest) / temperature);
      if (reached >= wanted) return atLeast(logits, likely, sorted[i] as number);
    }
    if (likely.length === allowed.length) return likely;
  }
  return allowed;
}

/** The sum of all weights, that of the highest being 1. */
function weightOf(logits: Float32Array, allowed: Int32Array, highest: number, temperature: number): number {
  const sharpness = 1 / temperature;
  let total = 0;
  for (let i = 0; i < allowed.length; i++)
    total += power(((logits[allowed[i] as number] as number) - highest) * sharpness);
  return total;
}

function atLeast(logits: Float32Array, allowed: Int32Array, lowest: number): Int32Array {
  const found = new Int32Array(allowed.length);
  let length = 0;
  for (let i = 0; i < allowed.length; i++) {
    const token = allowed[i] as number;
    if ((logits[token] as number) >= lowest) found[length++] = token;
  }
  return found.subarray(0, length);
}
