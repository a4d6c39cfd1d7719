import { describe, expect, it } from 'vitest';
import {
  aged,
  BINS,
  evidence,
  LEAST_EVIDENCE,
  learnedThreshold,
  noOutcomes,
  withOutcome,
} from '../../../language-server/completion/gate.ts';

/** Outcomes of suggestions with these probabilities. */
function outcomes(...told: [probability: number, taken: number, left: number][]) {
  let bins = noOutcomes();
  for (const [probability, taken, left] of told) {
    for (let i = 0; i < taken; i++) bins = withOutcome(bins, probability, true);
    for (let i = 0; i < left; i++) bins = withOutcome(bins, probability, false);
  }
  return bins;
}

describe('the threshold', () => {
  it.each<[name: string, setting: number, told: [number, number, number][], threshold: number]>([
    ['without outcomes', 0.5, [], 0.5],
    ['too few outcomes', 0.5, [[0.5, 0, LEAST_EVIDENCE - 1]], 0.5],
    ['many, none of them near it', 0.5, [[0.9, 0, 100]], 0.5],
    ['a usual share is taken', 0.5, [[0.52, 30, 60]], 0.5],
    ['nothing is taken there', 0.5, [[0.52, 0, 60]], 0.55],
    ['nothing is taken far above it', 0.5, [0.52, 0.56, 0.61, 0.67, 0.7, 0.78].map((p) => [p, 0, 40]), 0.7],
    ['most is taken there', 0.5, [[0.52, 50, 5]], 0.45],
    [
      'most is taken there, nothing below',
      0.5,
      [
        [0.52, 50, 5],
        [0.47, 0, 30],
      ],
      0.5,
    ],
    ['most is taken far below it', 0.5, [0.52, 0.47, 0.41, 0.36, 0.33, 0.27].map((p) => [p, 50, 0]), 0.3],
    ['of one that shows everything', 0, [[0.02, 0, 100]], 0],
    ['of one that shows nothing', 1, [[0.99, 100, 0]], 1],
    ['of one near nothing', 0.1, [0.12, 0.07, 0.02].map((p) => [p, 50, 0]), 0.05],
  ])('%s', (_, setting, told, threshold) => {
    expect(learnedThreshold(setting, outcomes(...told))).toBeCloseTo(threshold);
  });
});

it('puts every probability into a bin', () => {
  for (const probability of [0, 0.05, 0.55, 0.999, 1]) expect(evidence(outcomes([probability, 1, 0]))).toBe(1);
  expect(outcomes([0.55, 1, 0])[11]).toEqual({ taken: 1, left: 0 });
  expect(noOutcomes()).toHaveLength(BINS);
});

it('counts older outcomes less, so that what was closed is tried again', () => {
  let bins: readonly { taken: number; left: number }[] = outcomes([0.52, 0, 25]);
  expect(learnedThreshold(0.5, outcomes([0.52, 0, 25], [0.9, 20, 0]))).toBeCloseTo(0.55);
  for (let i = 0; i < 400; i++) bins = aged(withOutcome(bins, 0.9, true));
  expect(learnedThreshold(0.5, bins)).toBe(0.5);
  expect(evidence(bins)).toBeLessThan(400);
});
