/** Sessions with weights of 8 and 4 bits: held against plain loops, and what must not matter to the bit. */
import { describe, expect, it } from 'vitest';
import { dequantize, type QuantFormat, type QuantGroup, quantize } from '../../../engine/checkpoint/quantization.ts';
import { type GlmConfig, tensorShapes } from '../../../engine/model/config.ts';
import type { ModelFolder } from '../../../engine/model/load.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { type NativeRuntimeOptions, openNativeRuntime } from '../../../engine/runtime/native.ts';
import type { Runtime } from '../../../engine/runtime/runtime.ts';
import { sliceRows } from '../../../engine/verification/cases.ts';
import { plainLogits } from '../native/plain-model.ts';
import { CAUSAL, CONFIGS, LEVELS, randomSample, randomTensors, SMALLEST } from '../native/tiny.ts';
import { folderOf } from './tiny-runtime.ts';

const SEP = 21;
const LENGTH = 34;
const PRECISIONS: [precision: 'int8' | 'int4', group: QuantGroup][] = [
  ['int8', 'row'],
  ['int8', 64],
  ['int4', 'row'],
  ['int4', 32],
];
const all = Object.entries(CONFIGS);
/** Two groups of 32 and more, so that they differ from rows. */
const WIDE: GlmConfig = { ...SMALLEST, hiddenSize: 76, heads: 1, innerSize: 70, norm: 'pre', vocabSize: 211 };

const tensorsOf = (config: GlmConfig) => randomTensors(config, createRandom(3));
const sampleOf = (config: GlmConfig) => randomSample(config, createRandom(4), LENGTH, SEP);
const open = (config: GlmConfig, options: NativeRuntimeOptions, folder = folderOf(config, tensorsOf(config))) =>
  openNativeRuntime(folder, { threads: 2, ...options });

/** Logits of Part B, fed in pieces of `piece` tokens. */
async function logitsOf(runtime: Runtime, piece = LENGTH): Promise<Float32Array> {
  const sample = sampleOf(runtime.config);
  const { vocabSize } = runtime.config;
  const session = runtime.open(LENGTH);
  await session.read(sliceRows(sample, 0, SEP));
  const logits = new Float32Array((LENGTH - SEP) * vocabSize);
  for (let row = SEP; row < LENGTH; row += piece) {
    const rows = sliceRows(sample, row, Math.min(row + piece, LENGTH));
    logits.set(await session.extend(rows, { logits: 'all' }), (row - SEP) * vocabSize);
  }
  session.dispose();
  runtime.dispose();
  return logits;
}

