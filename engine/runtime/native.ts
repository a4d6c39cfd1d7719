/** The CPU runtime: weights in the addon, one thread pool, calls on its own threads. */
import { availableParallelism } from 'node:os';
import { floatsOf } from '../checkpoint/safetensors.ts';
import type { ModelFolder } from '../model/load.ts';
import { type ExecutionOptions, loadAddon, type NativeSession } from '../native.ts';
import type { Runtime, Session } from './runtime.ts';

export interface NativeRuntimeOptions {
  /** 0: one thread fewer than the machine has processors, so that the editor keeps one. */
  threads?: number;
  /** `amx`, `avx512`, `avx2` or `portable`; empty for the best. */
  level?: string;
  /**
   * `bfloat16` where there are AMX tiles to compute it, else `float32`: without them it is no faster, and exact sums give
   * the same text on every processor.
   */
  precision?: ExecutionOptions['precision'];
}

/** Loads all tensors of a model folder, one at a time, and packs them for the processor's kernels. */
export async function openNativeRuntime(folder: ModelFolder, options: NativeRuntimeOptions = {}): Promise<Runtime> {
  const { threads: wanted = 0, level = '' } = options;
  const { precision = (level || loadAddon().detectedLevel) === 'amx' ? 'bfloat16' : 'float32' } = options;
  const threads = wanted > 0 ? wanted : Math.max(1, availableParallelism() - 1);
  const model = new (loadAddon().Model)(folder.config, { level, threads, precision });
  for await (const { name, dtype, data } of folder.tensors()) model.setTensor(name, floatsOf(data, dtype));
  model.ready();
  return {
    config: folder.config,
    device: `native ${model.level} ${precision === 'bfloat16' ? 'bf16' : 'fp32'}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    open: (capacity) => wrap(model.open(capacity)),
    dispose: () => model.dispose(),
  };
}

function wrap(native: NativeSession): Session {
  return {
    get length() {
      return native.length;
    },
    read: (partA, signal) => cancellable(native, signal, () => native.read(partA)),
    extend: (rows, { logits = 'last', signal } = {}) =>
      cancellable(native, signal, () => native.extend(rows, logits === 'all')),
    rewind: (length) => native.rewind(length),
    fork: () => wrap(native.fork()),
    dispose: () => native.dispose(),
  };
}

async function cancellable<R>(
  native: NativeSession,
  signal: AbortSignal | undefined,
  start: () => Promise<R>,
): Promise<R> {
  signal?.throwIfAborted();
  const stop = () => native.cancel();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    return await start();
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
