/** The trainer's own promises: what counts, where the time went, and one call at a time. */
import { describe, expect, it } from 'vitest';
import { type GlmConfig, tensorShapes } from '../../../engine/model/config.ts';
import type { NativeBatch } from '../../../engine/native.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { gradientsOf, OPTIMIZER, openTrainer, randomBatch, SMALLEST } from './tiny.ts';

const names = tensorShapes(SMALLEST).map(({ name }) => name);

it('tells where the time of its steps went', async () => {
  const trainer = await openTrainer();
  expect(Object.values(trainer.phases()).every(({ wall, cpu }) => wall === 0 && cpu === 0)).toBe(true);
  const start = performance.now();
  trainer.zeroGradients();
  await trainer.forwardBackward(randomBatch(SMALLEST, 2), 1, 1);
  const evaluated = trainer.phases();
  expect(evaluated.optimizer).toEqual({ wall: 0, cpu: 0 });
  await trainer.update(OPTIMIZER);
  const elapsed = (performance.now() - start) / 1000;
  const phases = trainer.phases();
  for (const phase of ['layersForward', 'attentionBackward', 'weightGradients', 'optimizer']) {
    expect(phases[phase]?.wall, phase).toBeGreaterThan(0);
  }
  expect(Object.values(phases).reduce((sum, { wall }) => sum + wall, 0)).toBeLessThanOrEqual(elapsed);
});

it('gives its memory back when told to, and says so to whoever goes on', async () => {
  const trainer = await openTrainer();
  const running = trainer.forwardBackward(randomBatch(SMALLEST, 2), 1, 1);
  expect(() => trainer.dispose()).toThrow('still working');
  await running;
  trainer.dispose();
  trainer.dispose();
  trainer.cancel();
  for (const call of [
    () => trainer.zeroGradients(),
    () => trainer.get(names[0] as string, 'parameter'),
    () => trainer.steps,
    () => trainer.gradientNorm(names[0] as string),
    () => trainer.pack(),
  ]) {
    expect(call).toThrow('The trainer was disposed of.');
  }
});

