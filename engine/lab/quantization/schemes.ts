/**
 * Ways to put a matrix into 4 or 8 bits, each as the values that come back: what is lost is the same whether a runtime
 * has the format or not. `absmax` is what engine/checkpoint/quantization.ts stores and the native runtime computes with
 * (the same values to the bit). `search` is stored like it, with the scale, of 26 between the whole range and half of
 * it, that leaves the least squared error. `zero-point` is asymmetric: q = round(w / s) + z with s = (max - min) /
 * (2^bits - 1) and a whole z = round(-min / s), zero always within the range. `hqq`: see half-quadratic.ts. Scales, and
 * the zeros of hqq, are float16.
 */
import { roundToEven } from '../../checkpoint/quantization.ts';
import { asHalf } from './half.ts';
import { halfQuadratic } from './half-quadratic.ts';

export const METHODS = ['absmax', 'search', 'zero-point', 'hqq'] as const;
export type Method = (typeof METHODS)[number];

export interface Scheme {
  bits: 4 | 8;
  method: Method;
  /** Columns that share a scale; a row that is shorter is one group. */
  group: 'row' | 32 | 64 | 128;
}

const GROUPS = ['row', 128, 64, 32] as const;

/** All that are measured: with 8 bits there is nothing for a search to win. */
export const SCHEMES: readonly Scheme[] = [
  ...(['absmax', 'zero-point'] as const).flatMap((method) =>
    GROUPS.map((group): Scheme => ({ bits: 8, method, group })),
  ),
  ...METHODS.flatMap((method) => GROUPS.map((group): Scheme => ({ bits: 4, method, group }))),
];

export function schemeName({ bits, method, group }: Scheme): string {
  return `int${bits} ${method} ${group === 'row' ? 'by row' : `by ${group}`}`;
}

/** Bits of scales and zeros included. */
export function bitsPerWeight({ bits, method, group }: Scheme, columns: number): number {
  const groups = group === 'row' ? 1 : Math.ceil(columns / group);
  const zero = { absmax: 0, search: 0, 'zero-point': bits, hqq: 16 }[method];
  return bits + (groups * (16 + zero)) / columns;
}

/** The values of `values`, [rows, columns], that come back from `scheme`. Throws a RangeError on what is not finite. */
export function approximated(values: Float32Array, rows: number, columns: number, scheme: Scheme): Float32Array {
  const size = scheme.group === 'row' ? columns : scheme.group;
  const foreign = values.findIndex((value) => !Number.isFinite(value));
  if (foreign >= 0) throw new RangeError(`value ${foreign} is ${values[foreign]}`);
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let from = row * columns; from < (row + 1) * columns; from += size) {
      const to = Math.min(from + size, (row + 1) * columns);
      APPROXIMATE[scheme.method](values.subarray(from, to), out.subarray(from, to), scheme.bits);
    }
  }
  return out;
}

type Approximate = (values: Float32Array, out: Float32Array, bits: 4 | 8) => void;

const APPROXIMATE: Readonly<Record<Method, Approximate>> = {
  absmax: (values, out, bits) => symmetric(values, out, largest(values), bits),
  search: searched,
  'zero-point': zeroPoint,
  hqq: halfQuadratic,
};

function largest(values: Float32Array): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}

/** GLM-130B's: q = round(w / s), s = range / (2^(bits - 1) - 1). */
function symmetric(values: Float32Array, out: Float32Array, range: number, bits: 4 | 8): void {
  const top = bits === 4 ? 7 : 127;
  const step = asHalf(range / top);
  for (const [index, value] of values.entries()) {
    const q = step > 0 ? roundToEven(Math.fround(value / step)) : 0;
    // A whole number has no negative zero.
    out[index] = (Math.max(-top, Math.min(top, q)) + 0) * step;
  }
}

const SEARCHED = 26;

function searched(values: Float32Array, out: Float32Array, bits: 4 | 8): void {
  const range = largest(values);
  const tried = new Float32Array(values.length);
  let least = Number.POSITIVE_INFINITY;
  for (let index = 0; index < SEARCHED; index++) {
    symmetric(values, tried, range * (1 - (0.5 * index) / (SEARCHED - 1)), bits);
    let error = 0;
    for (let i = 0; i < values.length; i++) error += ((values[i] as number) - (tried[i] as number)) ** 2;
    if (error >= least) continue;
    least = error;
    out.set(tried);
  }
}

function zeroPoint(values: Float32Array, out: Float32Array, bits: 4 | 8): void {
  const top = 2 ** bits - 1;
  let [low, high] = [0, 0];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const step = asHalf((high - low) / top);
  const zero = step > 0 ? Math.min(top, roundToEven(-low / step)) : 0;
  for (const [index, value] of values.entries()) {
    const q = step > 0 ? roundToEven(value / step) + zero : 0;
    out[index] = (Math.max(0, Math.min(top, q)) - zero) * step;
  }
}
