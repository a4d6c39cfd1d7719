/** 95 % intervals: Wilson's for shares (JASA 22, 1927), percentiles of the bootstrap for everything else. */
import type { Random } from '../objective/random.ts';

export interface Estimate {
  value: number;
  low: number;
  high: number;
}

/** 0.975 quantile of the standard normal distribution. */
const Z = 1.959963984540054;
const RESAMPLES = 2000;

/** The share of `hits` among `count` tries. */
export function shareOf(hits: number, count: number): Estimate {
  if (count === 0) return { value: Number.NaN, low: 0, high: 1 };
  const value = hits / count;
  const scale = 1 + (Z * Z) / count;
  const centre = (value + (Z * Z) / (2 * count)) / scale;
  const half = (Z / scale) * Math.sqrt((value * (1 - value)) / count + (Z * Z) / (4 * count * count));
  // Exact at the ends, where rounding would leave the value outside.
  return { value, low: Math.min(value, Math.max(0, centre - half)), high: Math.max(value, Math.min(1, centre + half)) };
}

/** The mean of `values`. */
export function meanOf(values: readonly number[], random: Random): Estimate {
  return ratioOf(
    values,
    values.map(() => 1),
    random,
  );
}

/** sum(above) / sum(below), where a resample takes both of one index: bits by bytes, or with ones a mean. */
export function ratioOf(above: readonly number[], below: readonly number[], random: Random): Estimate {
  const count = above.length;
  const total = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0);
  const value = total(above) / total(below);
  if (count === 0) return { value: Number.NaN, low: Number.NaN, high: Number.NaN };
  const ratios = new Float64Array(RESAMPLES);
  for (let resample = 0; resample < RESAMPLES; resample++) {
    let [upper, lower] = [0, 0];
    for (let i = 0; i < count; i++) {
      const drawn = random.below(count);
      upper += above[drawn] as number;
      lower += below[drawn] as number;
    }
    ratios[resample] = upper / lower;
  }
  ratios.sort();
  return {
    value,
    low: ratios[Math.floor(0.025 * RESAMPLES)] as number,
    high: ratios[Math.ceil(0.975 * RESAMPLES) - 1] as number,
  };
}

/** Any statistic of a set of things, by resampling them. */
export function bootstrapOf<T>(
  items: readonly T[],
  statistic: (own: readonly T[]) => number,
  random: Random,
): Estimate {
  if (items.length === 0) return { value: Number.NaN, low: Number.NaN, high: Number.NaN };
  const found = Float64Array.from({ length: RESAMPLES }, () =>
    statistic(items.map(() => items[random.below(items.length)] as T)),
  ).sort();
  return {
    value: statistic(items),
    low: found[Math.floor(0.025 * RESAMPLES)] as number,
    high: found[Math.ceil(0.975 * RESAMPLES) - 1] as number,
  };
}

/** 0.975 quantiles of Student's distribution (Biometrika 6, 1908) with 1, 2, … degrees of freedom. */
const STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

/** The mean over runs that differ in their seeds alone; of one run nothing is known but its value. */
export function meanOfRuns(values: readonly number[]): Estimate {
  const count = values.length;
  const value = values.reduce((sum, x) => sum + x, 0) / count;
  const quantile = STUDENT[Math.min(count - 1, STUDENT.length) - 1];
  if (quantile === undefined) return { value, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  const variance = values.reduce((sum, x) => sum + (x - value) ** 2, 0) / (count - 1);
  const half = quantile * Math.sqrt(variance / count);
  return { value, low: value - half, high: value + half };
}
