/** The fit finds the exponent that costs were made with, and says when there is none to find. */
import { describe, expect, it } from 'vitest';
import { fitPowerLaw, fitWithInterval } from '../../../engine/lab/quantization/power-law.ts';
import { createRandom } from '../../../engine/objective/random.ts';

const SIZES = [1e5, 2.2e5, 6e5, 1.2e6, 2.2e6];
const costAt = (parameters: number) => 3 * parameters ** -0.4;

describe('a power law', () => {
  it('is found exactly where the points follow it', () => {
    const law = fitPowerLaw(SIZES.map((parameters) => ({ parameters, cost: costAt(parameters) })));
    expect(law?.exponent).toBeCloseTo(0.4, 10);
    expect(law?.factor).toBeCloseTo(3, 8);
    expect(law?.rSquared).toBeCloseTo(1, 10);
  });

  it('is none where a cost is not above 0, or there is one size', () => {
    expect(
      fitPowerLaw([
        { parameters: 1, cost: 1 },
        { parameters: 2, cost: 0 },
      ]),
    ).toBeUndefined();
    expect(
      fitPowerLaw([
        { parameters: 5, cost: 1 },
        { parameters: 5, cost: 2 },
      ]),
    ).toBeUndefined();
  });
});

describe('the interval over texts', () => {
  const bytes = Array.from({ length: 80 }, (_, index) => 200 + 5 * (index % 7));
  const costs = (noise: number, seed: number) => {
    const random = createRandom(seed);
    return SIZES.map((parameters) => ({
      parameters,
      costs: bytes.map((count) => count * (costAt(parameters) + noise * (random.float() - 0.5))),
    }));
  };

  it('holds the exponent, and is narrower with less noise', () => {
    const wide = fitWithInterval(costs(0.02, 1), bytes, createRandom(2));
    const narrow = fitWithInterval(costs(0.002, 1), bytes, createRandom(2));
    for (const law of [wide, narrow]) {
      expect(law?.exponent.low).toBeLessThan(0.4);
      expect(law?.exponent.high).toBeGreaterThan(0.4);
    }
    const width = (law: typeof wide) => (law ? law.exponent.high - law.exponent.low : Number.NaN);
    expect(width(narrow)).toBeLessThan(0.3 * width(wide));
  });

  it('is not given where what is lost cannot be told from nothing', () => {
    expect(fitWithInterval(costs(20, 4), bytes, createRandom(2))).toBeUndefined();
  });
});
