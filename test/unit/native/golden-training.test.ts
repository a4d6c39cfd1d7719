/** Loss, gradients and five AdamW steps of the original GLM code, at the tolerances of the READMEs beside the records. */
import { describe, expect, it } from 'vitest';
import { tensorShapes } from '../../../engine/model/config.ts';
import type { AdamWOptions, NativeTrainer } from '../../../engine/native.ts';
import { goldenBatch, goldenFolder, goldenTensors, readGolden } from './golden.ts';
import { LEVELS, trainerOf } from './tiny.ts';

interface GradientRecord {
  shape: number[];
  grad_norm: number;
  grad_sum: number;
  grad_first16: number[];
  indices: number[];
  grad_at_indices: number[];
}

const FAMILIES = ['glm-130b', 'chatglm-6b', 'glm-2021'];
const cases = FAMILIES.flatMap((family) => LEVELS.map((level) => ({ family, level })));

/** GLM 2021's own tensors have no prefix; ours have the names of SwissArmyTransformer. */
const canonical = (name: string) => (/^(transformer|lm_head)\./.test(name) ? name : `transformer.${name}`);

const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
const relative = (found: number, wanted: number) => Math.abs(found / wanted - 1);

describe.each(cases)('$family at level $level', ({ family, level }) => {
  const record = readGolden(`${family}/training.json`);
  const batch = goldenBatch(record.batch);
  const counted = batch.lossMask.reduce((sum, counts) => sum + counts, 0);

  async function openTrainer() {
    const folder = await goldenFolder(family);
    return { config: folder.config, trainer: await trainerOf(folder.config, await goldenTensors(folder), { level }) };
  }

  it('gives the loss of every token', async () => {
    const { trainer } = await openTrainer();
    const rows = [...batch.lossMask.keys()].filter((row) => batch.lossMask[row] === 1);
    const wanted = record.token_losses.flat();
    expect(rows).toHaveLength(wanted.length);
    for (const [index, row] of rows.entries()) {
      const lossMask = new Uint8Array(batch.lossMask.length);
      lossMask[row] = 1;
      const { sum, count } = await trainer.evaluate({ ...batch, lossMask });
      expect(count).toBe(1);
      // Relative to the mean: a small loss is a small difference of large logits.
      expect(Math.abs(sum - wanted[index]), `row ${row}`).toBeLessThan(1e-5 * record.loss);
    }
  });

  it('gives the gradients', async () => {
    const { trainer, config } = await openTrainer();
    trainer.zeroGradients();
    const { sum, count } = await trainer.forwardBackward(batch, 1 / counted, 1);
    expect(count).toBe(counted);
    expect(relative(sum / count, record.loss)).toBeLessThan(1e-5);
    const recorded = Object.entries<GradientRecord>(record.parameters);
    expect(recorded.map(([name]) => canonical(name)).sort()).toEqual(
      tensorShapes(config)
        .map(({ name }) => name)
        .sort(),
    );
    let squares = 0;
    for (const [name, wanted] of recorded) {
      const found = trainer.get(canonical(name), 'gradient');
      const own = trainer.gradientNorm(canonical(name));
      squares += own * own;
      expect(relative(own, norm(found)), name).toBeLessThan(1e-6);
      expect(relative(own, wanted.grad_norm), name).toBeLessThan(2e-5);
      const total = found.reduce((sumOfAll, value) => sumOfAll + value, 0);
      expect(Math.abs(total - wanted.grad_sum), name).toBeLessThan(
        1e-5 * wanted.grad_norm * Math.sqrt(found.length) + 1e-12,
      );
      checkEntries(name, found, wanted.indices, wanted.grad_at_indices);
      checkEntries(name, found, [...wanted.grad_first16.keys()], wanted.grad_first16);
    }
    expect(relative(Math.sqrt(squares), record.global_grad_norm)).toBeLessThan(2e-5);
    const tied = record.embedding_tied;
    if (tied.tied) {
      const found = trainer.get(canonical(tied.parameter), 'gradient');
      checkEntries(tied.parameter, found, tied.indices, tied.gradient);
    }
  });

  it('shrinks only what comes back through looked-up vectors', async () => {
    const { trainer } = await openTrainer();
    const tied = record.embedding_tied;
    if (tied.tied) {
      trainer.zeroGradients();
      await trainer.forwardBackward(batch, 1 / counted, 0.25);
      const wanted = tied.indices.map(
        (_: number, at: number) => 0.25 * tied.from_input_use.values[at] + tied.from_output_use.values[at],
      );
      checkEntries(tied.parameter, trainer.get(canonical(tied.parameter), 'gradient'), tied.indices, wanted);
    }
    const recorded = record.embedding_gradient_shrink;
    if (!recorded) return;
    trainer.zeroGradients();
    await trainer.forwardBackward(batch, 1 / counted, recorded.alpha);
    const found = trainer.get(recorded.parameter, 'gradient');
    checkEntries('shrunk', found, recorded.indices, recorded.grad_at_indices);
    expect(relative(trainer.gradientNorm(recorded.parameter), recorded.grad_norm)).toBeLessThan(2e-5);
    const whole = await trainer.update({ ...optimizer(), learningRate: 0 });
    expect(relative(whole, recorded.global_grad_norm)).toBeLessThan(2e-5);
  });

  it('makes five steps of AdamW', async () => {
    const { trainer } = await openTrainer();
    for (const { step, loss_before, global_grad_norm_before_clipping } of record.steps) {
      trainer.zeroGradients();
      const { sum, count } = await trainer.forwardBackward(batch, 1 / counted, 1);
      expect(relative(sum / count, loss_before), `step ${step}`).toBeLessThan(1e-4);
      const found = await trainer.update(optimizer());
      expect(relative(found, global_grad_norm_before_clipping), `step ${step}`).toBeLessThan(1e-4);
      expect(trainer.steps).toBe(step);
    }
    const { sum, count } = await trainer.evaluate(batch);
    expect(relative(sum / count, record.loss_after_step_5)).toBeLessThan(1e-4);
    checkParameters(trainer);
  });

  function optimizer(): AdamWOptions {
    const { lr, betas, eps, weight_decay, clip_grad_norm } = record.optimizer;
    return {
      learningRate: lr,
      clip: clip_grad_norm,
      beta1: betas[0],
      beta2: betas[1],
      epsilon: eps,
      weightDecay: weight_decay,
      decayAll: true,
    };
  }

  function checkEntries(name: string, found: Float32Array, indices: number[], wanted: number[]): void {
    const tolerance = 5e-5 * largest(found);
    for (const [at, index] of indices.entries()) {
      const difference = Math.abs((found[index] as number) - (wanted[at] as number));
      expect(difference, `${name} at ${index}`).toBeLessThanOrEqual(tolerance);
    }
  }

  function checkParameters(trainer: NativeTrainer): void {
    const recorded = Object.entries<{ norm: number; indices: number[]; values: number[] }>(
      record.parameters_after_step_5,
    );
    for (const [name, wanted] of recorded) {
      const found = trainer.get(canonical(name), 'parameter');
      for (const [at, index] of wanted.indices.entries()) {
        const difference = Math.abs((found[index] as number) - (wanted.values[at] as number));
        expect(difference, `${name} at ${index}`).toBeLessThan(1e-5);
      }
      // The gradient of the key part of this bias is rounding noise, which AdamW enlarges.
      const tolerance = name.endsWith('query_key_value.bias') ? 1e-3 : 2e-6;
      expect(relative(norm(found), wanted.norm), name).toBeLessThan(tolerance);
    }
  }
});
