/**
 * `npm run bench -- onnx --peer`: milliseconds per token of one model on onnxruntime's processor provider, through our
 * graph (past keys and values as inputs, only new rows as outputs) and through transformers.js (all of them in and out).
 * Same weights in float32, same threads, same prompt, greedy; run in turn. Tokens are compared as well.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadModelFolder, type ModelFolder } from '../../../engine/model/load.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { openOnnxRuntime } from '../../../engine/runtime/onnx/onnx.ts';
import type { Runtime } from '../../../engine/runtime/runtime.ts';
import { randomModel } from '../../unit/fit/random-model.ts';
import type { Row } from '../main.ts';
import { openPeer, VERSION } from './transformers-js.ts';

const SHAPE = {
  causal: true,
  positions: 'rotary-1d',
  bias: 'none',
  normKind: 'rms-norm',
  activation: 'swiglu',
  tiedEmbedding: false,
  vocabSize: 16_000,
  hiddenSize: 512,
  innerSize: 1408,
  layers: 8,
  heads: 8,
  maxLength: 2048,
} as const;
const THREADS = 2;
const TOKENS = 32;
const ROUNDS = 5;
const PROMPTS = [64, 512, 1024];

export async function benchOnnx(args: string[]): Promise<Row[]> {
  const { values } = parseArgs({ args, options: { peer: { type: 'boolean' } } });
  const home = mkdtempSync(join(tmpdir(), 'cloze-peer-'));
  try {
    const model = await loadModelFolder(await randomModel(home, SHAPE));
    const ours = await openOnnxRuntime(model, { provider: 'cpu', threads: THREADS, cacheFolder: join(home, 'graphs') });
    const peer = values.peer ? await openPeer(model, home, THREADS) : undefined;
    try {
      const rows: Row[] = [];
      for (const length of PROMPTS) rows.push(...(await compare(model, ours, peer, length)));
      return rows;
    } finally {
      ours.dispose();
      await peer?.dispose();
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

type Generate = (prompt: readonly number[], count: number, onToken: () => void) => Promise<number[]>;

async function compare(
  { config }: ModelFolder,
  ours: Runtime,
  peer: { generate: Generate } | undefined,
  length: number,
): Promise<Row[]> {
  const random = createRandom(length);
  const prompt = Array.from({ length }, () => random.below(config.vocabSize));
  const all: [string, Generate][] = [
    ['our graph', (...call) => generate(ours, ...call)],
    ...(peer ? [[`transformers.js ${VERSION}`, peer.generate] as [string, Generate]] : []),
  ];
  const times = all.map(() => ({ first: [] as number[], next: [] as number[] }));
  const written: number[][] = [];
  for (let round = -1; round < ROUNDS; round++) {
    for (const [index, [, run]] of all.entries()) {
      const start = performance.now();
      const at: number[] = [];
      written[index] = await run(prompt, TOKENS, () => at.push(performance.now()));
      // The first round warms up.
      if (round < 0) continue;
      const first = at[0] as number;
      times[index]?.first.push(first - start);
      times[index]?.next.push(((at.at(-1) as number) - first) / (at.length - 1));
    }
  }
  const rows = all.flatMap(([name], index) => [
    rowOf(`${name}, ${length} tokens before: next token`, 'ms', times[index]?.next ?? []),
    rowOf(`${name}, ${length} tokens before: read, and the first`, 'ms', times[index]?.first ?? []),
  ]);
  const [own = [], other] = written;
  if (!other) return rows;
  const same = own.findIndex((token, index) => token !== other[index]);
  return [...rows, rowOf(`${length} tokens before: same tokens`, `of ${TOKENS}`, [same === -1 ? TOKENS : same])];
}

async function generate(runtime: Runtime, prompt: readonly number[], count: number, onToken: () => void) {
  const session = runtime.open(prompt.length + count);
  const rows = (tokens: readonly number[], from: number) => ({
    tokens: Int32Array.from(tokens),
    positions: Int32Array.from(tokens, (_, index) => from + index),
    blockPositions: new Int32Array(tokens.length),
  });
  const written: number[] = [];
  await session.read(rows(prompt.slice(0, -1), 0));
  let next = prompt.at(-1) as number;
  for (let at = prompt.length - 1; written.length < count; at++) {
    const logits = await session.extend(rows([next], at));
    next = logits.reduce((best, value, token) => (value > (logits[best] as number) ? token : best), 0);
    written.push(next);
    onToken();
  }
  session.dispose();
  return written;
}

function rowOf(what: string, unit: string, values: readonly number[]): Row {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  return { what, unit, median: at(sorted.length >> 1), least: at(0), most: at(sorted.length - 1) };
}
