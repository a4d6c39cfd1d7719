/**
 * The records of the original GLM code through onnxruntime's WebGPU provider, on SwiftShader where there is no GPU. The
 * runtime lets no node fall back to the processor and fails when the cache leaves the device.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Runtime } from '../../engine/runtime/runtime.ts';
import { goldenCases, goldenFolder } from '../unit/native/golden.ts';
import { openOnnx } from '../unit/onnx/host.ts';
import { expectCase, expectSteps, SOURCES } from '../unit/onnx/records.ts';

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