describe('gradients', () => {
  it('add up over calls and scale with the weight', async () => {
    const trainer = await openTrainer();
    const [one, two] = [randomBatch(SMALLEST, 2), randomBatch(SMALLEST, 3)];
    const first = await gradientsOf(trainer, SMALLEST, one, 0.5);
    const second = await gradientsOf(trainer, SMALLEST, two, 0.25);
    trainer.zeroGradients();
    await trainer.forwardBackward(one, 0.5, 1);
    await trainer.forwardBackward(two, 0.25, 1);
    for (const name of names) {
      const [a, b] = [first.gradients.get(name), second.gradients.get(name)];
      for (const [i, sum] of trainer.get(name, 'gradient').entries()) {
        const wanted = (a?.[i] as number) + (b?.[i] as number);
        expect(Math.abs(sum - wanted), name).toBeLessThan(1e-4 + 1e-4 * Math.abs(wanted));
      }
    }
  });

  it('are those of the samples apart, whatever stands beside them in the batch', async () => {
    const trainer = await openTrainer();
    const batch = randomBatch(SMALLEST, 2);
    const whole = await trainer.evaluate(batch);
    let sum = 0;
    let begin = 0;
    for (const [at, length] of batch.lengths.entries()) {
      const own = (rows: Int32Array) => rows.slice(begin, begin + length);
      const loss = await trainer.evaluate({
        tokens: own(batch.tokens),
        positions: own(batch.positions),
        blockPositions: own(batch.blockPositions),
        targets: own(batch.targets),
        lossMask: batch.lossMask.slice(begin, begin + length),
        lengths: Int32Array.of(length),
        separators: batch.separators.slice(at, at + 1),
      });
      sum += loss.sum;
      begin += length;
    }
    expect(Math.abs(sum / whole.sum - 1)).toBeLessThan(1e-6);
  });

  it('are 0 where no row counts', async () => {
    const trainer = await openTrainer();
    const batch = randomBatch(SMALLEST, 2);
    const lossMask = new Uint8Array(batch.lossMask.length);
    const { sum, count, gradients } = await gradientsOf(trainer, SMALLEST, { ...batch, lossMask }, 1);
    expect([sum, count]).toEqual([0, 0]);
    for (const gradient of gradients.values()) expect(gradient.every((g) => g === 0)).toBe(true);
  });

  it('are right for more counted rows than are kept at once, and for a long sample', async () => {
    // 1,100 counted rows in samples of 11, and one sample of 1,100: the same rows, Part A of one token each.
    const config: GlmConfig = { ...SMALLEST, positions: 'rotary-1d', layers: 1, maxLength: 1200 };
    const trainer = await openTrainer(config);
    const random = createRandom(8);
    const rows = 1100;
    const draw = (bound: number) => Int32Array.from({ length: rows }, () => random.below(bound));
    const batch: NativeBatch = {
      tokens: draw(config.vocabSize),
      targets: draw(config.vocabSize),
      positions: Int32Array.from({ length: rows }, (_, row) => row % 11),
      blockPositions: new Int32Array(rows),
      lossMask: new Uint8Array(rows).fill(1),
      lengths: new Int32Array(100).fill(11),
      separators: new Int32Array(100).fill(1),
    };
    for (const shape of [batch, { ...batch, lengths: Int32Array.of(rows), separators: Int32Array.of(600) }]) {
      const { sum, count, gradients } = await gradientsOf(trainer, config, shape, 1);
      expect(count).toBe(rows);
      const bias = gradients.get('transformer.final_layernorm.bias') as Float32Array;
      const name = 'transformer.final_layernorm.bias';
      const before = trainer.get(name, 'parameter');
      const square = bias.reduce((total, g) => total + g * g, 0);
      const step = 1 / square;
      const losses: number[] = [];
      for (const sign of [1, -1]) {
        trainer.set(
          name,
          before.map((w, i) => w + sign * step * (bias[i] as number)),
          'parameter',
        );
        losses.push((await trainer.evaluate(shape)).sum - sum);
      }
      trainer.set(name, before, 'parameter');
      // The loss rises by 1 along the step, falls by 1 against it.
      expect(((losses[0] as number) - (losses[1] as number)) / 2).toBeCloseTo(1, 2);
    }
  });
});

describe('one call at a time', { timeout: 30_000 }, () => {
  const deep: GlmConfig = { ...SMALLEST, hiddenSize: 48, innerSize: 80, layers: 60 };

  it('refuses what would disturb the call under way', async () => {
    const trainer = await openTrainer(deep);
    const batch = randomBatch(deep, 2);
    const pass = trainer.forwardBackward(batch, 1, 1);
    const name = 'transformer.final_layernorm.bias';
    const message = 'still working on the call before this one';
    expect(() => trainer.evaluate(batch)).toThrow(message);
    expect(() => trainer.zeroGradients()).toThrow(message);
    expect(() => trainer.get(name, 'gradient')).toThrow(message);
    expect(() => trainer.set(name, new Float32Array(48), 'parameter')).toThrow(message);
    expect(() => trainer.pack()).toThrow(message);
    expect(() => trainer.update(OPTIMIZER)).toThrow(message);
    await pass;
    await trainer.update(OPTIMIZER);
  });

  it('stops when cancelled and computes the same afterwards', async () => {
    const trainer = await openTrainer(deep);
    const batch = randomBatch(deep, 2);
    const wanted = await gradientsOf(trainer, deep, batch, 1);
    const pass = trainer.forwardBackward(batch, 1, 1);
    trainer.cancel();
    await expect(pass).rejects.toMatchObject({ name: 'AbortError' });
    const again = await gradientsOf(trainer, deep, batch, 1);
    expect(again.sum).toBe(wanted.sum);
    for (const name of ['transformer.word_embeddings.weight', 'transformer.layers.31.attention.dense.weight']) {
      expect(again.gradients.get(name)).toEqual(wanted.gradients.get(name));
    }
  });
});
