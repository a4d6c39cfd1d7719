/** What a recipe can switch, part by part: schedules, batch ramp, embedding gradient shrink, spikes, norms in the log. */
import { describe, expect, it } from 'vitest';
import { parameterCount, tensorShapes } from '../../../engine/model/config.ts';
import { planSteps } from '../../../engine/training/batch-ramp.ts';
import { shrinkAt, WHOLE } from '../../../engine/training/embedding-shrink.ts';
import { groupNorms, roundedNorms, wholeNorm } from '../../../engine/training/gradient-norms.ts';
import { RECIPES } from '../../../engine/training/recipes.ts';
import { learningRate, planSchedule } from '../../../engine/training/schedule.ts';
import { isSpike, NO_SPIKES, rewindTarget, type SpikeRemedy, watchLoss } from '../../../engine/training/spike.ts';
import { SMALLEST } from '../native/tiny.ts';

describe('the cosine schedule', () => {
  const plan = { shape: 'cosine', peak: 8e-5, floor: 0.1, warmup: { share: 0.01 }, decayShare: 0.9 } as const;
  const schedule = planSchedule(plan, 1000);
  const rateAt = (step: number) => learningRate(schedule, step) / plan.peak;

  it('rises over its share, reaches the floor where it says, and stays there', () => {
    expect(rateAt(0)).toBeCloseTo(0.1, 12);
    expect([rateAt(9), rateAt(10)]).toEqual([1, 1]);
    expect(rateAt(10 + 890 / 2)).toBeCloseTo(0.55, 12);
    expect(rateAt(10 + 890 / 4)).toBeCloseTo(0.1 + 0.9 * (0.5 + Math.SQRT1_2 / 2), 12);
    expect([rateAt(900), rateAt(999), rateAt(2000)].map((rate) => rate.toFixed(12))).toEqual(
      new Array(3).fill('0.100000000000'),
    );
    for (let step = 11; step < 1000; step++) expect(rateAt(step)).toBeLessThanOrEqual(rateAt(step - 1));
  });

  it('leaves the other one as it was', () => {
    const stable = planSchedule({ peak: 1, floor: 0.5, warmup: 2, decayShare: 0.25 }, 100);
    expect(stable).toEqual({ peak: 1, floor: 0.5, warmup: 2, decay: 25, total: 100 });
  });
});

describe('the batch ramp', () => {
  it('gives every step its full size without one', () => {
    const { steps, tokensAt } = planSteps(1001, 100);
    expect([steps, tokensAt(0), tokensAt(10)]).toEqual([11, 100, 100]);
  });

  it('grows by the increment at even distances', () => {
    const { steps, tokensAt } = planSteps(10_000, 100, { from: 20, increment: 40, share: 0.12 });
    // Two stages of 600 tokens each: 30 steps of 20, 10 of 60, then 88 full ones.
    const sizes = Array.from({ length: steps }, (_, step) => tokensAt(step));
    expect(sizes.slice(0, 30)).toEqual(new Array(30).fill(20));
    expect(sizes.slice(30, 40)).toEqual(new Array(10).fill(60));
    expect(sizes.slice(40)).toEqual(new Array(88).fill(100));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(10_000);
  });

  it('never leaves fewer tokens than asked for', () => {
    for (const tokens of [1, 90, 5000, 123_456]) {
      const { steps, tokensAt } = planSteps(tokens, 4224, { from: 192, increment: 24, share: 0.025 });
      let seen = 0;
      for (let step = 0; step < steps; step++) seen += tokensAt(step);
      expect(seen).toBeGreaterThanOrEqual(tokens);
      expect(seen - tokens).toBeLessThan(4224);
    }
  });
});

