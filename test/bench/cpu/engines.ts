/** Cloze and llama.cpp behind one face: read a prompt of token ids, then write tokens greedily. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ModelExecution } from '../../../engine/native.ts';
import { openNativeRuntime } from '../../../engine/runtime/native.ts';
import { installOnce } from '../../editor/cache.ts';
import { npm } from '../../editor/npm.ts';
import { type GgufType, writeGguf } from './gguf.ts';
import { randomFolder, type Shape } from './shapes.ts';

const PEER = '3.22.1';
const BATCH = 512;

export interface Engine {
  name: string;
  /** Milliseconds of reading `prompt` from nothing, and of each of `count` tokens that are written after it. */
  run(prompt: readonly number[], count: number, clock: Clock): Promise<{ read: number; token: number }>;
  dispose(): Promise<void>;
}

export async function openCloze(
  shape: Shape,
  precision: ModelExecution['precision'],
  threads: number,
): Promise<Engine> {
  const runtime = await openNativeRuntime(randomFolder(shape), { precision, threads });
  const rows = (tokens: readonly number[], from: number) => ({
    tokens: Int32Array.from(tokens),
    positions: Int32Array.from(tokens, (_, index) => from + index),
    blockPositions: new Int32Array(tokens.length),
  });
  return {
    name: runtime.device.replace('native', 'Cloze'),
    async run(prompt, count, clock) {
      const session = runtime.open(prompt.length + count);
      const read = await timed(clock, () => session.read(rows(prompt, 0)));
      let next = prompt[0] as number;
      const written = await timed(clock, async () => {
        for (let i = 0; i < count; i++) {
          const logits = await session.extend(rows([next], prompt.length + i));
          next = largest(logits);
        }
      });
      session.dispose();
      return { read, token: written / count };
    },
    async dispose() {
      runtime.dispose();
    },
  };
}

/**
 * What milliseconds are counted: `wall`, or `cpu`, the processor time of this process. With one thread that is the time
 * that the work would take on a machine of its own.
 */
export type Clock = 'wall' | 'cpu';

async function timed(clock: Clock, work: () => Promise<void>): Promise<number> {
  const now = () => (clock === 'wall' ? performance.now() : processorTime());
  const start = now();
  await work();
  return now() - start;
}

function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function largest(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if ((logits[i] as number) > (logits[best] as number)) best = i;
  return best;
}

/** What is used of node-llama-cpp, which is installed when it is asked for and never a dependency. */
interface LlamaSequence {
  evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>;
  evaluate(tokens: readonly number[], options: object): AsyncGenerator<number, void>;
  clearHistory(): Promise<void>;
}

interface LlamaModule {
  getLlama(options: object): Promise<{
    loadModel(options: object): Promise<{
      createContext(options: object): Promise<{ getSequence(): LlamaSequence }>;
      dispose(): Promise<void>;
    }>;
    dispose(): Promise<void>;
  }>;
}

/** Downloads the peer into the cache at its first use. */
export async function installPeer(): Promise<string> {
  const platform = `${process.platform === 'darwin' ? 'mac' : process.platform}-${process.arch}`;
  return installOnce(`node-llama-cpp-${PEER}-${platform}`, async (aside) => {
    process.stderr.write(`installing node-llama-cpp ${PEER} into the cache (once; about 90 MB)\n`);
    const packages = [`node-llama-cpp@${PEER}`, `@node-llama-cpp/${platform}@${PEER}`];
    const options = ['--ignore-scripts', '--omit=optional', '--engine-strict=false'];
    await npm(aside, 'install', `--prefix=${aside}`, ...options, ...packages);
  });
}

/** Its best settings: flash attention, weights in memory in its own order, as many tokens at a time as are read best. */
export async function openLlama(
  shape: Shape,
  type: GgufType,
  threads: number,
  { installed, work }: { installed: string; work: string },
): Promise<Engine> {
  const entry = pathToFileURL(join(installed, 'node_modules/node-llama-cpp/dist/index.js')).href;
  const { getLlama } = (await import(entry)) as LlamaModule;
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: 'error',
    maxThreads: threads,
  });
  const path = join(work, `${shape.name}-${type}.gguf`);
  writeGguf(path, shape.config, type);
  const model = await llama.loadModel({ modelPath: path, gpuLayers: 0, useMmap: false });
  rmSync(path);
  const contextSize = shape.config.maxLength;
  const context = await model.createContext({ contextSize, threads, batchSize: BATCH, flashAttention: true });
  const sequence = context.getSequence();
  return {
    name: `llama.cpp ${type}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    async run(prompt, count, clock) {
      await sequence.clearHistory();
      const read = await timed(clock, () => sequence.evaluateWithoutGeneratingNewTokens(prompt));
      let left = count;
      const written = await timed(clock, async () => {
        if (left === 0) return;
        for await (const _ of sequence.evaluate([prompt[0] as number], { temperature: 0, yieldEogToken: true }))
          if (--left === 0) break;
      });
      return { read, token: written / count };
    },
    async dispose() {
      await model.dispose();
      await llama.dispose();
    },
  };
}
