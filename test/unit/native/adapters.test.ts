/** Low-rank adapters: their gradients against central differences, what they add to a projection, what stays as it was. */
import { describe, expect, it } from 'vitest';
import { adapterShapes, attachAdapters } from '../../../engine/model/adapters.ts';
import { tensorShapes } from '../../../engine/model/config.ts';
import type { NativeTrainer } from '../../../engine/native.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { CONFIGS, LEVELS, normal, randomBatch, randomTensors, SMALLEST, trainerOf } from './tiny.ts';

const RANK = 3;
const SCALE = 1.7;
const OPTIMIZER = { clip: 1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, decayAll: true, muon: 0.95 };

/** Random adapters, none of them zero. */
async function adapted(name: string, level: string) {
  const config = CONFIGS[name] as (typeof CONFIGS)[string];
  const random = createRandom(5);
  const tensors = randomTensors(config, random);
  const trainer = await trainerOf(config, tensors, { level });
  trainer.adapt(RANK, SCALE);
  const adapters = new Map(
    adapterShapes(config, RANK).map(({ name: own, shape: [rows = 0, columns = 0] }) => [
      own,
      Float32Array.from({ length: rows * columns }, () => (0.5 * normal(random)) / Math.sqrt(columns)),
    ]),
  );
  for (const [own, values] of adapters) trainer.set(own, values, 'parameter');
  await trainer.pack();
  return { config, tensors, trainer, adapters };
}

const cases = ['deepnorm, rotary-1d, geglu, untied', 'pre, rotary-1d, geglu, thirds, wide'].flatMap((name) =>
  LEVELS.map((level) => ({ name, level })),
);

describe.each(cases)('$name at level $level', ({ name, level }) => {
  it('has the gradients of its loss', async () => {
    const { config, trainer, adapters } = await adapted(name, level);
    const batch = randomBatch(config, 12);
    trainer.zeroGradients();
    await trainer.forwardBackward(batch, 1, 1);
    const gradients = new Map([...adapters.keys()].map((own) => [own, trainer.get(own, 'gradient')]));
    const lossAt = async (own: string, values: Float32Array) => {
      trainer.set(own, values, 'parameter');
      await trainer.pack();
      return (await trainer.evaluate(batch)).sum;
    };
    for (const [own, values] of adapters) {
      const gradient = gradients.get(own) as Float32Array;
      const slope = gradient.reduce((sum, g) => sum + g * g, 0);
      expect(slope, own).toBeGreaterThan(0);
      const step = 0.5 / slope;
      const moved = (times: number) => values.map((w, i) => w + times * step * (gradient[i] as number));
      // Five-point formula, as in finite-differences.test.ts.
      const difference =
        8 * ((await lossAt(own, moved(1))) - (await lossAt(own, moved(-1)))) -
        ((await lossAt(own, moved(2))) - (await lossAt(own, moved(-2))));
      await lossAt(own, values);
      expect(Math.abs(difference / (12 * step) / slope - 1), own).toBeLessThan(1e-3);
    }
  });
});

describe('adapters', () => {
  it('add scale up down to each projection, and only they are trained', async () => {
    const { config, tensors, trainer, adapters } = await adapted('deepnorm, rotary-2d, geglu', '');
    const batch = randomBatch(config, 12);
    for (let step = 0; step < 3; step++) {
      trainer.zeroGradients();
      await trainer.forwardBackward(batch, 0.01, 1);
      await trainer.update({ ...OPTIMIZER, learningRate: 0.02 });
    }
    for (const { name, shape } of tensorShapes(config)) {
      const base = tensors.get(name) as Float32Array;
      const now = trainer.get(name, 'parameter');
      const projection = name.replace(/\.weight$/, '');
      const [down, up] = [`${projection}.adapter_down`, `${projection}.adapter_up`];
      if (!adapters.has(down)) {
        expect(now, name).toEqual(base);
        continue;
      }
      const [a, b] = [trainer.get(down, 'parameter'), trainer.get(up, 'parameter')];
      expect(a).not.toEqual(adapters.get(down));
      expect(b).not.toEqual(adapters.get(up));
      const [rows = 0, columns = 0] = shape;
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          let wanted = base[row * columns + column] as number;
          for (let k = 0; k < RANK; k++)
            wanted += SCALE * (b[row * RANK + k] as number) * (a[k * columns + column] as number);
          expect(now[row * columns + column]).toBeCloseTo(wanted, 4);
        }
      }
    }
  });

  it('change nothing before the first step', async () => {
    const tensors = randomTensors(SMALLEST, createRandom(5));
    const batch = randomBatch(SMALLEST, 6);
    const lossOf = async (trainer: NativeTrainer) => (await trainer.evaluate(batch)).sum;
    const trainer = await trainerOf(SMALLEST, tensors);
    const before = await lossOf(trainer);
    attachAdapters(trainer, SMALLEST, { rank: RANK, scale: SCALE }, createRandom(1));
    await trainer.pack();
    expect(await lossOf(trainer)).toBe(before);
  });

  it('have a rank from 1 to the hidden size', async () => {
    const trainer = await trainerOf(SMALLEST, randomTensors(SMALLEST, createRandom(5)));
    expect(() => trainer.adapt(0, 1)).toThrow(/rank/);
    expect(() => trainer.adapt(SMALLEST.hiddenSize + 1, 1)).toThrow(/rank/);
  });
});
