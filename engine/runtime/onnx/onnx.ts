/** The onnx runtime: the graph in a worker thread, on one of onnxruntime's providers. */
import { availableParallelism } from 'node:os';
import type { GlmConfig } from '../../model/config.ts';
import type { ModelFolder } from '../../model/load.ts';
import { storedGraph } from '../../onnx/stored-graph.ts';
import type { Precision } from '../../onnx/weights.ts';
import { programPath } from '../../program-path.ts';
import { checkCapacity, checkRewind, checkRoom, checkRows } from '../misuse.ts';
import { extendOneByOne } from '../one-by-one.ts';
import type { Runtime, Session, TokenRows } from '../runtime.ts';
import { cacheKind, type Provider } from './providers.ts';
import { openWorkerLine, type WorkerLine } from './worker-line.ts';

export interface OnnxRuntimeOptions {
  provider: Provider;
  /** Folder that keeps converted models between runs. */
  cacheFolder: string;
  precision?: Precision;
  /** 0: one thread fewer than the machine has processors, so that the editor keeps one. */
  threads?: number;
  /** Path of the bundled `host.ts`; by default the one beside the running bundle. */
  host?: string;
  /** Called with the share of the conversion that is done, 0 to 1. */
  progress?: ((share: number) => void) | undefined;
}

/** Rows that a causal model reads at once: memory does not grow with the prompt, and a stop is soon obeyed. */
const READ_ROWS = 256;

export async function openOnnxRuntime(folder: ModelFolder, options: OnnxRuntimeOptions): Promise<Runtime> {
  const {
    provider,
    precision = 'float32',
    threads: wanted = 0,
    host = programPath('onnx-host.mjs'),
    cacheFolder,
    progress,
  } = options;
  const form = { precision, cache: cacheKind(provider) };
  const graph = await storedGraph(folder, form, { cacheFolder, progress });
  const threads = wanted > 0 ? wanted : Math.max(1, availableParallelism() - 1);
  const { config } = folder;
  const line = await openWorkerLine(host, { graph, config, form, provider, threads });
  let sessions = 0;
  let disposed = false;
  return {
    config,
    device: `onnx ${provider} ${precision}${provider === 'cpu' ? `, ${threads} ${threads === 1 ? 'thread' : 'threads'}` : ''}`,
    open(capacity) {
      if (disposed) throw new Error('The model has been disposed.');
      checkCapacity(config, capacity);
      return openSession({ config, line, capacity, next: () => sessions++ }, sessions++);
    },
    extendTogether: extendOneByOne,
    dispose() {
      if (!disposed) line.end();
      disposed = true;
    },
  };
}

interface Opened {
  config: GlmConfig;
  line: WorkerLine;
  capacity: number;
  /** A number for another session. */
  next(): number;
}

function openSession(opened: Opened, session: number, start = { held: 0, fixed: 0 }): Session {
  const { config, line, capacity } = opened;
  const { vocabSize, causal = false } = config;
  let { held, fixed } = start;
  let running = false;
  let disposed = false;

  function checkIdle(): void {
    if (disposed) throw new Error('The session has been disposed.');
    if (running) throw new Error('The session is still working on the call before this one.');
  }

  /** Rejects as soon as the signal fires; what the worker then finishes is beyond the session's length. */
  async function call<R>(signal: AbortSignal | undefined, work: () => Promise<R>): Promise<R> {
    signal?.throwIfAborted();
    running = true;
    let stop: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      stop = () => reject(signal?.reason);
      signal?.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([work(), aborted]);
    } finally {
      running = false;
      if (stop) signal?.removeEventListener('abort', stop);
    }
  }

  function step(rows: TokenRows, at: number, sep: number, logitRows: Int32Array, signal: AbortSignal | undefined) {
    return line.ask({ kind: 'step', session, capacity, rows, held: at, sep, logitRows }, signal);
  }

  const lastRow = (count: number) => Int32Array.of(count - 1);

  return {
    get length() {
      return disposed ? 0 : held;
    },
    async read(partA, signal) {
      checkIdle();
      checkRows(config, partA);
      if (held !== 0) throw new Error('A session reads Part A only once; this one already holds tokens.');
      const count = partA.tokens.length;
      checkRoom(capacity, held, count);
      await call(signal, async () => {
        if (!causal) return step(partA, 0, count, lastRow(count), signal);
        for (let from = 0; from < count; from += READ_ROWS) {
          const piece = rowsBetween(partA, from, from + READ_ROWS);
          await step(piece, from, 0, lastRow(piece.tokens.length), signal);
        }
        return undefined;
      });
      held = count;
      if (!causal) fixed = count;
    },
    async extend(rows, { logits = 'last', signal } = {}) {
      checkIdle();
      checkRows(config, rows);
      const count = rows.tokens.length;
      checkRoom(capacity, held, count);
      const wanted = logits === 'all' ? Int32Array.from({ length: count }, (_, row) => row) : lastRow(count);
      const found = await call(signal, () => step(rows, held, 0, wanted, signal));
      held += count;
      if (found?.length !== wanted.length * vocabSize) throw new Error('The worker gave no logits.');
      return found;
    },
    rewind(length) {
      checkIdle();
      checkRewind(length, held, fixed);
      held = length;
    },
    fork() {
      checkIdle();
      const copy = opened.next();
      void line.ask({ kind: 'fork', session, copy }).catch(() => undefined);
      return openSession(opened, copy, { held, fixed });
    },
    dispose() {
      if (!disposed) void line.ask({ kind: 'close', session }).catch(() => undefined);
      disposed = true;
    },
  };
}

function rowsBetween({ tokens, positions, blockPositions }: TokenRows, from: number, to: number): TokenRows {
  return {
    tokens: tokens.slice(from, to),
    positions: positions.slice(from, to),
    blockPositions: blockPositions.slice(from, to),
  };
}
