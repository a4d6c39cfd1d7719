/**
 * A seeded generator for everything that is drawn: spans, order, batches, sampled tokens. xoshiro128** 1.1 (Blackman
 * and Vigna, public domain), whose state is filled from the seed by splitmix32. The state is four plain numbers, so a
 * resumed training run draws what the uninterrupted one would have drawn.
 */
export interface Random {
  /** Uniform integer in 0 … 2^32 - 1. */
  uint32(): number;
  /** Uniform integer in 0 … bound - 1, without modulo bias; `bound` is an integer in 1 … 2^32. */
  below(bound: number): number;
  /** Uniform in [0, 1), 53 bits. */
  float(): number;
  /** Shuffles in place (Fisher-Yates) and returns the same array. */
  shuffle<T>(items: T[]): T[];
  /** Index drawn with probability proportional to its weight; weights are non-negative and not all zero. */
  weighted(weights: ArrayLike<number>): number;
  /** Four numbers from which `resumeRandom` continues. */
  state(): RandomState;
}

export type RandomState = [number, number, number, number];

/** `seed` is any safe integer; its low and high halves both count. */
export function createRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`A seed must be a whole number, but it is ${seed}.`);
  let mixed = (seed >>> 0) ^ Math.imul(Math.floor(seed / 0x1_0000_0000), 0x85eb_ca6b);
  const splitmix = (): number => {
    mixed = (mixed + 0x9e37_79b9) | 0;
    let z = mixed;
    z = Math.imul(z ^ (z >>> 16), 0x21f0_aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  return resumeRandom([splitmix(), splitmix(), splitmix(), splitmix()]);
}

/** Continues from an exported state, which may come from a file: it is checked. */
export function resumeRandom(state: readonly number[]): Random {
  const valid = state.length === 4 && state.every((word) => Number.isInteger(word) && word >= 0 && word < 2 ** 32);
  if (!valid || state.every((word) => word === 0)) {
    throw new RangeError(`A generator's state must be four integers below 2^32, not all 0, but it is [${state}].`);
  }
  let [a, b, c, d] = state as RandomState;

  const uint32 = (): number => {
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const below = (bound: number): number => {
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
      throw new RangeError(`The bound of a draw must be an integer in 1 … 2^32, but it is ${bound}.`);
    }
    const limit = 2 ** 32 - (2 ** 32 % bound);
    for (;;) {
      const drawn = uint32();
      if (drawn < limit) return drawn % bound;
    }
  };
  const float = (): number => ((uint32() >>> 5) * 0x400_0000 + (uint32() >>> 6)) / 2 ** 53;

  return {
    uint32,
    below,
    float,
    shuffle<T>(items: T[]): T[] {
      for (let last = items.length - 1; last > 0; last--) {
        const other = below(last + 1);
        const moved = items[last] as T;
        items[last] = items[other] as T;
        items[other] = moved;
      }
      return items;
    },
    weighted(weights: ArrayLike<number>): number {
      let total = 0;
      for (let i = 0; i < weights.length; i++) total += weights[i] as number;
      let left = float() * total;
      let lastPossible = -1;
      for (let i = 0; i < weights.length; i++) {
        const weight = weights[i] as number;
        if (weight <= 0) continue;
        lastPossible = i;
        left -= weight;
        if (left < 0) return i;
      }
      if (lastPossible < 0) throw new RangeError('At least one weight must be above 0.');
      return lastPossible;
    },
    state: () => [a >>> 0, b >>> 0, c >>> 0, d >>> 0],
  };
}
