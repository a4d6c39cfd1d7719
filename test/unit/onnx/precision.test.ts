/** The shipped model by onnxruntime in each precision, beside the native runtime in float32. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type EngineOptions, loadEngine } from '../../../engine/index.ts';
import type { Fill } from '../../../engine/infill/fill.ts';
import { loadModelFolder } from '../../../engine/model/load.ts';
import { quantize } from '../../../engine/onnx/blocks.ts';
import type { Precision } from '../../../engine/onnx/weights.ts';
import { openNativeRuntime } from '../../../engine/runtime/native.ts';
import type { Runtime } from '../../../engine/runtime/runtime.ts';
import { blanks } from '../../fixtures/blanks/blanks.ts';
import { cacheFolder, host, openOnnx } from './host.ts';

const MODEL = join(process.cwd(), 'engine/embedded-model');
const OPTIONS = { maxTokens: 24, temperature: 0, topP: 1, seed: 0, singleLine: false, timeLimit: 0 };

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
  const ids = (of: (row: number) => number) => Int32Array.from({ length: 60 }, (_, row) => of(row));
  const partA = { tokens: ids((row) => 300 + 7 * row), positions: ids((row) => row), blockPositions: ids(() => 0) };
  const sop = { tokens: Int32Array.of(4), positions: Int32Array.of(30), blockPositions: Int32Array.of(1) };
  let wanted: Float32Array;
  const logitsOf = async (runtime: Runtime) => {
    const session = runtime.open(80);
    await session.read(partA);
    const logits = await session.extend(sop);
    session.dispose();
    runtime.dispose();
    return logits;
  };
  beforeAll(async () => {
    wanted = await logitsOf(
      await openNativeRuntime(await loadModelFolder(MODEL), { precision: 'float32', threads: 1 }),
    );
  });

  /** Root mean square of the differences, as a share of the logits' own spread; measured 1e-6, 1e-3, 0.01, 0.13. */
  it.each<[Precision, number]>([
    ['float32', 1e-4],
    ['float16', 5e-3],
    ['int8', 0.04],
    ['int4', 0.3],
  ])('in %s lie within %f of their spread', async (precision, limit) => {
    const found = await logitsOf(await openOnnx(await loadModelFolder(MODEL), { precision }));
    const mean = wanted.reduce((sum, logit) => sum + logit, 0) / wanted.length;
    const spread = wanted.reduce((sum, logit) => sum + (logit - mean) ** 2, 0);
    const error = wanted.reduce((sum, logit, token) => sum + (logit - (found[token] as number)) ** 2, 0);
    expect(Math.sqrt(error / spread)).toBeLessThan(limit);
    if (precision !== 'float32') expect(error).toBeGreaterThan(0);
  });
});

describe('a quantized block', () => {
  const values = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i * 1.7) * (i < 32 ? 3 : 0.01));
  it.each([4, 8] as const)(
    'of %i bits is off by half a step at most, but for the side without its own lowest number',
    (bits) => {
      const { numbers, scales } = quantize(values, bits);
      for (const [i, value] of values.entries()) {
        const number = bits === 8 ? (numbers[i] as number) : ((numbers[i >> 1] as number) >> (4 * (i & 1))) & 15;
        const scale = scales[i >> 5] as number;
        const error = Math.abs((number - 2 ** (bits - 1)) * scale - value);
        const clipped = number === 2 ** bits - 1;
        expect(error).toBeLessThanOrEqual(Math.abs(scale) * (clipped ? 1 : 0.5) + 1e-6);
      }
    },
  );

  it('of zeros stays zeros', () => {
    const { numbers, scales } = quantize(new Float32Array(32), 8);
    expect([...scales]).toEqual([-0]);
    expect(numbers.every((number) => number === 128)).toBe(true);
  });
});
