/** What the switches of a model and of its training mean: one forward pass for both, shares of a gradient, all norms. */
import { describe, expect, it } from 'vitest';
import { tensorShapes } from '../../../engine/model/config.ts';
import { loadAddon, type NativeBatch } from '../../../engine/native.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { toBatch } from '../../../engine/training/batch.ts';
import { CONFIGS, randomBatch, randomSample, randomTensors, SMALLEST, trainerOf } from './tiny.ts';

const EMBEDDING = 'transformer.word_embeddings.weight';

function crossEntropy(logits: Float32Array, target: number): number {
  const highest = logits.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - highest), 0);
  return highest + Math.log(sum) - (logits[target] as number);
}

describe.each(Object.entries(CONFIGS))('%s', (_, config) => {
  it('is trained as the model that is run', async () => {
    const tensors = randomTensors(config, createRandom(3));
    const sample = randomSample(config, createRandom(4), 40, 17);
    const lossMask = sample.lossMask.map((_, row) => (row >= sample.sep ? 1 : 0));
    const trainer = await trainerOf(config, tensors);
    const { sum, count } = await trainer.evaluate(toBatch([{ ...sample, lossMask }]));

    const model = new (loadAddon().Model)(config, { level: '', threads: 2, precision: 'float32' });
    for (const [name, values] of tensors) model.setTensor(name, values);
    model.ready();
    const session = model.open(40);
    const rows = (from: number, to: number) => ({
      tokens: sample.tokens.slice(from, to),
      positions: sample.positions.slice(from, to),
      blockPositions: sample.blockPositions.slice(from, to),
    });
    await session.read(rows(0, sample.sep));
    const logits = await session.extend(rows(sample.sep, 40), true);
    let wanted = 0;
    for (let row = 0; row < count; row++) {
      const own = logits.subarray(row * config.vocabSize, (row + 1) * config.vocabSize);
      wanted += crossEntropy(own, sample.targets[sample.sep + row] as number);
    }
    expect(count).toBe(23);
    expect(Math.abs(sum / wanted - 1)).toBeLessThan(1e-5);
    session.dispose();
    model.dispose();
  });
});

describe('the gradient of a tied embedding', () => {
  it('is shrunk in its two uses apart', async () => {
    const trainer = await trainerOf(SMALLEST, randomTensors(SMALLEST, createRandom(1)));
    const batch = randomBatch(SMALLEST, 2);
    const gradient = async (embedding: number, head?: number, name = EMBEDDING) => {
      trainer.zeroGradients();
      await trainer.forwardBackward(batch, 1, embedding, head);
      return trainer.get(name, 'gradient');
    };
    const [input, output, mixed] = [await gradient(1, 0), await gradient(0, 1), await gradient(0.5, 0.25)];
    const largest = input.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(largest).toBeGreaterThan(0.1);
    for (const [i, value] of mixed.entries()) {
      const wanted = 0.5 * (input[i] as number) + 0.25 * (output[i] as number);
      expect(Math.abs(value - wanted)).toBeLessThan(1e-5 * largest);
    }
    expect(await gradient(1)).toEqual(await gradient(1, 1));
    // Nothing else learns from a smaller gradient.
    const other = 'transformer.layers.0.mlp.dense_4h_to_h.weight';
    expect(await gradient(0.1, 0.1, other)).toEqual(await gradient(1, 1, other));
  });
});

describe('gradient norms', () => {
  it('are those of every tensor, in the order of their shapes', async () => {
    const config = CONFIGS['sandwich, learned-2d, swiglu, embedding norm'] as typeof SMALLEST;
    const trainer = await trainerOf(config, randomTensors(config, createRandom(1)));
    trainer.zeroGradients();
    await trainer.forwardBackward(randomBatch(config, 2), 1, 1);
    const norms = trainer.gradientNorms();
    const names = tensorShapes(config).map(({ name }) => name);
    expect([...norms]).toEqual(names.map((name) => trainer.gradientNorm(name)));
    expect(norms.every((norm) => norm > 0)).toBe(true);
  });
});

describe('a causal model', () => {
  it('is trained without a Part A, whatever its samples say', async () => {
    const config = { ...SMALLEST, causal: true };
    const trainer = await trainerOf(config, randomTensors(config, createRandom(1)));
    const batch: NativeBatch = randomBatch(config, 2);
    const none = { ...batch, separators: batch.separators.map(() => 0) };
    expect(await trainer.evaluate(batch)).toEqual(await trainer.evaluate(none));
    const other = await trainerOf(SMALLEST, randomTensors(SMALLEST, createRandom(1)));
    expect((await other.evaluate(batch)).sum).not.toBe((await trainer.evaluate(batch)).sum);
    expect(await other.evaluate(none)).toEqual(await trainer.evaluate(none));
  });
});
