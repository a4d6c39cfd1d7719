import { describe, expect, it } from 'vitest';
import { meanOf, ratioOf, shareOf } from '../../../engine/evaluation/intervals.ts';
import { editDistance, editSimilarity, isExactMatch } from '../../../engine/evaluation/metrics.ts';
import { createRandom } from '../../../engine/objective/random.ts';

/** The whole table of Levenshtein's distance, by its definition. */
function slowDistance(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length;
  const [shortA, shortB] = [a.slice(1), b.slice(1)];
  if (a[0] === b[0]) return slowDistance(shortA, shortB);
  return 1 + Math.min(slowDistance(shortA, b), slowDistance(a, shortB), slowDistance(shortA, shortB));
}

describe('marks', () => {
  it('matches exactly but for white space at the very end', () => {
    expect(isExactMatch('x;  \n', 'x;')).toBe(true);
    expect(isExactMatch('x;', 'x;\t')).toBe(true);
    expect(isExactMatch(' x;', 'x;')).toBe(false);
    expect(isExactMatch('x ;', 'x;')).toBe(false);
    expect(isExactMatch('a \nb', 'a\nb')).toBe(false);
  });

  it('counts edits', () => {
    for (const [a, b, distance] of [
      ['kitten', 'sitting', 3],
      ['', 'abc', 3],
      ['abc', '', 3],
      ['flaw', 'lawn', 2],
      ['same', 'same', 0],
    ] as const) {
      expect(editDistance(a, b)).toBe(distance);
    }
    const random = createRandom(1);
    const word = () => Array.from({ length: random.below(7) }, () => 'abc'[random.below(3)]).join('');
    for (let i = 0; i < 200; i++) {
      const [a, b] = [word(), word()];
      expect(editDistance(a, b), `${a} ${b}`).toBe(slowDistance(a, b));
    }
  });

  it('gives similarity in 0 … 1', () => {
    expect(editSimilarity('kitten', 'sitting')).toBeCloseTo(1 - 3 / 7);
    expect(editSimilarity('', '')).toBe(1);
    expect(editSimilarity('', 'ab')).toBe(0);
    expect(editSimilarity('ab \n', 'ab')).toBe(1);
  });
});

describe('intervals', () => {
  it('reproduces published Wilson intervals', () => {
    // Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    for (const [hits, count, low, high] of [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ] as const) {
      const estimate = shareOf(hits, count);
      expect(estimate.value).toBeCloseTo(hits / count);
      expect(estimate.low).toBeCloseTo(low, 4);
      expect(estimate.high).toBeCloseTo(high, 4);
    }
    expect(shareOf(20, 20).high).toBe(1);
  });

  it('bootstraps a mean about as the normal approximation says', () => {
    const random = createRandom(3);
    const values = Array.from({ length: 400 }, () => random.float());
    const { value, low, high } = meanOf(values, createRandom(1));
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
    const half = (1.96 * deviation) / Math.sqrt(values.length);
    expect(value).toBeCloseTo(mean, 12);
    expect(low).toBeGreaterThan(mean - 1.25 * half);
    expect(low).toBeLessThan(mean - 0.75 * half);
    expect(high).toBeGreaterThan(mean + 0.75 * half);
    expect(high).toBeLessThan(mean + 1.25 * half);
    expect(meanOf(values, createRandom(1))).toEqual({ value, low, high });
  });

  it('divides sums, not each by its own', () => {
    expect(ratioOf([10, 2], [1, 1], createRandom(1)).value).toBe(6);
    expect(ratioOf([10, 2], [1, 3], createRandom(1)).value).toBe(3);
    expect(meanOf([2, 2, 2], createRandom(1))).toEqual({ value: 2, low: 2, high: 2 });
    expect(meanOf([], createRandom(1)).value).toBeNaN();
  });
});
