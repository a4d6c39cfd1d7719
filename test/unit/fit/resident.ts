/** The program that `demand.test.ts` runs: loads a model, reads and extends a whole context, prints what that took. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { loadModelFolder } from '../../../engine/model/load.ts';
import { loadAddon } from '../../../engine/native.ts';
import { openNativeRuntime } from '../../../engine/runtime/native.ts';

const [path, precision, context, threads] = process.argv.slice(2) as [string, 'float32', string, string];

/**
 * Bytes of memory that the process holds now, without what JavaScript no longer needs, and without pages of programs
 * and libraries, of which there are more the more of them has run: the files hold these, whatever the model.
 */
async function resident(): Promise<number> {
  // Memory of arrays is given back by another thread, some time after they were collected.
  for (let turn = 0; turn < 3; turn++) {
    (globalThis as unknown as { gc(): void }).gc();
    await pause(30);
  }
  return Number(/RssAnon:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
}

const folder = await loadModelFolder(path);
loadAddon();
const before = await resident();
const runtime = await openNativeRuntime(folder, { precision, threads: Number(threads) });
const weights = (await resident()) - before;
const session = runtime.open(Number(context));
const rows = (from: number, to: number) => ({
  tokens: new Int32Array(to - from).fill(1),
  positions: Int32Array.from({ length: to - from }, (_, row) => from + row),
  blockPositions: new Int32Array(to - from),
});
const partA = Number(context) - 1;
await session.read(rows(0, partA));
await session.extend(rows(partA, partA + 1));
process.stdout.write(JSON.stringify({ weights, all: (await resident()) - before }));
