/** The causal layouts, worked out by hand. */
import { describe, expect, it } from 'vitest';
import { fillInTheMiddle, fimContext, leftToRight } from '../../../engine/objective/fill-in-the-middle.ts';

const ids = { prefix: 1, suffix: 2, middle: 3, end: 4 };
const text = [10, 11, 12, 13, 14];

describe('fill in the middle', () => {
  it.each([
    ['psm', [1, 10, 11, 2, 14, 3, 12, 13, 4]],
    ['spm', [1, 2, 14, 3, 10, 11, 12, 13, 4]],
  ] as const)('%s', (order, wanted) => {
    const sample = fillInTheMiddle(text, { start: 2, end: 4 }, ids, order);
    expect([...sample.tokens]).toEqual(wanted.slice(0, -1));
    expect([...sample.targets]).toEqual(wanted.slice(1));
    expect([...sample.positions]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect([...sample.lossMask]).toEqual(new Array(8).fill(1));
    expect(sample.sep).toBe(0);
    expect(fimContext([10, 11], [14], ids, order)).toEqual(wanted.slice(0, -3));
  });

  it('takes an empty middle and a whole text', () => {
    expect([...fillInTheMiddle(text, { start: 0, end: 0 }, ids, 'psm').targets].slice(-2)).toEqual([3, 4]);
    expect([...fillInTheMiddle(text, { start: 0, end: 5 }, ids, 'spm').tokens]).toEqual([1, 2, 3, ...text]);
  });

  it.each([
    [-1, 2],
    [2, 1],
    [3, 6],
    [0.5, 2],
  ])('refuses the span [%d, %d)', (start, end) => {
    expect(() => fillInTheMiddle(text, { start, end }, ids, 'psm')).toThrow(RangeError);
  });
});

it('a text from left to right predicts each next token', () => {
  const sample = leftToRight(text);
  expect([...sample.tokens]).toEqual([10, 11, 12, 13]);
  expect([...sample.targets]).toEqual([11, 12, 13, 14]);
  expect(() => leftToRight([1])).toThrow(/nothing to predict/);
});
