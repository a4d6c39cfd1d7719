/**
 * What fine-tuning asks of the trainer beside plain cross-entropy, against central differences as in
 * finite-differences.test.ts and against plain twins: choices, weighed rows, smoothing, gradients of hidden states.
 */
import { describe, expect, it } from 'vitest';
import type { GlmConfig } from '../../../engine/model/config.ts';
import type { NativeBatch, NativeTrainer } from '../../../engine/native.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { CONFIGS, LEVELS, normal, randomBatch, randomTensors, trainerOf } from './tiny.ts';

const POINTS: readonly [number, number][] = [
  [1, 8],
  [-1, -8],
  [2, -1],
  [-2, 1],
];
/** The change of the loss that a step aims at. */
const CHANGE = 0.1;

/** Slope along the gradient, of one kind of tensor at a time, against the five-point formula. */
async function expectGradients(
  trainer: NativeTrainer,
  tensors: ReadonlyMap<string, Float32Array>,
  backward: () => Promise<unknown>,
  loss: () => Promise<number>,
): Promise<void> {
  trainer.zeroGradients();
  await backward();
  const gradients = new Map([...tensors.keys()].map((name) => [name, trainer.get(name, 'gradient')]));
  const kinds = new Set([...tensors.keys()].map((name) => name.replace(/layers\.\d+/, 'layers')));
  for (const kind of kinds) {
    const members = [...tensors.keys()].filter((name) => name.replace(/layers\.\d+/, 'layers') === kind);
    let slope = 0;
    for (const name of members) for (const g of gradients.get(name) as Float32Array) slope += g * g;
    expect(slope, kind).toBeGreaterThan(0);
    const step = CHANGE / slope;
    let difference = 0;
    for (const [times, weight] of POINTS) {
      for (const name of members) {
        const direction = gradients.get(name) as Float32Array;
        const moved = tensors.get(name)?.map((w, i) => w + times * step * (direction[i] as number));
        trainer.set(name, moved as Float32Array, 'parameter');
      }
      await trainer.pack();
      difference += weight * (await loss());
    }
    for (const name of members) trainer.set(name, tensors.get(name) as Float32Array, 'parameter');
    await trainer.pack();
    expect(Math.abs(difference / (12 * step) / slope - 1), kind).toBeLessThan(2e-3);
  }
}

/** The batch of the other gradient tests with, as its targets, some of `choices` tokens. */
function chosenBatch(config: GlmConfig, choices: Int32Array): NativeBatch {
  const batch = randomBatch(config, 12);
  return { ...batch, choices, targets: batch.targets.map((target) => choices[target % choices.length] as number) };
}

const CHOICES = Int32Array.of(3, 17, 30);
const config = CONFIGS['deepnorm, rotary-2d, geglu'] as GlmConfig;
const tensors = randomTensors(config, createRandom(11));

describe.each(LEVELS)('level %s', (level) => {
  const open = () => trainerOf(config, tensors, { level });
  const weighed = (batch: NativeBatch): NativeBatch => {
    const random = createRandom(4);
    return { ...batch, rowWeights: Float32Array.from(batch.targets, () => normal(random)) };
  };
  const objectives: Record<string, NativeBatch> = {
    choices: chosenBatch(config, CHOICES),
    'weighed rows, some of them below 0': weighed(randomBatch(config, 12)),
    smoothing: { ...randomBatch(config, 12), smoothing: 0.1 },
    'all of them': { ...weighed(chosenBatch(config, CHOICES)), smoothing: 0.2 },
  };

  it.each(Object.keys(objectives))('has the gradients of its loss with %s', async (name) => {
    const batch = objectives[name] as NativeBatch;
    const trainer = await open();
    await expectGradients(
      trainer,
      tensors,
      () => trainer.forwardBackward(batch, 1, 1),
      async () => (await trainer.evaluate(batch)).sum,
    );
  });

  it('has the gradients of a loss of hidden states', async () => {
    const trainer = await open();
    const batch = randomBatch(config, 12);
    const random = createRandom(5);
    const hidden = await trainer.hiddenStates(batch);
    const factors = hidden.map(() => normal(random));
    // Bent, so that the gradient is that of the states as they are now: sum of f h + h^2 / 2.
    const loss = async () =>
      (await trainer.hiddenStates(batch)).reduce((sum, h, i) => sum + (factors[i] as number) * h + (h * h) / 2, 0);
    const gradient = hidden.map((h, i) => (factors[i] as number) + h);
    await expectGradients(trainer, tensors, () => trainer.backwardHidden(batch, gradient), loss);
  });
});

describe('what evaluation tells of rows', () => {
  it('is the loss of each, its rank and the logits of the choices', async () => {
    const trainer = await trainerOf(config, tensors);
    const batch = randomBatch(config, 12);
    const counted = [...batch.lossMask.keys()].filter((row) => batch.lossMask[row] === 1);
    const hidden = await trainer.hiddenStates(batch);
    const embedding = tensors.get('transformer.word_embeddings.weight') as Float32Array;
    const C = config.hiddenSize;
    const logitsOf = (i: number) =>
      Array.from({ length: config.vocabSize }, (_, token) => {
        let sum = 0;
        for (let c = 0; c < C; c++) sum += (hidden[i * C + c] as number) * (embedding[token * C + c] as number);
        return sum;
      });
    const logSumExp = (values: readonly number[]) => Math.log(values.reduce((sum, x) => sum + Math.exp(x), 0));

    const plain = await trainer.evaluate(batch);
    const smoothed = await trainer.evaluate({ ...batch, smoothing: 0.25 });
    const chosen = await trainer.evaluate(chosenBatch(config, CHOICES));
    expect(plain.count).toBe(counted.length);
    let firsts = 0;
    for (const [i, row] of counted.entries()) {
      const logits = logitsOf(i);
      const target = batch.targets[row] as number;
      const losses = logits.map((logit) => logSumExp(logits) - logit);
      expect(plain.losses[i]).toBeCloseTo(losses[target] as number, 3);
      const mean = losses.reduce((sum, x) => sum + x, 0) / losses.length;
      expect(smoothed.losses[i]).toBeCloseTo(0.75 * (losses[target] as number) + 0.25 * mean, 3);
      expect(plain.first[i]).toBe(Math.max(...logits) === logits[target] ? 1 : 0);
      firsts += plain.first[i] as number;
      const own = [...CHOICES].map((token) => logits[token] as number);
      expect(
        [...chosen.choiceLogits.subarray(3 * i, 3 * i + 3)].map((x, k) => Math.abs(x - (own[k] as number)) < 1e-3),
      ).toEqual([true, true, true]);
      expect(chosen.losses[i]).toBeCloseTo(logSumExp(own) - (own[target % 3] as number), 3);
    }
    expect(firsts).toBeGreaterThan(0);
    expect(firsts).toBeLessThan(counted.length);
  });

  it('is refused for batches that do not fit', async () => {
    const trainer = await trainerOf(config, tensors);
    const batch = randomBatch(config, 12);
    expect(() => trainer.evaluate({ ...batch, choices: CHOICES })).toThrow('is none of the choices');
    expect(() => trainer.evaluate({ ...batch, choices: Int32Array.of(37) })).toThrow('outside the vocabulary');
    expect(() => trainer.evaluate({ ...batch, rowWeights: new Float32Array(3) })).toThrow('an entry for each row');
    expect(() => trainer.evaluate({ ...batch, smoothing: 1 })).toThrow('below 1');
    expect(() => trainer.backwardHidden(batch, new Float32Array(7))).toThrow('has 7 values');
  });
});