describe('embedding gradient shrink', () => {
  it('is whole, constant, or changes in a line; the head goes with it where it is to', () => {
    expect(shrinkAt(WHOLE, 5)).toEqual({ embedding: 1, head: 1 });
    expect(shrinkAt({ alpha: 0.1, head: true }, 5)).toEqual({ embedding: 0.1, head: 0.1 });
    const warmup = { alpha: 0.1, warmup: { to: 1, from: 6000, steps: 500 }, head: false };
    expect([0, 6000, 6250, 6500, 9000].map((step) => shrinkAt(warmup, step).embedding)).toEqual([0.1, 0.1, 0.55, 1, 1]);
    expect(shrinkAt(warmup, 0).head).toBe(1);
  });
});

describe('a loss spike', () => {
  const remedy: SpikeRemedy = { rise: 0.5, window: 4, every: 10, skip: 1, most: 3 };
  const watched = (...losses: number[]) => losses.reduce((watch, loss) => watchLoss(remedy, watch, loss), NO_SPIKES);

  it('is a rise over the median of the last losses, or no number', () => {
    const watch = watched(9, 5, 1, 2, 3, 2);
    expect(watch.losses).toEqual([1, 2, 3, 2]);
    expect(isSpike(remedy, watch, 2.5, 1)).toBe(false);
    expect(isSpike(remedy, watch, 2.51, 1)).toBe(true);
    expect(isSpike(remedy, watched(1, 1, 1), 99, 1)).toBe(false);
    expect(isSpike(remedy, NO_SPIKES, Number.NaN, 1)).toBe(true);
    expect(isSpike(remedy, NO_SPIKES, 1, Number.POSITIVE_INFINITY)).toBe(true);
  });

  it('leads back to a kept checkpoint from well before it', () => {
    expect(rewindTarget(remedy, [10, 17, 20, 22], 23)).toBe(10);
    expect(rewindTarget(remedy, [10, 17, 20, 22], 25)).toBe(20);
    expect(rewindTarget(remedy, [20, 22], 23)).toBe(20);
    expect(rewindTarget(remedy, [0, 3], 3)).toBe(0);
    expect(rewindTarget(remedy, [3, 7], 9)).toBeUndefined();
  });
});

describe('gradient norms', () => {
  it('are told apart for the embedding, the layers and the rest', () => {
    const config = { ...SMALLEST, positions: 'learned-2d', tiedEmbedding: false, embeddingNorm: true } as const;
    const shapes = tensorShapes(config);
    const groups = groupNorms(
      config,
      shapes.map(({ name }) => (name.includes('layers.1') ? 2 : 1)),
    );
    // Three tables; twelve tensors a layer; two norms of two vectors and the output matrix.
    expect(groups.embedding).toBeCloseTo(Math.sqrt(3), 12);
    expect(groups.layers[0]).toBeCloseTo(Math.sqrt(12), 12);
    expect(groups.layers[1]).toBeCloseTo(2 * Math.sqrt(12), 12);
    expect(groups.rest).toBeCloseTo(Math.sqrt(5), 12);
    expect(wholeNorm(groups)).toBeCloseTo(Math.sqrt(3 + 12 + 48 + 5), 12);
    expect(roundedNorms({ embedding: 1 / 3, layers: [1234567], rest: 0 })).toEqual({
      embedding: 0.3333,
      layers: [1235000],
      rest: 0,
    });
  });
});

describe('the recipes', () => {
  it('have their names, a control each for ours, and sizes that a processor can train', () => {
    for (const [name, recipe] of Object.entries(RECIPES)) {
      expect(recipe.name).toBe(name);
      expect(parameterCount(recipe.config)).toBeLessThan(4e7);
      expect(recipe.config.causal ?? false).toBe(name.endsWith('-causal'));
    }
    expect(Object.keys(RECIPES)).toEqual(expect.arrayContaining(['glm-2021', 'glm-130b', 'cursor-5m-causal']));
    const [own, control] = [RECIPES['cursor-5m'], RECIPES['cursor-5m-causal']];
    expect(parameterCount(own?.config as typeof SMALLEST)).toBe(parameterCount(control?.config as typeof SMALLEST));
    expect(control?.samples).toBe(own?.samples);
  });
});
