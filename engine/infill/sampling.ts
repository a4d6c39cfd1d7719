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

  const weights = new Float64Array(allowed.length);
  const highest = logits[best] as number;
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = Math.exp(((logits[allowed[i] as number] as number) - highest) / options.temperature);
    weights[i] = weight;
    total += weight;
  }
  if (options.topP === 1) return allowed[random.weighted(weights)] as number;
  const kept = nucleus(weights, total, options.topP);
  return allowed[kept[random.weighted(kept.map((index) => weights[index] as number))] as number] as number;
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
  return best(logits, logits.keys(), count).map((id) => ({ id, logProbability: (logits[id] as number) - total }));
}

/** The same of the `allowed` tokens, their ids alone. */
export function mostProbableOf(logits: Float32Array, allowed: Int32Array, count: number): number[] {
  return best(logits, allowed, count);
}

function best(logits: Float32Array, ids: Iterable<number>, count: number): number[] {
  const found: number[] = [];
  const logitOf = (rank: number) => logits[found[rank] as number] as number;
  for (const id of ids) {
    const logit = logits[id] as number;
    if (found.length === count && !(logit > logitOf(count - 1))) continue;
    let rank = found.length;
    while (rank > 0 && logit > logitOf(rank - 1)) rank--;
    found.splice(rank, 0, id);
    found.length = Math.min(found.length, count);
  }
  return found;
}

/** log(sum(exp(logits))). Throws when that is no finite number: damaged weights. */
export function logSumExp(logits: Float32Array | Float64Array): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > highest) highest = logit;
  let sum = 0;
  for (const logit of logits) {
    const below = logit - highest;
    if (!(below < NEGLIGIBLE)) sum += Math.exp(below);
  }
  const result = highest + Math.log(sum);
  if (!Number.isFinite(result)) {
    throw new Error('The model returned numbers that are not finite: its weights are damaged or overflow.');
  }
  return result;
}

function highestOf(logits: Float32Array, allowed: Int32Array): number {
  let best = allowed[0] as number;
  let highest = logits[best] as number;
  for (const token of allowed) {
    const logit = logits[token] as number;
    if (logit > highest) {
      highest = logit;
      best = token;
    }
  }
  return best;
}

/** Indices of the smallest set of weights that reaches the share `topP` of `total`, heaviest first. */
function nucleus(weights: Float64Array, total: number, topP: number): number[] {
  // Weights each below (1 - topP) / n of the total cannot reach 1 - topP together, so the set lies among the others.
  const least = ((1 - topP) / weights.length) * total;
  const candidates: number[] = [];
  for (let i = 0; i < weights.length; i++) if ((weights[i] as number) >= least) candidates.push(i);
  candidates.sort((x, y) => (weights[y] as number) - (weights[x] as number));
  let reached = 0;
  const last = candidates.findIndex((index) => {
    reached += weights[index] as number;
    return reached >= topP * total;
  });
  return last < 0 ? candidates : candidates.slice(0, last + 1);
}
