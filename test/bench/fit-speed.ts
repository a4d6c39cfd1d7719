/**
 * `npm run bench -- fit-speed [--onnx] [--shape TEXT]`: tokens a second as `cloze models` predicts them, held against
 * models of random weights that are loaded and run: five shapes, each in every precision, natively or by onnxruntime on
 * the processor. Predicted and measured in turn, so that a slow moment hits both; each ratio is of one turn.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NATIVE_PRECISIONS } from '../../engine/fit/demand.ts';
import { predictOnnxSpeed } from '../../engine/fit/onnx-speed.ts';
import { type Clock, predictSpeed } from '../../engine/fit/speed.ts';
import { anyRows } from '../../engine/fit/zero-model.ts';
import { type GlmConfig, parameterCount } from '../../engine/model/config.ts';
import { loadModelFolder, type ModelFolder } from '../../engine/model/load.ts';
import { PRECISIONS } from '../../engine/onnx/weights.ts';
import { nativeExecution, openNativeRuntime } from '../../engine/runtime/native.ts';
import { openOnnxRuntime } from '../../engine/runtime/onnx/onnx.ts';
import type { Runtime } from '../../engine/runtime/runtime.ts';
import { randomModel } from '../unit/fit/random-model.ts';
import type { Row } from './main.ts';

const CONTEXT = 1024;
const THREADS = 1;
const TOKENS = 24;
const ROUNDS = 3;

/** One thread computes: its time is the process's own, whatever else the machine does. */
const clock: Clock = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const CAUSAL = {
  causal: true,
  positions: 'rotary-1d',
  bias: 'qkv',
  normKind: 'rms-norm',
  activation: 'swiglu',
} as const;
const SHAPES: Record<string, Partial<GlmConfig>> = {
  'many small layers': { hiddenSize: 256, innerSize: 1024, heads: 4, layers: 16, vocabSize: 8000 },
  'a large vocabulary': { layers: 8, vocabSize: 50_000 },
  'wide layers': { hiddenSize: 1024, innerSize: 4096, heads: 16, layers: 6, vocabSize: 16_000 },
  'causal, gated': {
    ...CAUSAL,
    hiddenSize: 1024,
    innerSize: 2816,
    heads: 16,
    layers: 12,
    vocabSize: 32_000,
    tiedEmbedding: false,
  },
  'as ChatGLM-6B, one layer': { hiddenSize: 4096, innerSize: 16_384, heads: 32, layers: 1, vocabSize: 4000 },
};

export async function benchFitSpeed(args: string[]): Promise<Row[]> {
  const { values } = parseArgs({
    args,
    options: { onnx: { type: 'boolean' }, shape: { type: 'string', default: '' } },
  });
  const wanted = Object.entries(SHAPES).filter(([what]) => what.includes(values.shape));
  const home = mkdtempSync(join(tmpdir(), 'cloze-fit-'));
  try {
    const rows: Row[] = [];
    for (const [what, shape] of wanted) {
      const folder = await loadModelFolder(await randomModel(home, shape));
      for (const way of values.onnx ? onnxWays(folder, home) : nativeWays(folder)) {
        const found = await compare(what, folder, way);
        for (const row of found) process.stderr.write(`${row.what} ${row.median.toPrecision(3)} ${row.unit}\n`);
        rows.push(...found);
      }
      rmSync(folder.path, { recursive: true });
    }
    return rows;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

interface WayToRun {
  name: string;
  open(): Promise<Runtime>;
  predict(): Promise<number>;
}

function nativeWays(folder: ModelFolder): WayToRun[] {
  return NATIVE_PRECISIONS.map((precision) => {
    const form = nativeExecution(folder, { threads: THREADS, precision });
    return {
      name: precision,
      open: () => openNativeRuntime(folder, { threads: THREADS, precision }),
      predict: () => predictSpeed(folder.config, form, CONTEXT, clock),
    };
  });
}

function onnxWays(folder: ModelFolder, home: string): WayToRun[] {
  return PRECISIONS.filter((precision) => precision !== 'float16').map((precision) => {
    const place = { provider: 'cpu', precision, threads: THREADS } as const;
    return {
      name: `onnx-cpu ${precision}`,
      open: () => openOnnxRuntime(folder, { ...place, cacheFolder: join(home, 'graphs') }),
      predict: () => predictOnnxSpeed(folder.config, place, CONTEXT, clock),
    };
  });
}

async function compare(what: string, folder: ModelFolder, { name: way, open, predict }: WayToRun): Promise<Row[]> {
  const runtime = await open();
  const [predicted, measured]: [number[], number[]] = [[], []];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      predicted.push(await predict());
      const session = runtime.open(CONTEXT);
      const held = CONTEXT >> 1;
      await session.read(anyRows(0, held));
      const times: number[] = [];
      for (let at = held; at < held + TOKENS; at++) {
        const start = clock();
        await session.extend(anyRows(at, at + 1));
        times.push(clock() - start);
      }
      session.dispose();
      measured.push(1000 / median(times));
    }
  } finally {
    runtime.dispose();
  }
  const name = `${what} (${Math.round(parameterCount(folder.config) / 1e6)} M), ${way}`;
  const ratios = predicted.map((value, round) => value / (measured[round] as number));
  return [
    rowOf(`${name}: measured`, 'tokens/s', measured),
    rowOf(`${name}: predicted`, 'tokens/s', predicted),
    rowOf(`${name}: predicted / measured`, '', ratios),
  ];
}

function rowOf(what: string, unit: string, values: readonly number[]): Row {
  return { what, unit, median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}
