/**
 * The records of the original GLM code through onnxruntime's WebGPU provider, on SwiftShader where there is no GPU. The
 * runtime lets no node fall back to the processor and fails when the cache leaves the device.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModelFolder } from '../../engine/model/load.ts';
import { createRandom } from '../../engine/objective/random.ts';
import type { Runtime } from '../../engine/runtime/runtime.ts';
import { goldenCases, goldenFolder } from '../unit/native/golden.ts';
import { randomTensors, SMALLEST } from '../unit/native/tiny.ts';
import { openOnnx } from '../unit/onnx/host.ts';
import { nativeLogits, noiseOf, rounded, shippedLogits } from '../unit/onnx/noise.ts';
import { expectTogether } from '../unit/onnx/together.ts';
import { expectCase, expectChoices, expectSteps, expectTwoBlanks, SOURCES } from '../unit/runtime/recorded-cases.ts';
import { folderOf, openTiny } from '../unit/runtime/tiny-runtime.ts';

/** Disposed at the end only: as long as one is there, all use the same compiled shaders. */
const opened: Runtime[] = [];
afterAll(() => {
  for (const runtime of opened) runtime.dispose();
});

describe.each(SOURCES)('$title', ({ folder, file, change }) => {
  let runtime: Runtime;
  beforeAll(async () => {
    const model = await goldenFolder(folder);
    runtime = await openOnnx({ ...model, config: { ...model.config, ...change } }, { provider: 'webgpu' });
    opened.push(runtime);
  });

  it('runs on WebGPU', () => expect(runtime.device).toBe('onnx webgpu float32'));
  it.each(goldenCases(file))('$name', async (record) => {
    await expectCase(runtime, record);
    if (record.steps.length > 0) await expectSteps(runtime, record);
  });
});

it('fills two blanks by reading the text again for each', async () => {
  await expectTwoBlanks(await openOnnx(await goldenFolder('glm-130b'), { provider: 'webgpu' }));
});

it('scores choices side by side, in forks that share what was read', async () => {
  await expectChoices(await openOnnx(await goldenFolder('glm-2021'), { provider: 'webgpu' }));
});

it.each([
  ['blank infilling', SMALLEST],
  [
    'causal, heads that share keys',
    { ...SMALLEST, causal: true, hiddenSize: 32, heads: 4, keyValueHeads: 2, qkvLayout: 'thirds' as const },
  ],
])('candidates share a cache on the device, and leave it where it is full: %s', async (_, config) => {
  const folder = folderOf(config, randomTensors(config, createRandom(3)));
  const runtime = await openOnnx(folder, { provider: 'webgpu' });
  opened.push(runtime);
  const native = await openTiny(config);
  await expectTogether(runtime, native);
  native.dispose();
});

/** float16 is missing: SwiftShader has none. */
it.each(['float32', 'int8', 'int4'] as const)(
  'the shipped model in %s, as natively with these weights',
  async (precision) => {
    const folder = await loadModelFolder('engine/embedded-model');
    const wanted = await nativeLogits(precision === 'float32' ? folder : rounded(folder, precision));
    const found = await shippedLogits(await openOnnx(folder, { provider: 'webgpu', precision }));
    expect(noiseOf(found, wanted)).toBeLessThan(1e-3);
  },
);
