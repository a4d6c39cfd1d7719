/** What must not matter: the kernel level (within rounding), the number of threads and a second run (to the bit). */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { GlmConfig } from '../../../engine/model/config.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { CONFIGS, gradientsOf, LEVELS, randomBatch, randomTensors, trainerOf } from './tiny.ts';

const OPTIMIZER = {
  learningRate: 1e-3,
  clip: 1,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.1,
  decayAll: false,
};

const configs = Object.entries(CONFIGS);
const precisions = ['float32', 'bfloat16', 'float16'] as const;

const length = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
const distance = (a: Float32Array, b: Float32Array) => length(a.map((value, i) => value - (b[i] as number)));

/** Of the loss, in float16. */
const SCALE = 1024;

async function pass(
  config: GlmConfig,
  level: string,
  precision: (typeof precisions)[number],
  threads: number,
  scale = 1,
) {
  const trainer = await trainerOf(config, randomTensors(config, createRandom(5)), { level, precision, threads });
  return { trainer, ...(await gradientsOf(trainer, config, randomBatch(config, 6), scale / 155)) };
}

describe.each(configs)('%s', (_, config) => {
  it.each(LEVELS)('bfloat16 at level %s is float32 within 1 %', async (level) => {
    const exact = await pass(config, 'portable', 'float32', 2);
    const rounded = await pass(config, level, 'bfloat16', 2);
    expect(rounded.count).toBe(exact.count);
    expect(Math.abs(rounded.sum / exact.sum - 1)).toBeLessThan(0.01);
    for (const [name, gradient] of exact.gradients) {
      const share = distance(gradient, rounded.gradients.get(name) as Float32Array) / length(gradient);
      expect(share, name).toBeLessThan(0.06);
    }
  });

  it.each(LEVELS)('float16 with a scaled loss at level %s is float32 within 0.2 %', async (level) => {
    const exact = await pass(config, 'portable', 'float32', 2);
    const rounded = await pass(config, level, 'float16', 2, SCALE);
    expect(rounded.count).toBe(exact.count);
    expect(Math.abs(rounded.sum / exact.sum - 1)).toBeLessThan(0.002);
    for (const [name, gradient] of exact.gradients) {
      const unscaled = (rounded.gradients.get(name) as Float32Array).map((value) => value / SCALE);
      expect(distance(gradient, unscaled) / length(gradient), name).toBeLessThan(0.01);
    }
  });

  it.each(LEVELS)('float32 at level %s is the portable one', async (level) => {
    const portable = await pass(config, 'portable', 'float32', 2);
    const fast = await pass(config, level, 'float32', 2);
    expect(Math.abs(fast.sum / portable.sum - 1)).toBeLessThan(1e-6);
    for (const [name, gradient] of portable.gradients) {
      const share = distance(gradient, fast.gradients.get(name) as Float32Array) / length(gradient);
      expect(share, name).toBeLessThan(1e-4);
    }
  });

  it.each(precisions)('is the same to the bit with 1, 2 and 3 threads and when repeated, in %s', async (precision) => {
    for (const level of LEVELS) {
      const runs: string[] = [];
      for (const threads of [1, 1, 2, 3]) {
        const { trainer, sum, gradients } = await pass(config, level, precision, threads);
        const norm = await trainer.update(OPTIMIZER);
        const after = await gradientsOf(trainer, config, randomBatch(config, 7), 1);
        runs.push(digest([Float64Array.of(sum, norm, after.sum), ...gradients.values(), ...after.gradients.values()]));
      }
      expect(runs).toEqual(runs.map(() => runs[0]));
    }
  });
});

/** Differs when a single bit does. */
function digest(arrays: readonly (Float32Array | Float64Array)[]): string {
  const hash = createHash('sha256');
  for (const array of arrays) hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  return hash.digest('hex');
}
