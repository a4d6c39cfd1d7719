/** The small parts of a pretraining run: schedule, batches, first weights, log. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type GlmConfig, tensorShapes } from '../../../engine/model/config.ts';
import type { InfillingSample } from '../../../engine/objective/blank-infilling.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { countRows, microBatches, toBatch } from '../../../engine/training/batch.ts';
import { initialTensors } from '../../../engine/training/initialize.ts';
import { type LogEntry, openRunLog, readLog } from '../../../engine/training/run-log.ts';
import { learningRate } from '../../../engine/training/schedule.ts';
import { randomSample, SMALLEST } from '../native/tiny.ts';

const home = mkdtempSync(join(tmpdir(), 'cloze-training-'));
afterAll(() => rmSync(home, { recursive: true }));

describe('the learning rate', () => {
  const schedule = { peak: 0.01, floor: 0.1, warmup: 4, decay: 10, total: 100 };

  it('rises over the warm-up, stays, and falls in a line to its floor', () => {
    const rates = Array.from({ length: 101 }, (_, step) => learningRate(schedule, step));
    expect(rates.slice(0, 4)).toEqual([0.0025, 0.005, 0.0075, 0.01]);
    expect(rates.slice(4, 91).every((rate) => rate === 0.01)).toBe(true);
    expect(rates[95]).toBeCloseTo(0.01 * (0.1 + 0.9 * 0.5), 12);
    expect(rates[99]).toBeCloseTo(0.01 * (0.1 + 0.9 * 0.1), 12);
    expect(rates[100]).toBeCloseTo(0.001, 12);
    expect(learningRate(schedule, 200)).toBeCloseTo(0.001, 12);
  });

  it('needs neither warm-up nor decay', () => {
    const flat = { ...schedule, warmup: 0, decay: 0 };
    expect([0, 50, 99].map((step) => learningRate(flat, step))).toEqual([0.01, 0.01, 0.01]);
  });
});

describe('batches', () => {
  const random = createRandom(1);
  const samples = [30, 50, 21, 200, 5, 95].map((length) => randomSample(SMALLEST, random, length, 7 % length));

  it('keep the samples, in order, within the limit unless one alone is longer', () => {
    const groups = microBatches(samples, 101);
    expect(groups.map((group) => group.map(({ tokens }) => tokens.length))).toEqual([[30, 50, 21], [200], [5, 95]]);
    expect(groups.flat()).toEqual(samples);
    expect(microBatches([], 10)).toEqual([]);
    expect(microBatches(samples.slice(0, 2), 80)).toHaveLength(1);
    expect(microBatches(samples.slice(0, 2), 79)).toHaveLength(2);
  });

  it('lay samples one after another', () => {
    const two = samples.slice(0, 2) as [InfillingSample, InfillingSample];
    const batch = toBatch(two);
    for (const field of ['tokens', 'positions', 'blockPositions', 'targets', 'lossMask'] as const) {
      expect([...batch[field]]).toEqual([...two[0][field], ...two[1][field]]);
    }
    expect([...batch.lengths]).toEqual([30, 50]);
    expect([...batch.separators]).toEqual([7, 7]);
    const counted = [...batch.lossMask].reduce((sum, counts) => sum + counts, 0);
    expect(countRows(two)).toEqual({ rows: 80, counted });
  });
});

describe('first weights', () => {
  const config: GlmConfig = { ...SMALLEST, vocabSize: 300, hiddenSize: 64, innerSize: 96, layers: 3, heads: 4 };
  const drawn = (change: Partial<GlmConfig> = {}) => {
    const own = { ...config, ...change };
    return new Map([...initialTensors(own, createRandom(5))].map(({ name, values }) => [name, values]));
  };
  const deviation = (values: ArrayLike<number>) => {
    const all = Array.from(values);
    const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
    return Math.sqrt(all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length);
  };
  const at = (tensors: Map<string, Float32Array>, name: string) => tensors.get(name) as Float32Array;

  it('fill every tensor, the same for the same seed', () => {
    const tensors = drawn();
    expect([...tensors.keys()]).toEqual(tensorShapes(config).map(({ name }) => name));
    expect(tensors).toEqual(drawn());
    for (const { name, shape } of tensorShapes(config)) {
      const values = at(tensors, name);
      expect(values).toHaveLength(shape.reduce((a, b) => a * b, 1));
      if (shape.length === 1) expect(new Set(values), name).toEqual(new Set([name.endsWith('norm.weight') ? 1 : 0]));
    }
  });

  it('have the gains of DeepNorm in cross-attention', () => {
    const tensors = drawn({ decoderLayers: 1 });
    const of = (part: string) => at(tensors, `transformer.layers.2.cross_attention.${part}.weight`);
    const [keyValue, square] = [of('key_value'), Math.sqrt(2 / 128)];
    expect(deviation(of('query')) / square).toBeCloseTo(1, 1);
    expect(deviation(keyValue.subarray(0, 64 * 64)) / square).toBeCloseTo(1, 1);
    expect(deviation(keyValue.subarray(64 * 64)) / (square / Math.sqrt(6))).toBeCloseTo(1, 1);
    expect(deviation(of('dense')) / (square / Math.sqrt(6))).toBeCloseTo(1, 1);
  });

  it.each(['per-head', 'thirds'] as const)(
    'have the gains of DeepNorm with queries, keys and values %s',
    (qkvLayout) => {
      const tensors = drawn({ qkvLayout });
      const gain = 1 / Math.sqrt(2 * 3);
      const xavier = (fanOut: number, fanIn: number) => Math.sqrt(2 / (fanOut + fanIn));
      for (let layer = 0; layer < 3; layer++) {
        const name = (part: string) => `transformer.layers.${layer}.${part}.weight`;
        const qkv = at(tensors, name('attention.query_key_value'));
        const rows = (wanted: (row: number) => boolean) =>
          Array.from({ length: 192 }, (_, row) => row)
            .filter(wanted)
            .flatMap((row) => [...qkv.subarray(row * 64, (row + 1) * 64)]);
        const isValue = (row: number) => (qkvLayout === 'thirds' ? row >= 128 : row % 48 >= 32);
        expect(deviation(rows(isValue)) / (gain * xavier(64, 64))).toBeCloseTo(1, 1);
        expect(deviation(rows((row) => !isValue(row))) / xavier(64, 64)).toBeCloseTo(1, 1);
        expect(deviation(at(tensors, name('attention.dense'))) / (gain * xavier(64, 64))).toBeCloseTo(1, 1);
        expect(deviation(at(tensors, name('mlp.dense_h_to_4h'))) / (gain * xavier(192, 64))).toBeCloseTo(1, 1);
        expect(deviation(at(tensors, name('mlp.dense_4h_to_h'))) / (gain * xavier(64, 96))).toBeCloseTo(1, 1);
      }
      expect(deviation(at(tensors, 'transformer.word_embeddings.weight')) / 0.02).toBeCloseTo(1, 1);
    },
  );

  it('are those of GPT-2 for GLM 2021', () => {
    const tensors = drawn({ norm: 'pre', positions: 'learned-2d', activation: 'gelu', tiedEmbedding: false });
    const wanted: Record<string, number> = {
      'transformer.position_embeddings.weight': 0.02,
      'lm_head.weight': 0.02,
      'transformer.layers.1.attention.query_key_value.weight': 0.02,
      'transformer.layers.1.mlp.dense_h_to_4h.weight': 0.02,
      'transformer.layers.1.attention.dense.weight': 0.02 / Math.sqrt(6),
      'transformer.layers.1.mlp.dense_4h_to_h.weight': 0.02 / Math.sqrt(6),
    };
    for (const [name, value] of Object.entries(wanted)) {
      expect(deviation(at(tensors, name)) / value, name).toBeCloseTo(1, 1);
    }
  });
});

describe('the log of a run', () => {
  const entry = (step: number): LogEntry => ({
    step,
    tokens: step * 10,
    loss: 3.5,
    learningRate: 1e-3,
    gradientNorm: 1,
    tokensPerSecond: 7,
  });

  it('is cut back to the checkpoint, and a broken last line is dropped', async () => {
    const path = join(home, 'cut.jsonl');
    const log = await openRunLog(path, 0);
    for (let step = 0; step < 6; step++) log.append(entry(step));
    log.close();
    appendFileSync(path, '{"step":6,"tok');
    expect((await readLog(path)).map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5]);
    const resumed = await openRunLog(path, 4);
    expect(await readLog(path)).toEqual([0, 1, 2, 3].map(entry));
    resumed.append(entry(4));
    resumed.append({ ...entry(5), heldOut: 2 });
    resumed.close();
    expect(await readLog(path)).toEqual([...[0, 1, 2, 3, 4].map(entry), { ...entry(5), heldOut: 2 }]);
    expect(readFileSync(path, 'utf8').endsWith('}\n')).toBe(true);
  });

  it('of a run that has none is empty', async () => {
    expect(await readLog(join(home, 'nowhere.jsonl'))).toEqual([]);
  });

  it('in a folder that is not there is an error at once', async () => {
    await expect(openRunLog(join(home, 'no folder', 'log.jsonl'), 0)).rejects.toThrow(/ENOENT/);
  });

  it('says when a line could not be written', async () => {
    const log = await openRunLog(join(home, 'closed.jsonl'), 0);
    log.close();
    expect(() => log.append(entry(0))).toThrow(/EBADF/);
  });
});
