/** What is counted of suggestions on this machine: numbers only, no text and no names. Counts of windows and days add up. */

/** Seconds after which it is looked whether an accepted suggestion still stands. */
export const KEPT_AFTER = [30, 300, 3600] as const;

export const STAGES = ['tokenize', 'read', 'extend', 'total'] as const;
export type Stage = (typeof STAGES)[number];

/** Upper ends of the buckets of a latency, in milliseconds; the last bucket has none. */
export const LATENCY_ENDS = [1, 2, 5, 10, 20, 35, 50, 75, 100, 150, 200, 300, 500, 1000, 2000, 5000] as const;

export interface Counts {
  /** Suggestions handed to the editor; one that is typed into, letter by letter, counts once. */
  shown: number;
  /** Taken whole; and taken by words or lines, whether the rest followed or not. */
  accepted: number;
  partly: number;
  /** Characters of the suggestions that were taken whole. */
  characters: number;
  /** Letters typed one soon after the other, and the milliseconds between them: the pace of the hand. */
  typed: number;
  typing: number;
  /** For each of `KEPT_AFTER`: how many were looked at then, and how many stood unchanged but for white space. */
  looked: number[];
  kept: number[];
  /** For each stage: how many calls of the model fell into each bucket. */
  latency: Record<Stage, number[]>;
}

export function noCounts(): Counts {
  const zeros = () => LATENCY_ENDS.map(() => 0).concat(0);
  return {
    shown: 0,
    accepted: 0,
    partly: 0,
    characters: 0,
    typed: 0,
    typing: 0,
    looked: KEPT_AFTER.map(() => 0),
    kept: KEPT_AFTER.map(() => 0),
    latency: { tokenize: zeros(), read: zeros(), extend: zeros(), total: zeros() },
  };
}

export function sumOf(a: Counts, b: Counts): Counts {
  const both = (x: readonly number[], y: readonly number[]) => x.map((value, index) => value + (y[index] ?? 0));
  return {
    shown: a.shown + b.shown,
    accepted: a.accepted + b.accepted,
    partly: a.partly + b.partly,
    characters: a.characters + b.characters,
    typed: a.typed + b.typed,
    typing: a.typing + b.typing,
    looked: both(a.looked, b.looked),
    kept: both(a.kept, b.kept),
    latency: {
      tokenize: both(a.latency.tokenize, b.latency.tokenize),
      read: both(a.latency.read, b.latency.read),
      extend: both(a.latency.extend, b.latency.extend),
      total: both(a.latency.total, b.latency.total),
    },
  };
}

/** Puts a time in milliseconds into its bucket. */
export function countLatency(buckets: number[], time: number): void {
  const index = LATENCY_ENDS.findIndex((end) => time <= end);
  const at = index < 0 ? LATENCY_ENDS.length : index;
  buckets[at] = (buckets[at] ?? 0) + 1;
}

/** The bucket below whose upper end `share` (0 to 1) of the calls lie; undefined without calls. */
export function quantile(buckets: readonly number[], share: number): { below: number } | { above: number } | undefined {
  const all = buckets.reduce((sum, count) => sum + count, 0);
  if (all === 0) return undefined;
  let passed = 0;
  for (const [index, end] of LATENCY_ENDS.entries()) {
    passed += buckets[index] ?? 0;
    if (passed >= share * all) return { below: end };
  }
  return { above: LATENCY_ENDS[LATENCY_ENDS.length - 1] as number };
}

/** Fewest typed letters from which a pace is told. */
const LEAST_TYPED = 100;

/** Milliseconds for a letter; undefined while too few were typed. */
export function paceOf({ typed, typing }: Counts): number | undefined {
  return typed < LEAST_TYPED ? undefined : typing / typed;
}

/** Milliseconds that typing what was taken would have cost at `pace`, but for one key each. */
export function timeSaved({ characters, accepted }: Counts, pace: number): number {
  return Math.max(0, characters - accepted) * pace;
}

/** Whether a value, which a file holds, has the form of counts. */
export function isCounts(value: unknown): value is Counts {
  if (typeof value !== 'object' || value === null) return false;
  const { shown, accepted, partly, characters, typed, typing, looked, kept, latency } = value as Partial<Counts>;
  return (
    [shown, accepted, partly, characters, typed, typing].every(isCount) &&
    isList(looked, KEPT_AFTER.length) &&
    isList(kept, KEPT_AFTER.length) &&
    typeof latency === 'object' &&
    latency !== null &&
    STAGES.every((stage) => isList(latency[stage], LATENCY_ENDS.length + 1))
  );
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isList = (value: unknown, length: number): boolean =>
  Array.isArray(value) && value.length === length && value.every(isCount);
