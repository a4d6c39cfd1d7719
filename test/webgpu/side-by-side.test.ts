/** Several models on one device: their threads share onnxruntime's one context for it, which two at a time corrupt. */
import { expect, it } from 'vitest';
import type { GlmConfig } from '../../engine/model/config.ts';
import { createRandom } from '../../engine/objective/random.ts';
import { randomTensors, SMALLEST } from '../unit/native/tiny.ts';
import { openOnnx } from '../unit/onnx/host.ts';
import { folderOf } from '../unit/runtime/tiny-runtime.ts';

const MODELS = 5;
const ROWS = { tokens: Int32Array.of(1, 2), positions: Int32Array.of(0, 1), blockPositions: Int32Array.of(0, 0) };

it('are loaded, asked and freed at once', async () => {
  const config: GlmConfig = { ...SMALLEST, maxLength: 64 };
  const folder = folderOf(config, randomTensors(config, createRandom(1)));
  const open = () => openOnnx(folder, { provider: 'webgpu' });
  const first = await open();
  const wanted = await first.open(8).extend(ROWS);
  for (let turn = 0; turn < 2; turn++) {
    const runtimes = await Promise.all(Array.from({ length: MODELS }, open));
    const answers = await Promise.all(runtimes.map((runtime) => runtime.open(8).extend(ROWS)));
    for (const answer of answers) expect(answer).toEqual(wanted);
    for (const runtime of runtimes) runtime.dispose();
    // Comes to its turn when all others have ended.
    expect(await first.open(8).extend(ROWS)).toEqual(wanted);
  }
  first.dispose();
});
