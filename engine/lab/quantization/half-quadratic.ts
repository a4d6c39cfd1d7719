/**
 * Half-Quadratic Quantization (Badri and Shaji, 2023, https://mobiusml.github.io/hqq_blog/): asymmetric, w = (q - z) s
 * with a zero z that is no whole number. The scale stays that of the range; z is found by alternating between the error
 * shrunk by the proximal operator of |e|^p, p = 0.7, and the mean that is then best, with the published settings. Ours
 * stops for each group by itself where the published code does for a whole matrix, and keeps the best z that was met.
 */
import { roundToEven } from '../../checkpoint/quantization.ts';
import { asHalf } from './half.ts';

const NORM = 0.7;
const [BETA, KAPPA, STEPS] = [10, 1.01, 20];
/** The published code keeps 1 / s below it. */
const STEEPEST = 2e4;

/** Writes what comes back of the group `values` to `out`. */
export function halfQuadratic(values: Float32Array, out: Float32Array, bits: 4 | 8): void {
  const top = 2 ** bits - 1;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const step = asHalf(Math.max((high - low) / top, 1 / STEEPEST));
  const numberOf = (value: number, zero: number) => Math.max(0, Math.min(top, roundToEven(value / step + zero)));

  // With 4 bits the published code begins with a whole zero.
  let zero = bits === 4 ? roundToEven(-low / step) : -low / step;
  let beta = BETA;
  let best = { zero: asHalf(zero), error: Number.POSITIVE_INFINITY };
  for (let round = 0; round < STEPS; round++) {
    const kept = asHalf(zero);
    let error = 0;
    let sum = 0;
    for (const value of values) {
      const q = numberOf(value, kept);
      const rest = value - (q - kept) * step;
      error += Math.abs(rest);
      sum += q - (value - shrunk(rest, beta)) / step;
    }
    if (error >= best.error) break;
    best = { zero: kept, error };
    zero = sum / values.length;
    beta *= KAPPA;
  }
  for (const [index, value] of values.entries()) out[index] = (numberOf(value, best.zero) - best.zero) * step;
}

/** The proximal operator: sign(e) max(0, |e| - |e|^(p - 1) / beta). */
function shrunk(error: number, beta: number): number {
  const size = Math.abs(error);
  return size === 0 ? 0 : Math.sign(error) * Math.max(0, size - size ** (NORM - 1) / beta);
}
