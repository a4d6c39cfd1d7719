/** The program that `training-demand.test.ts` runs: trains for two steps, prints the most memory that took. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { attachAdapters } from '../../../engine/model/adapters.ts';
import { type GlmConfig, tensorShapes } from '../../../engine/model/config.ts';
import { loadAddon } from '../../../engine/native.ts';
import { createRandom } from '../../../engine/objective/random.ts';

export interface TrainingCase {
  config: GlmConfig;
  precision: 'float32' | 'bfloat16';
  threads: number;
  rows: number;
  longest: number;
  adapterRank?: number;
  muon: boolean;
}

/** Bytes of memory that the process holds now, without what JavaScript no longer needs and without pages of programs. */
async function resident(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    (globalThis as unknown as { gc(): void }).gc();
    await pause(30);
  }
  return Number(/RssAnon:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
}

const own: TrainingCase = JSON.parse(process.argv[2] as string);
const { config, precision, threads, rows, longest, adapterRank, muon } = own;
const { Trainer } = loadAddon();
const before = await resident();
const trainer = new Trainer(config, { level: '', threads, precision });
for (const { name, shape } of tensorShapes(config)) {
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(0.01);
  trainer.set(name, values, 'parameter');
}
if (adapterRank !== undefined) attachAdapters(trainer, config, { rank: adapterRank, scale: 1 }, createRandom(1));
await trainer.pack();
const lengths: number[] = [];
for (let left = rows; left > 0; left -= longest) lengths.push(Math.min(left, longest));
const batch = {
  tokens: new Int32Array(rows).fill(1),
  positions: Int32Array.from(lengths.flatMap((length) => Array.from({ length }, (_, row) => row))),
  blockPositions: new Int32Array(rows),
  targets: new Int32Array(rows).fill(2),
  lossMask: new Uint8Array(rows).fill(1),
  lengths: Int32Array.from(lengths),
  separators: Int32Array.from(lengths, (length) => length >> 1),
};
const optimizer = { clip: 1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, decayAll: false };
let most = 0;
for (let step = 0; step < 2; step++) {
  trainer.zeroGradients();
  await trainer.forwardBackward(batch, 1 / rows, 1, 1);
  await trainer.update({ ...optimizer, ...(muon ? { muon: 0.95 } : {}), learningRate: 1e-3 });
  most = Math.max(most, await resident());
}
const largest = tensorShapes(config).toSorted((a, b) => size(b.shape) - size(a.shape))[0] as { name: string };
const copy = trainer.get(largest.name, 'parameter');
most = Math.max(most, await resident());
process.stdout.write(JSON.stringify({ bytes: most - before, copied: copy.length }));

function size(shape: readonly number[]): number {
  return shape.reduce((product, one) => product * one, 1);
}
