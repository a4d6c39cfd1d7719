/** The shipped model by onnxruntime in each precision, beside the native runtime in float32. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type EngineOptions, loadEngine } from '../../../engine/index.ts';
import type { Fill } from '../../../engine/infill/fill.ts';
import { loadModelFolder, type ModelFolder } from '../../../engine/model/load.ts';
import { quantize } from '../../../engine/onnx/blocks.ts';
import { blanks } from '../../fixtures/blanks/blanks.ts';
import { cacheFolder, host, openOnnx } from './host.ts';
import { dequantized, nativeLogits, noiseOf, rounded, shippedLogits } from './noise.ts';

const MODEL = join(process.cwd(), 'engine/embedded-model');
const OPTIONS = {
  maxTokens: 24,
  temperature: 0,
  topP: 1,
  seed: 0,
  singleLine: false,
  timeLimit: 0,
  documentCache: false,
};

async function fillsOf(options: Partial<EngineOptions>): Promise<Fill[]> {
  const engine = await loadEngine({ modelFolder: MODEL, threads: 1, precision: 'float32', ...options });
  const fills: Fill[] = [];
  for (const blank of blanks) fills.push(await engine.fill(blank, OPTIONS));
  await engine.dispose();
  return fills;
}

it('float32 gives the same greedy tokens as the native runtime in ten blanks', { timeout: 120_000 }, async () => {
  const found = await fillsOf({ runtime: 'onnx-cpu', onnx: { cacheFolder, host } });
  const wanted = await fillsOf({});
  expect(found.map(({ device }) => device)).toEqual(blanks.map(() => 'onnx cpu float32, 1 thread'));
  const idsOf = (fills: Fill[]) => fills.map(({ tokens }) => tokens.map(({ id }) => id));
  expect(idsOf(found)).toEqual(idsOf(wanted));
  expect(idsOf(found).flat().length).toBeGreaterThan(50);
});

describe('logits after a line of text', { timeout: 120_000 }, () => {
  let folder: ModelFolder;
  let exact: Float32Array;
  beforeAll(async () => {
    folder = await loadModelFolder(MODEL);
    exact = await nativeLogits(folder);
  });

  it.each([
    ['float32', 1e-4],
    ['float16', 5e-3],
  ] as const)('in %s are those of the native runtime but for %f', async (precision, limit) => {
    expect(noiseOf(await shippedLogits(await openOnnx(folder, { precision })), exact)).toBeLessThan(limit);
  });

  it.each(['int8', 'int4'] as const)('in %s stay within the noise of rounding the weights', async (precision) => {
    const wanted = await nativeLogits(rounded(folder, precision));
    const found = await shippedLogits(await openOnnx(folder, { precision }));
    // The processor rounds what it multiplies the weights with as well.
    expect(noiseOf(found, wanted)).toBeLessThan(noiseOf(wanted, exact));
    expect(noiseOf(found, exact)).toBeLessThan(2 * noiseOf(wanted, exact));
  });
});

describe('a quantized block', () => {
  const values = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i * 1.7) * (i < 32 ? 3 : 0.01));
  it.each([4, 8] as const)('of %i bits is off by half a step at most, a whole one at the far end', (bits) => {
    const found = dequantized(values, bits);
    const { numbers, scales } = quantize(values, bits);
    expect([numbers.length, scales.length]).toEqual([(64 * bits) / 8, 2]);
    for (const [i, value] of values.entries()) {
      const step = Math.abs(scales[i >> 5] as number);
      const farEnd = Math.abs(value) > (2 ** (bits - 1) - 1) * step;
      expect(Math.abs((found[i] as number) - value)).toBeLessThanOrEqual(step * (farEnd ? 1 : 0.5) + 1e-6);
    }
  });

  it('of zeros stays zeros', () => {
    const { numbers, scales } = quantize(new Float32Array(32), 8);
    expect([...scales]).toEqual([-0]);
    expect(numbers.every((number) => number === 128)).toBe(true);
  });
});
