/** Milliseconds of reading Part A and of one token of Part B, with the embedded model in each precision. */
import { join } from 'node:path';
import { loadModelFolder } from '../../engine/model/load.ts';
import { createRandom } from '../../engine/objective/random.ts';
import { openNativeRuntime } from '../../engine/runtime/native.ts';
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
  const choices = [1, 2].flatMap((threads) => PRECISIONS.map((precision) => ({ threads, precision })));
  for (const choice of choices) {
    const runtime = await openNativeRuntime(folder, choice);
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
  return interleaved(alternatives, 7);
}

function rows(count: number, row: (index: number) => [token: number, position: number, block: number]) {
  const all = Array.from({ length: count }, (_, index) => row(index));
  return {
    tokens: Int32Array.from(all, ([token]) => token),
    positions: Int32Array.from(all, ([, position]) => position),
    blockPositions: Int32Array.from(all, ([, , block]) => block),
  };
}
