/** The figures of two models on the same tasks, and the verdict on them. */
import { describe, expect, it } from 'vitest';
import type { Answered } from '../../../engine/evaluation/evaluate.ts';
import { type Comparison, compare, judge } from '../../../engine/tuning/comparison.ts';

const BYTES = 10;

/** Answers with these bits; those with an index below `exact` are right. */
function answers(bits: readonly (number | undefined)[], exact: number): Answered[] {
  return bits.map((own, index) => ({
    task: {
      id: String(index),
      kind: 'whole line',
      language: 'typescript',
      package: 'p',
      path: 'a.ts',
      before: '',
      after: '',
      expected: 'x'.repeat(BYTES),
      neighbours: [],
    },
    marks: { model: { text: '', isExact: index < exact, similarity: 0 } },
    controls: {},
    finish: 'eop',
    confidence: 1,
    probability: 1,
    bits: own,
    bytes: BYTES,
    timings: { tokenize: 0, read: 0, extend: 0 },
  }));
}

const bits = (count: number, mean: number) => Array.from({ length: count }, (_, index) => mean + (index % 5) - 2);
const comparison = (before: number, after: number, exactBefore: number, exactAfter: number): Comparison =>
  compare(answers(bits(100, before), exactBefore), answers(bits(100, after), exactAfter), 1);

describe('a comparison', () => {
  it('has shares, bits per byte and their changes', () => {
    const { tasks, exactMatch, bitsPerByte } = comparison(20, 15, 30, 40);
    expect(tasks).toBe(100);
    expect([exactMatch.before.value, exactMatch.after.value]).toEqual([0.3, 0.4]);
    expect(exactMatch.change.value).toBeCloseTo(0.1);
    expect(exactMatch.change.low).toBeGreaterThan(0.03);
    expect([bitsPerByte.before.value, bitsPerByte.after.value]).toEqual([2, 1.5]);
    expect(bitsPerByte.change.value).toBeCloseTo(-0.5);
    // Every pair changes alike, however different the tasks are.
    expect(bitsPerByte.change.high).toBeCloseTo(-0.5);
  });

  it('leaves out of the bits what one of the two could not score', () => {
    const { bitsPerByte } = compare(answers([10, undefined, 30], 0), answers([10, 5, undefined], 0), 1);
    expect(bitsPerByte.before.value).toBe(1);
    expect(bitsPerByte.after.value).toBe(1);
  });

  it('refuses answers to other tasks', () => {
    expect(() => compare(answers([1, 2], 0), answers([1], 0), 1)).toThrow(/do not belong together/);
  });
});

describe('the verdict', () => {
  const better = comparison(20, 15, 30, 40);
  const same = comparison(20, 20, 30, 30);

  it('lets a model be used that is better on the project and the same on the guard', () => {
    expect(judge({ project: better, guard: same })).toEqual({ usable: true, reasons: [] });
    expect(judge({ project: better, guard: better }).usable).toBe(true);
  });

  it.each([
    ['no more exact matches', comparison(20, 15, 30, 30), same, /no more exact matches/],
    ['the same bits per byte', comparison(20, 20, 30, 40), same, /bits per byte are not lower/],
    ['a guard of more bits', better, comparison(20, 20.5, 30, 30), /rise by more than 0.5 %/],
    ['a guard of fewer exact matches', better, comparison(20, 20, 30, 20), /fewer exact matches/],
  ])('refuses %s', (_, project, guard, reason) => {
    const { usable, reasons } = judge({ project, guard });
    expect(usable).toBe(false);
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toMatch(reason);
  });

  it('allows the guard what is not felt: 0.5 % of the bits, and what the draw of tasks may do', () => {
    expect(judge({ project: better, guard: comparison(20, 20.08, 30, 29) }).usable).toBe(true);
  });

  it('holds nothing for good that is no number', () => {
    const nothing = compare([], [], 1);
    expect(judge({ project: nothing, guard: nothing }).reasons).toHaveLength(4);
  });
});
