/** The onnx runtime: the graph in a worker thread, on one of onnxruntime's providers. */
import { availableParallelism } from 'node:os';
import type { GlmConfig } from '../../model/config.ts';
import type { ModelFolder } from '../../model/load.ts';
import { storedGraph } from '../../onnx/stored-graph.ts';
import type { Precision } from '../../onnx/weights.ts';
import { programPath } from '../../program-path.ts';
import { checkCapacity, checkRewind, checkRoom, checkRows } from '../misuse.ts';
import type { Runtime, Session, Step, TokenRows } from '../runtime.ts';
import type { StepPart } from './messages.ts';
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
    extendTogether: (steps, signal) => extendTogether(line, config, steps, signal),
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

/** What a step of several sessions needs of each. */
interface Inner {
  /** The step's part of new rows. Throws where they cannot be taken. */
  part(rows: TokenRows, logits: 'last' | 'all'): StepPart;
  /** Marks the session as working until `done`, which says how many rows it has taken. */
  work(): { done(count: number): void };
}

const inners = new WeakMap<Session, Inner>();

async function extendTogether(
  line: WorkerLine,
  { vocabSize }: GlmConfig,
  steps: readonly Step[],
  signal: AbortSignal | undefined,
): Promise<Float32Array[]> {
  const own = steps.map(({ session }) => {
    const inner = inners.get(session);
    if (!inner) throw new Error('Only sessions of this runtime can be extended together.');
    return inner;
  });
  if (own.length === 0) return [];
  if (new Set(own).size < own.length) throw new Error('A session is extended at most once in a step.');
  const parts = steps.map(({ rows, logits = 'last' }, index) => (own[index] as Inner).part(rows, logits));
  const works = own.map((inner) => inner.work());
  let taken = false;
  try {
    const all = await orAborted(signal, () => line.ask({ kind: 'step', parts }, signal));
    const wanted = parts.map(({ logitRows }) => logitRows.length * vocabSize);
    if (all?.length !== wanted.reduce((sum, length) => sum + length, 0)) throw new Error('The worker gave no logits.');
    taken = true;
    let at = 0;
    return wanted.map((length) => {
      at += length;
      return all.subarray(at - length, at);
    });
  } finally {
    for (const [index, { done }] of works.entries()) done(taken ? (parts[index] as StepPart).rows.tokens.length : 0);
  }
}

/** Rejects as soon as the signal fires; what the worker then finishes is beyond the sessions' lengths. */
async function orAborted<R>(signal: AbortSignal | undefined, work: () => Promise<R>): Promise<R> {
  signal?.throwIfAborted();
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    if (stop) signal?.removeEventListener('abort', stop);
  }
}

function openSession(opened: Opened, session: number, start = { held: 0, fixed: 0 }): Session {
  const { config, line, capacity } = opened;
  const { causal = false } = config;
  let { held, fixed } = start;
  let running = false;
  let disposed = false;

  function checkIdle(): void {
    if (disposed) throw new Error('The session has been disposed.');
    if (running) throw new Error('The session is still working on the call before this one.');
  }

  async function read(partA: TokenRows, signal: AbortSignal | undefined): Promise<void> {
    const count = partA.tokens.length;
    const piece = causal ? READ_ROWS : count;
    for (let from = 0; from < count; from += piece) {
      const rows = rowsBetween(partA, from, from + piece);
      const logitRows = Int32Array.of(rows.tokens.length - 1);
      const part = { session, capacity, rows, held: from, sep: causal ? 0 : count, logitRows };
      await line.ask({ kind: 'step', parts: [part] }, signal);
    }
  }

  const inner: Inner = {
    part(rows, logits) {
      checkIdle();
      checkRows(config, rows);
      const count = rows.tokens.length;
      checkRoom(capacity, held, count);
      const logitRows =
        logits === 'all' ? Int32Array.from({ length: count }, (_, row) => row) : Int32Array.of(count - 1);
      return { session, capacity, rows, held, sep: 0, logitRows };
    },
    work() {
      running = true;
      return {
        done(count) {
          running = false;
          held += count;
        },
      };
    },
  };

  const outer: Session = {
    get length() {
      return disposed ? 0 : held;
    },
    async read(partA, signal) {
      checkIdle();
      checkRows(config, partA);
      if (held !== 0) throw new Error('A session reads Part A only once; this one already holds tokens.');
      const count = partA.tokens.length;
      checkRoom(capacity, held, count);
      const { done } = inner.work();
      let taken = 0;
      try {
        await orAborted(signal, () => read(partA, signal));
        taken = count;
      } finally {
        done(taken);
      }
      if (!causal) fixed = count;
    },
    async extend(rows, { logits = 'last', signal } = {}) {
      const [own] = await extendTogether(line, config, [{ session: outer, rows, logits }], signal);
      return own as Float32Array;
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
  inners.set(outer, inner);
  return outer;
}

function rowsBetween({ tokens, positions, blockPositions }: TokenRows, from: number, to: number): TokenRows {
  return {
    tokens: tokens.slice(from, to),
    positions: positions.slice(from, to),
    blockPositions: blockPositions.slice(from, to),
  };
}
