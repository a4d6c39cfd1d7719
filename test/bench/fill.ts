/** Milliseconds of reading Part A and of one token of Part B, with the embedded model, natively and by onnxruntime. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadModelFolder } from '../../engine/model/load.ts';
import { createRandom } from '../../engine/objective/random.ts';
import { openNativeRuntime } from '../../engine/runtime/native.ts';
import { openOnnxRuntime } from '../../engine/runtime/onnx/onnx.ts';
import type { Runtime } from '../../engine/runtime/runtime.ts';
import type { Row } from './main.ts';
import { type Alternative, interleaved } from './spread.ts';

const PART_A = 768;
const PART_B = 32;
const PRECISIONS = ['float32', 'int8', 'int4'] as const;

export async function benchFill(): Promise<Row[]> {
  const folder = await loadModelFolder(join(process.cwd(), 'engine/embedded-model'));
  const random = createRandom(3);
  const partA = rows(PART_A, (i) => [random.below(16000), i, 0]);
  const alternatives: Alternative[] = [];
  const cacheFolder = mkdtempSync(join(tmpdir(), 'cloze-graphs-'));
  const runtimes: Runtime[] = [];
  for (const threads of [1, 2]) {
    for (const precision of PRECISIONS) runtimes.push(await openNativeRuntime(folder, { threads, precision }));
    for (const precision of ['float32', 'int8'] as const)
      runtimes.push(await openOnnxRuntime(folder, { provider: 'cpu', threads, precision, cacheFolder }));
  }
  for (const runtime of runtimes) {
    alternatives.push({
      what: `reading ${PART_A} tokens, ${runtime.device}`,
      unit: 'ms',
      async measure() {
        const session = runtime.open(PART_A);
        const start = performance.now();
        await session.read(partA);
        const time = performance.now() - start;
        session.dispose();
        return time;
      },
    });
    alternatives.push({
      what: `one token after ${PART_A}, ${runtime.device}`,
      unit: 'ms',
      async measure() {
        const session = runtime.open(PART_A + PART_B);
        await session.read(partA);
        const start = performance.now();
        for (let i = 1; i <= PART_B; i++) await session.extend(rows(1, () => [random.below(16000), 400, i]));
        const time = (performance.now() - start) / PART_B;
        session.dispose();
        return time;
      },
    });
  }
  try {
    return await interleaved(alternatives, 7);
  } finally {
    for (const runtime of runtimes) runtime.dispose();
    rmSync(cacheFolder, { recursive: true, force: true });
  }
}

function rows(count: number, row: (index: number) => [token: number, position: number, block: number]) {
  const all = Array.from({ length: count }, (_, index) => row(index));
  return {
    tokens: Int32Array.from(all, ([token]) => token),
    positions: Int32Array.from(all, ([, position]) => position),
    blockPositions: Int32Array.from(all, ([, , block]) => block),
  };
}
