/** The trainer's own promises: what counts, what decays, what goes on after a restart, and what is refused. */
import { describe, expect, it } from 'vitest';
import { type GlmConfig, tensorShapes } from '../../../engine/model/config.ts';
import { type AdamWOptions, loadAddon, type NativeBatch, type TrainerVector } from '../../../engine/native.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { gradientsOf, randomBatch, randomTensors, SMALLEST, trainerOf } from './tiny.ts';

const OPTIMIZER: AdamWOptions = {
  learningRate: 0.01,
  clip: 0,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.1,
  decayAll: false,
};

const tensors = randomTensors(SMALLEST, createRandom(1));
const open = (config: GlmConfig = SMALLEST) => trainerOf(config, randomTensors(config, createRandom(1)));
const names = tensorShapes(SMALLEST).map(({ name }) => name);

it('tells where the time of its steps went', async () => {
  const trainer = await open();
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
  const trainer = await open();
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
    const trainer = await open();
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
    const trainer = await open();
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
    const trainer = await open();
    const batch = randomBatch(SMALLEST, 2);
    const lossMask = new Uint8Array(batch.lossMask.length);
    const { sum, count, gradients } = await gradientsOf(trainer, SMALLEST, { ...batch, lossMask }, 1);
    expect([sum, count]).toEqual([0, 0]);
    for (const gradient of gradients.values()) expect(gradient.every((g) => g === 0)).toBe(true);
  });

  it('are right for more counted rows than are kept at once, and for a long sample', async () => {
    // 1,100 counted rows in samples of 11, and one sample of 1,100: the same rows, Part A of one token each.
    const config: GlmConfig = { ...SMALLEST, positions: 'rotary-1d', layers: 1, maxLength: 1200 };
    const trainer = await open(config);
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

describe('AdamW', () => {
  it('decays matrices and embeddings only, or everything', async () => {
    for (const decayAll of [false, true]) {
      const trainer = await open();
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
      const trainer = await open();
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
    const [trainer, batch] = [await open(), randomBatch(SMALLEST, 2)];
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

describe('one call at a time', { timeout: 30_000 }, () => {
  const deep: GlmConfig = { ...SMALLEST, hiddenSize: 48, innerSize: 80, layers: 60 };

  it('refuses what would disturb the call under way', async () => {
    const trainer = await open(deep);
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
    const trainer = await open(deep);
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

describe('misuse', () => {
  const batch = randomBatch(SMALLEST, 2);
  const changed = (rows: Int32Array, at: number, value: number) => rows.map((own, i) => (i === at ? value : own));

  it.each<[string, Partial<Record<keyof NativeBatch, unknown>>, RegExp]>([
    ['a token beyond the vocabulary', { tokens: changed(batch.tokens, 3, 37) }, /"tokens" has 37 at index 3/],
    ['a target beyond the vocabulary', { targets: changed(batch.targets, 152, 37) }, /target 37 lies outside/],
    ['a negative target', { targets: changed(batch.targets, 152, -1) }, /target -1 lies outside/],
    ['a position beyond the tables', { positions: changed(batch.positions, 0, 162) }, /"positions" has 162 at index 0/],
    ['too few targets', { targets: batch.targets.slice(1) }, /same number of rows/],
    ['too short a mask', { lossMask: batch.lossMask.slice(1) }, /same number of rows/],
    ['fewer separators than lengths', { separators: Int32Array.of(1) }, /same number of rows/],
    ['a separator beyond its sample', { separators: Int32Array.of(9, 132, 0) }, /Sample 1 .* separator 132/],
    ['a sample without rows', { lengths: Int32Array.of(0, 148, 5) }, /Sample 0 has length 0/],
    ['samples longer than the rows', { lengths: Int32Array.of(17, 2 ** 31 - 1, 5) }, /Sample 1 has length 2147483647/],
    ['samples shorter than the rows', { lengths: Int32Array.of(17, 131, 4) }, /do not add up to the rows/],
    ['targets of another type', { targets: new Uint8Array(153) }, /"targets" of a batch must be an Int32Array/],
    ['a mask of another type', { lossMask: new Int32Array(153) }, /"lossMask" of a batch must be a Uint8Array/],
    ['lengths that are no array', { lengths: [17, 131, 5] }, /"lengths" of a batch must be an Int32Array/],
    ['no separators', { separators: undefined }, /"separators" of a batch must be an Int32Array/],
  ])('%s', async (_, change, message) => {
    const trainer = await open();
    const wrong = { ...batch, ...change } as NativeBatch;
    expect(() => trainer.evaluate(wrong)).toThrow(message);
    expect(() => trainer.forwardBackward(wrong, 1, 1)).toThrow(message);
  });

  it('an encoder without rows, or with targets', async () => {
    const config: GlmConfig = { ...SMALLEST, decoderLayers: 1 };
    const trainer = await open(config);
    const own = randomBatch(config, 2);
    const none = { ...own, separators: Int32Array.of(9, 0, 1) };
    expect(() => trainer.evaluate(none)).toThrow('Sample 1 has no Part A, which the encoder of this model needs.');
    const lossMask = own.lossMask.map((counts, row) => (row === 17 ? 1 : counts));
    expect(() => trainer.evaluate({ ...own, lossMask })).toThrow('Sample 1 has rows of Part A that count in the loss');
    // A sample that the encoder reads and the decoder does not has no part in the loss.
    const [unread, alone] = [
      {
        ...own,
        separators: Int32Array.of(17, 70, 1),
        lossMask: own.lossMask.map((counts, row) => (row < 17 ? 0 : counts)),
      },
      { ...own, lossMask: own.lossMask.map((counts, row) => (row < 17 ? 0 : counts)) },
    ];
    expect(await trainer.evaluate(unread)).toEqual(await trainer.evaluate(alone));
  });

  it('a target that does not count may be anything', async () => {
    const row = batch.lossMask.indexOf(0);
    const trainer = await open();
    const { sum } = await trainer.evaluate({ ...batch, targets: changed(batch.targets, row, -7) });
    expect(sum).toBe((await trainer.evaluate(batch)).sum);
  });

  it('unknown tensors and vectors, wrong sizes and types', async () => {
    const trainer = await open();
    const name = 'transformer.final_layernorm.bias';
    expect(() => trainer.get('lm_head.weight', 'gradient')).toThrow('The model has no tensor "lm_head.weight".');
    expect(() => trainer.gradientNorm('nothing')).toThrow('The model has no tensor "nothing".');
    expect(() => trainer.get(name, 'moment3' as TrainerVector)).toThrow('Unknown vector "moment3".');
    expect(() => trainer.set(name, new Float32Array(23), 'parameter')).toThrow('has 24 values; 23 were given');
    expect(() => trainer.set(name, new Float64Array(24) as unknown as Float32Array, 'parameter')).toThrow(
      'must be a Float32Array',
    );
  });

  it('a precision and a number of threads that there are not', () => {
    const make = (precision: string, threads: number) =>
      new (loadAddon().Trainer)(SMALLEST, { level: '', threads, precision: precision as 'float32' });
    expect(() => make('int8', 1)).toThrow('has "int8" for "precision"; known are float32, bfloat16, float16.');
    expect(() => make('float32', 0)).toThrow('needs a whole number of at least 1 for "threads"');
    expect(() => make('float32', 2000)).toThrow('at most 1024 threads; 2000 were asked for');
  });
});

describe('Muon', () => {
  const MUON: AdamWOptions = { ...OPTIMIZER, muon: 0.95, clip: 0.5 };

  it('orthogonalises the momentum of each projection apart, and leaves the rest to AdamW', async () => {
    const decoder = { layers: 2, decoderLayers: 1 };
    for (const change of [{ qkvLayout: 'per-head' }, { qkvLayout: 'thirds' }, decoder] as const) {
      const config: GlmConfig = { ...SMALLEST, ...change };
      const batch = randomBatch(config, 5);
      const [muon, adam] = [await open(config), await open(config)];
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