/** Root of the mean squared difference, by that of the values. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, size] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    difference += ((a[i] as number) - (b[i] as number)) ** 2;
    size += (a[i] as number) ** 2;
  }
  return Math.sqrt(difference / size);
}

const formatOf = (precision: 'int8' | 'int4', group: QuantGroup): QuantFormat => ({
  bits: precision === 'int8' ? 8 : 4,
  group,
});

describe.each(all)('%s', { timeout: 30_000 }, (_, config) => {
  it('the plain twin is the exact model where nothing is quantised', async () => {
    const plain = plainLogits(config, tensorsOf(config), sampleOf(config), SEP).flat();
    expect(distance(plain, await logitsOf(await open(config, { precision: 'float32' })))).toBeLessThan(1e-5);
  });

  it.each(PRECISIONS)('%s by %s is its plain twin at every level', async (precision, group) => {
    const plain = plainLogits(config, tensorsOf(config), sampleOf(config), SEP, formatOf(precision, group)).flat();
    const exact = plainLogits(config, tensorsOf(config), sampleOf(config), SEP).flat();
    const lost = distance(exact, plain);
    for (const level of LEVELS) {
      const logits = await logitsOf(await open(config, { precision, group, level }));
      // Activations that lie between two whole numbers may go either way, so not all is equal; but nearly all is.
      expect(distance(plain, logits)).toBeLessThan(Math.min(lost / 4, 0.01));
    }
    expect(lost).toBeLessThan(precision === 'int8' ? 0.1 : 0.6);
  });
});

describe('to the bit the same', { timeout: 30_000 }, () => {
  it.each(PRECISIONS)('%s by %s with 1, 2 and 3 threads, and token by token', async (precision, group) => {
    for (const level of LEVELS) {
      const once = await logitsOf(await open(WIDE, { precision, group, level, threads: 1 }));
      for (const threads of [2, 3]) {
        expect(await logitsOf(await open(WIDE, { precision, group, level, threads }))).toEqual(once);
      }
      expect(await logitsOf(await open(WIDE, { precision, group, level }), 1)).toEqual(once);
      expect(await logitsOf(await open(WIDE, { precision, group, level }), 5)).toEqual(once);
    }
  });

  it.each(PRECISIONS)('%s by %s quantised on load and before', async (precision, group) => {
    const before = quantizedFolder(WIDE, formatOf(precision, group));
    expect(await logitsOf(await open(WIDE, {}, before))).toEqual(
      await logitsOf(await open(WIDE, { precision, group })),
    );
  });

  it('a quantised folder in float32 and the floats that it stands for', async () => {
    const folder = quantizedFolder(WIDE, { bits: 4, group: 32 });
    const floats = new Map(tensorsOf(WIDE));
    for await (const { name, quantized } of folder.tensors()) if (quantized) floats.set(name, dequantize(quantized));
    const precision = 'float32';
    const [stored, given] = [
      await open(WIDE, { precision }, folder),
      await open(WIDE, { precision }, folderOf(WIDE, floats)),
    ];
    expect(await logitsOf(stored)).toEqual(await logitsOf(given));
  });

  it('many rows shared out in blocks, with 1 and 2 threads', async () => {
    const config = { ...WIDE, maxLength: 400 };
    const sample = randomSample(config, createRandom(6), 330, 300);
    const read = async (threads: number) => {
      const runtime = await open(config, { precision: 'int8', threads });
      const session = runtime.open(330);
      await session.read(sliceRows(sample, 0, 300));
      return session.extend(sliceRows(sample, 300), { logits: 'all' });
    };
    expect(await read(2)).toEqual(await read(1));
  });
});

it.each(PRECISIONS)('%s by %s: a causal model reads as it would be fed, near its float32', async (precision, group) => {
  const config = { ...CAUSAL, maxLength: 150 };
  const prompt = randomSample(config, createRandom(8), config.maxLength, 0);
  for (const level of LEVELS) {
    const runtime = await open(config, { precision, group, level });
    const [read, fed] = [runtime.open(config.maxLength), runtime.open(config.maxLength)];
    await read.read(sliceRows(prompt, 0, -1));
    const last = await read.extend(sliceRows(prompt, -1));
    const all = await fed.extend(prompt);
    expect(distance(all, last)).toBeLessThan(0.02);
    const exact = await (await open(config, { precision: 'float32', level })).open(config.maxLength).extend(prompt);
    expect(distance(exact, all)).toBeLessThan(precision === 'int8' ? 0.1 : 0.6);
  }
});

describe('misuse', () => {
  it('says which precisions and groups there are', async () => {
    await expect(open(WIDE, { precision: 'int3' as 'int4' })).rejects.toThrow(
      'has "int3" for "precision"; known are float32, bfloat16, int8, int4.',
    );
    await expect(open(WIDE, { precision: 'int4', group: 48 as 32 })).rejects.toThrow('"group" is 48.');
  });

  it('names its precision', async () => {
    expect((await open(WIDE, { precision: 'int4', level: 'portable', threads: 1 })).device).toBe(
      'native portable int4, 1 thread',
    );
  });

  it('refuses a model too wide for sums of 32 bits', async () => {
    const config = { ...SMALLEST, innerSize: 70_000 };
    const folder = folderOf(config, new Map());
    await expect(open(config, { precision: 'int8' }, folder)).rejects.toThrow(
      'has 70000 columns; int8 and int4 take 65536',
    );
  });
});

/** As `cloze quantize` writes it, in memory. */
function quantizedFolder(config: GlmConfig, format: QuantFormat): ModelFolder {
  const shapes = new Map(tensorShapes(config).map(({ name, shape }) => [name, shape]));
  const floats = folderOf(config, tensorsOf(config));
  return {
    ...floats,
    bits: format.bits,
    async *tensors() {
      for await (const tensor of floats.tensors()) {
        const [rows, columns] = shapes.get(tensor.name) as number[];
        if (columns === undefined || tensor.name.includes('position_embeddings')) {
          yield tensor;
          continue;
        }
        const own: QuantFormat = tensor.name.includes('.layers.') ? format : { bits: 8, group: 'row' };
        const values = tensorsOf(config).get(tensor.name) as Float32Array;
        yield { ...tensor, dtype: 'I8', quantized: quantize(values, rows as number, columns, own) };
      }
    },
  };
}
