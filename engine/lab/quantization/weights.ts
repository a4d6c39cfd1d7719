/** How the weights of each kind of matrix are spread: what absmax loses depends on how far the largest ones lie out. */
import type { Matrix } from './judge.ts';
import { approximated } from './schemes.ts';

export const MATRIX_KINDS = ['query_key_value', 'attention.dense', 'dense_h_to_4h', 'dense_4h_to_h'] as const;
export type MatrixKind = (typeof MATRIX_KINDS)[number];

/** Means over the layers' matrices of a kind. */
export interface Spread {
  kind: MatrixKind;
  /** Standard deviation. */
  deviation: number;
  /** Largest magnitude, in standard deviations of the matrix. */
  outermost: number;
  /** The same of each row in the row's own root mean square, averaged over rows: what a scale by row has to span. */
  rowOutermost: number;
  /** Fourth standardised moment less 3: 0 for a normal distribution. */
  kurtosis: number;
  /** Root mean square of what int4 absmax by row changes, as a share of that of the weights. */
  int4Error: number;
  /** Share of all weights of the kind in each bin of `SPREAD_BINS`, in standard deviations of their matrix. */
  histogram: number[];
}

/** Bins of equal width from -`SPREAD_REACH` to `SPREAD_REACH`; what lies beyond is in the outer ones. */
export const SPREAD_REACH = 8;
export const SPREAD_BINS = 64;

export function spreadsOf(matrices: readonly Matrix[]): Spread[] {
  return MATRIX_KINDS.map((kind) => {
    const own = matrices.filter(({ name }) => name.endsWith(`${kind}.weight`)).map(spreadOf);
    const mean = (key: Exclude<keyof Spread, 'kind' | 'histogram'>) =>
      own.reduce((sum, spread) => sum + spread[key], 0) / own.length;
    const total = own.reduce((sum, { weights }) => sum + weights, 0);
    return {
      kind,
      deviation: mean('deviation'),
      outermost: mean('outermost'),
      rowOutermost: mean('rowOutermost'),
      kurtosis: mean('kurtosis'),
      int4Error: mean('int4Error'),
      histogram: Array.from(
        { length: SPREAD_BINS },
        (_, bin) => own.reduce((sum, { counts }) => sum + (counts[bin] as number), 0) / total,
      ),
    };
  });
}

function spreadOf({ values, rows, columns }: Matrix): Omit<Spread, 'kind' | 'histogram'> & {
  weights: number;
  counts: number[];
} {
  const weights = values.length;
  const mean = values.reduce((sum, x) => sum + x, 0) / weights;
  let [second, fourth, square, most] = [0, 0, 0, 0];
  for (const value of values) {
    second += (value - mean) ** 2;
    fourth += (value - mean) ** 4;
    square += value ** 2;
    most = Math.max(most, Math.abs(value));
  }
  const deviation = Math.sqrt(second / weights);

  const counts = new Array<number>(SPREAD_BINS).fill(0);
  for (const value of values) {
    const place = Math.floor(((value / deviation + SPREAD_REACH) / (2 * SPREAD_REACH)) * SPREAD_BINS);
    (counts[Math.max(0, Math.min(SPREAD_BINS - 1, place))] as number) += 1;
  }
  let rowOutermost = 0;
  for (let row = 0; row < rows; row++) {
    const own = values.subarray(row * columns, (row + 1) * columns);
    const size = Math.sqrt(own.reduce((sum, x) => sum + x * x, 0) / columns);
    if (size > 0) rowOutermost += own.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0) / size / rows;
  }
  const back = approximated(values, rows, columns, { bits: 4, method: 'absmax', group: 'row' });
  const error = back.reduce((sum, x, index) => sum + (x - (values[index] as number)) ** 2, 0);
  return {
    weights,
    counts,
    deviation,
    outermost: most / deviation,
    rowOutermost,
    kurtosis: (weights * fourth) / second ** 2 - 3,
    int4Error: Math.sqrt(error / square),
  };
}
