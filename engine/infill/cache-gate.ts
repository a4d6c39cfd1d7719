/**
 * How far the document is trusted beside the model, at each token anew: a logistic gate over what the places agree in and
 * how sure the model is itself, and the mixture that follows. A gated mixture as in pointer sentinel models (Merity et
 * al. 2017, arXiv 1609.07843) with a gate of eleven numbers.
 */
import { type CacheVotes, firstVote, type TextCache } from './document-cache.ts';
import { highestLogit, noteTotal, totalOf } from './sampling.ts';

/**
 * Weights of `gateInputs`, fitted on documents of the training split by `npm run bench -- document-cache` for the
 * embedded model.
 */
const GATE: readonly number[] = [-3.96, 0.58, 0.21, 2.11, 0.12, -0.65, -0.68, -0.24, 0.19, -4.46, 1.05];

/** How many numbers the gate of a project's memory weighs: those of the document's and how familiar the document is. */
export const MEMORY_GATE_INPUTS = GATE.length + 1;

/** What the gate weighs; `logits` [V] are the model's, with what other texts say mixed in. */
export function gateInputs(logits: Float32Array, { tokens, evidence }: CacheVotes): number[] {
  const first = firstVote(tokens);
  const total = totalOf(logits);
  const highest = highestLogit(logits);
  const { matched, following, places, started, later, ends, familiarity } = evidence;
  return [
    1,
    Math.log(matched),
    Math.log(1 + following),
    tokens.get(first) as number,
    Math.max(LEAST_LOG_PROBABILITY, (logits[first] as number) - total),
    highest - total,
    started ? 1 : 0,
    later ? 1 : 0,
    Math.log(places),
    ends ? 1 : 0,
    ends ? Math.log(1 + following) : 0,
    ...(familiarity === undefined ? [] : [familiarity]),
  ];
}

/** Below this the model says no more than "hardly". */
const LEAST_LOG_PROBABILITY = -16;

export interface Mixture {
  /** Logits [V] of the model and the votes together. */
  logits: Float32Array;
  /** Share of the votes in it, between 0 and 1. */
  trust: number;
}

/** `logits` [V] stay the model's own. */
export function mixVotes(logits: Float32Array, votes: CacheVotes, gate: readonly number[] = GATE): Mixture {
  const trust = gateTrust(gateInputs(logits, votes), gate);
  const mixed = logits.slice();
  const total = totalOf(logits);
  // The others keep their logits: all of them would be lowered by the same log(1 - trust).
  for (const [token, share] of votes.tokens) {
    const own = Math.exp((logits[token] as number) - total);
    mixed[token] = total + Math.log(own + (share * trust) / (1 - trust));
  }
  // The shares add up to 1.
  noteTotal(mixed, total - Math.log1p(-trust));
  return { logits: mixed, trust };
}

/** Logits [V] with what each of `caches` says after `written` mixed in, one after the other, and what is theirs. */
export function mixCaches(
  own: Float32Array,
  caches: readonly TextCache[],
  written: string,
  pending: string,
): { logits: Float32Array; fromDocument: { trust: number; shares: ReadonlyMap<number, number> } | undefined } {
  let logits = own;
  let theirs: { trust: number; shares: Map<number, number> } | undefined;
  for (const { votes: ask, gate } of caches) {
    const votes = ask(written, pending);
    if (!votes) continue;
    const mixture = mixVotes(logits, votes, gate);
    logits = mixture.logits;
    const left = 1 - mixture.trust;
    const shares = new Map([...(theirs?.shares ?? [])].map(([id, share]) => [id, share * left]));
    for (const [id, share] of votes.tokens) shares.set(id, (shares.get(id) ?? 0) + mixture.trust * share);
    theirs = { trust: 1 - (1 - (theirs?.trust ?? 0)) * left, shares };
  }
  return { logits, fromDocument: theirs };
}

export function gateTrust(inputs: readonly number[], gate: readonly number[]): number {
  const sum = inputs.reduce((total, input, index) => total + input * (gate[index] as number), 0);
  return Math.min(MOST_TRUST, 1 / (1 + Math.exp(-sum)));
}

/** The model always keeps a voice. */
const MOST_TRUST = 0.98;
