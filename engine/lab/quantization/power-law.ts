/**
 * What quantisation costs against size: cost = factor * parameters^-exponent, a straight line by least squares on the
 * logarithms of both. Intervals are percentiles of a bootstrap over the texts that all models were measured on: they
 * say what other texts could change, not what other seeds of training could.
 */
import type { Estimate } from '../../evaluation/intervals.ts';
import type { Random } from '../../objective/random.ts';

export interface Point {
  parameters: number;
  cost: number;
}

export interface PowerLaw {
  factor: number;
  exponent: number;
  /** Of the logarithms. */
  rSquared: number;
}

/** Undefined where a cost is not above 0, which has no logarithm, or with fewer than two sizes. */
export function fitPowerLaw(points: readonly Point[]): PowerLaw | undefined {
  if (new Set(points.map(({ parameters }) => parameters)).size < 2 || points.some(({ cost }) => !(cost > 0))) {
    return undefined;
  }
  const x = points.map(({ parameters }) => Math.log(parameters));
  const y = points.map(({ cost }) => Math.log(cost));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [xMean, yMean] = [mean(x), mean(y)];
  const sum = (term: (index: number) => number) => x.reduce((total, _, index) => total + term(index), 0);
  const dx = (index: number) => (x[index] as number) - xMean;
  const dy = (index: number) => (y[index] as number) - yMean;
  const slope = sum((index) => dx(index) * dy(index)) / sum((index) => dx(index) ** 2);
  const spread = sum((index) => dy(index) ** 2);
  const left = sum((index) => (dy(index) - slope * dx(index)) ** 2);
  return {
    factor: Math.exp(yMean - slope * xMean),
    exponent: -slope,
    rSquared: spread > 0 ? 1 - left / spread : 1,
  };
}

/** One size: what each text costs more than in the whole model, in bits. */
export interface SizeCosts {
  parameters: number;
  costs: readonly number[];
}

export interface FittedLaw extends Omit<PowerLaw, 'exponent'> {
  exponent: Estimate;
}

const RESAMPLES = 2000;
/** A law is given where so many of the resamples have one. */
const ENOUGH = 0.95;

/** `bytes` of the texts, in the order of the costs. Undefined where what is lost cannot be told from nothing. */
export function fitWithInterval(
  sizes: readonly SizeCosts[],
  bytes: readonly number[],
  random: Random,
): FittedLaw | undefined {
  const lawOf = (chosen: readonly number[]) => {
    const all = chosen.reduce((sum, index) => sum + (bytes[index] as number), 0);
    return fitPowerLaw(
      sizes.map(({ parameters, costs }) => ({
        parameters,
        cost: chosen.reduce((sum, index) => sum + (costs[index] as number), 0) / all,
      })),
    );
  };
  const law = lawOf([...bytes.keys()]);
  if (!law) return undefined;
  const exponents: number[] = [];
  for (let resample = 0; resample < RESAMPLES; resample++) {
    const found = lawOf(bytes.map(() => random.below(bytes.length)));
    if (found) exponents.push(found.exponent);
  }
  if (exponents.length < ENOUGH * RESAMPLES) return undefined;
  exponents.sort((a, b) => a - b);
  const at = (share: number) => exponents[Math.round(share * (exponents.length - 1))] as number;
  return { ...law, exponent: { value: law.exponent, low: at(0.025), high: at(0.975) } };
}
