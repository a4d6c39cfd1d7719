/** AdamW and Muon: what decays, how the gradient is clipped, and what goes on after a restart. */
import { describe, expect, it } from 'vitest';
import { type GlmConfig, tensorShapes } from '../../../engine/model/config.ts';
import { type AdamWOptions, loadAddon, type TrainerVector } from '../../../engine/native.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { OPTIMIZER, openTrainer, randomBatch, randomTensors, SMALLEST } from './tiny.ts';

const tensors = randomTensors(SMALLEST, createRandom(1));
const names = tensorShapes(SMALLEST).map(({ name }) => name);

describe('AdamW', () => {
  it('decays matrices and embeddings only, or everything', async () => {
    for (const decayAll of [false, true]) {
      const trainer = await openTrainer();
      trainer.zeroGradients();
      expect(await trainer.update({ ...OPTIMIZER, decayAll })).toBe(0);
      for (const { name, shape } of tensorShapes(SMALLEST)) {
        const kept = decayAll || shape.length > 1 ? 1 - 0.01 * 0.1 : 1;
        const [before, after] = [tensors.get(name) as Float32Array, trainer.get(name, 'parameter')];
        for (const [i, value] of after.entries()) expect(value, name).toBeCloseTo(kept * (before[i] as number), 6);
      }
    }
  });

  it('clips the gradient as a whole, and not at all with 0', async () => {
    const batch = randomBatch(SMALLEST, 2);
    const moments = async (clip: number) => {
      const trainer = await openTrainer();
      trainer.zeroGradients();
      await trainer.forwardBackward(batch, 1, 1);
      const norm = await trainer.update({ ...OPTIMIZER, clip });
      return { norm, values: names.flatMap((name) => [...trainer.get(name, 'moment1')]) };
    };
    const free = await moments(0);
    const clipped = await moments(0.5);
    expect(free.norm).toBeGreaterThan(1);
    expect(clipped.norm).toBe(free.norm);
    const size = (values: number[]) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)) / 0.1;
    expect(size(free.values) / free.norm).toBeCloseTo(1, 4);
    expect(size(clipped.values)).toBeCloseTo(0.5, 4);
    expect((await moments(1e9)).values).toEqual(free.values);
  });

  it('goes on from copied vectors to the bit', async () => {
    const [trainer, batch] = [await openTrainer(), randomBatch(SMALLEST, 2)];
    const step = async (own: typeof trainer) => {
      own.zeroGradients();
      const { sum } = await own.forwardBackward(batch, 0.01, 1);
      return [sum, await own.update({ ...OPTIMIZER, clip: 1 })];
    };
    await step(trainer);
    await step(trainer);
    const copy = new (loadAddon().Trainer)(SMALLEST, { level: '', threads: 2, precision: 'float32' });
    for (const vector of ['parameter', 'moment1', 'moment2'] satisfies TrainerVector[]) {
      for (const name of names) copy.set(name, trainer.get(name, vector), vector);
    }
    copy.steps = trainer.steps;
    await copy.pack();
    for (let i = 0; i < 3; i++) expect(await step(copy)).toEqual(await step(trainer));
    for (const name of names) expect(copy.get(name, 'parameter')).toEqual(trainer.get(name, 'parameter'));
    expect(copy.steps).toBe(5);
  });
});

describe('Muon', () => {
  const MUON: AdamWOptions = { ...OPTIMIZER, muon: 0.95, clip: 0.5 };

  it('orthogonalises the momentum of each projection apart, and leaves the rest to AdamW', async () => {
    const decoder = { layers: 2, decoderLayers: 1 };
    for (const change of [{ qkvLayout: 'per-head' }, { qkvLayout: 'thirds' }, decoder] as const) {
      const config: GlmConfig = { ...SMALLEST, ...change };
      const batch = randomBatch(config, 5);
      const [muon, adam] = [await openTrainer(config), await openTrainer(config)];
      for (const trainer of [muon, adam]) {
        trainer.zeroGradients();
        await trainer.forwardBackward(batch, 1, 1);
      }
      const gradients = new Map(tensorShapes(config).map(({ name }) => [name, muon.get(name, 'gradient')]));
      const norm = await muon.update(MUON);
      await adam.update({ ...OPTIMIZER, clip: 0.5 });
      const scale = 0.5 / norm;
      for (const { name, shape } of tensorShapes(config)) {
        const [rows = 1, cols = 1] = shape;
        const parts = projectionRows(config, name, rows);
        const after = muon.get(name, 'parameter');
        if (!parts) {
          expect(after, name).toEqual(adam.get(name, 'parameter'));
          continue;
        }
        const before = randomTensors(config, createRandom(1)).get(name) as Float32Array;
        for (const part of parts) {
          // One step from zero momentum: gradient + 0.95 gradient.
          const momentum = part.map((row) =>
            Array.from({ length: cols }, (_, c) => 1.95 * scale * (gradients.get(name)?.[row * cols + c] as number)),
          );
          const update = orthogonalized(momentum);
          const rate = 0.01 * 0.2 * Math.sqrt(Math.max(part.length, cols));
          for (const [i, row] of part.entries()) {
            for (let c = 0; c < cols; c++) {
              const wanted = (1 - 0.01 * 0.1) * (before[row * cols + c] as number) - rate * (update[i]?.[c] as number);
              expect(after[row * cols + c], `${name} ${row} ${c}`).toBeCloseTo(wanted, 5);
            }
          }
        }
      }
    }
  });
});

/** Rows of each projection stored in a tensor of a layer; undefined for other tensors. */
function projectionRows(config: GlmConfig, name: string, rows: number): number[][] | undefined {
  const all = Array.from({ length: rows }, (_, row) => row);
  const size = config.hiddenSize / config.heads;
  if (name.endsWith('query_key_value.weight')) {
    const part = (row: number) =>
      config.qkvLayout === 'per-head' ? Math.floor(row / size) % 3 : Math.floor(row / config.hiddenSize);
    return [0, 1, 2].map((third) => all.filter((row) => part(row) === third));
  }
  if (name.endsWith('dense_h_to_4h.weight')) {
    return rows === config.innerSize ? [all] : [all.slice(0, config.innerSize), all.slice(config.innerSize)];
  }
  if (name.endsWith('.key_value.weight')) return [all.slice(0, rows / 2), all.slice(rows / 2)];
  return /(attention\.dense|cross_attention\.query|dense_4h_to_h)\.weight$/.test(name) ? [all] : undefined;
}

/** Newton-Schulz as in native/src/muon.cc, on plain arrays. */
function orthogonalized(matrix: number[][]): number[][] {
  const transpose = (a: number[][]) => (a[0] as number[]).map((_, c) => a.map((row) => row[c] as number));
  const product = (a: number[][], b: number[][]) => {
    const columns = transpose(b);
    return a.map((row) => columns.map((column) => row.reduce((sum, x, i) => sum + x * (column[i] as number), 0)));
  };
  const mix = (a: number, x: number[][], b: number, y: number[][]) =>
    x.map((row, r) => row.map((value, c) => a * value + b * (y[r]?.[c] as number)));
  const tall = matrix.length > (matrix[0] as number[]).length;
  const norm = Math.sqrt(matrix.flat().reduce((sum, x) => sum + x * x, 0));
  let x = (tall ? transpose(matrix) : matrix).map((row) => row.map((value) => value / (norm + 1e-7)));
  for (let i = 0; i < 5; i++) {
    const square = product(x, transpose(x));
    x = mix(3.4445, x, 1, product(mix(-4.775, square, 2.0315, product(square, square)), x));
  }
  return tall ? transpose(x) : x;
}
