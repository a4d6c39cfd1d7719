/** The CPU runtime: weights in the addon, one thread pool, calls on its own threads. */
import { availableParallelism } from 'node:os';
import { dequantize, type QuantGroup } from '../checkpoint/quantization.ts';
import { type LoadedTensor, type ModelFolder, valuesOf } from '../model/load.ts';
import { loadAddon, type ModelExecution, type NativeModel, type NativeSession, type StoredFloats } from '../native.ts';
import type { Runtime, Session, Step } from './runtime.ts';

export interface NativeRuntimeOptions {
  /** 0: one thread fewer than the machine has processors, so that the editor keeps one. */
  threads?: number;
  /** `amx`, `avx512`, `avx2`, `neon` or `portable`; empty for the best. */
  level?: string;
  /**
   * What a quantised folder holds; else `bfloat16` where there are AMX tiles to compute it, else `int8`, which loses
   * nothing that can be measured (docs/quantization.md) and takes half the time.
   */
  precision?: ModelExecution['precision'];
  /** Columns that share a scale where `int8` or `int4` quantise on load. Default `row` with `int8`, 32 with `int4`. */
  group?: QuantGroup;
}

const NAMES = { float32: 'fp32', bfloat16: 'bf16', int8: 'int8', int4: 'int4' } as const;

/** What the options and the folder come to. */
export function nativeExecution(folder: Pick<ModelFolder, 'bits' | 'group'>, options: NativeRuntimeOptions = {}) {
  const { threads: wanted = 0, level: asked = '' } = options;
  const level = asked || loadAddon().detectedLevel;
  const usual = level === 'amx' ? 'bfloat16' : 'int8';
  const { precision = folder.bits ? (`int${folder.bits}` as const) : usual } = options;
  const stored = folder.bits !== undefined && precision === `int${folder.bits}` ? folder.group : undefined;
  const { group = stored ?? (precision === 'int4' ? 32 : 'row') } = options;
  const threads = wanted > 0 ? wanted : Math.max(1, availableParallelism() - 1);
  return { level, threads, precision, group };
}

/** Bytes of a matrix that are read at a time, while those before them are packed. */
const PIECE = 8 << 20;

/** Loads all tensors of a model folder, piece by piece, and packs them for the processor's kernels. */
export async function openNativeRuntime(folder: ModelFolder, options: NativeRuntimeOptions = {}): Promise<Runtime> {
  const { threads, precision, group } = nativeExecution(folder, options);
  const { level = '' } = options;
  const model = new (loadAddon().Model)(folder.config, { level, threads, precision, group });
  let packed = Promise.resolve();
  for await (const tensor of folder.tensors(PIECE)) {
    await packed;
    packed = give(model, tensor, precision);
    // It is waited for after the next read, which may fail before.
    packed.catch(() => undefined);
  }
  await packed;
  model.ready();
  return {
    config: folder.config,
    device: `native ${model.level} ${NAMES[precision]}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    // Sums of whole numbers; attention goes row by row.
    exact: precision === 'int8' || precision === 'int4',
    open: (capacity) => wrap(model.open(capacity)),
    extendTogether: (steps, signal) => extendTogether(steps, folder.config.vocabSize, signal),
    dispose: () => model.dispose(),
  };
}

/** A matrix quantised to what is asked for stays as it is. */
async function give(model: NativeModel, tensor: LoadedTensor, precision: ModelExecution['precision']): Promise<void> {
  const { name, quantized, row, dtype, data } = tensor;
  const kept =
    quantized && (precision === `int${quantized.bits}` || (precision === 'int4' && !name.includes('.layers.')));
  if (kept) return model.setQuantized(name, row ?? 0, quantized, quantized.data, quantized.scales);
  if (row === undefined) return model.setTensor(name, valuesOf(tensor));
  if (!quantized) return model.setRows(name, row, dtype as StoredFloats, data);
  const { buffer, byteOffset, byteLength } = dequantize(quantized);
  await model.setRows(name, row, 'F32', new Uint8Array(buffer, byteOffset, byteLength));
}

const natives = new WeakMap<Session, NativeSession>();

function wrap(native: NativeSession): Session {
  const session: Session = {
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
  natives.set(session, native);
  return session;
}

async function extendTogether(steps: readonly Step[], width: number, signal?: AbortSignal): Promise<Float32Array[]> {
  const together = steps.map(({ session, rows, logits = 'last' }) => {
    const native = natives.get(session);
    if (!native) throw new Error('Only sessions of this runtime can be extended together.');
    return { session: native, rows, all: logits === 'all' };
  });
  const [first] = together;
  if (!first) return [];
  const found = await cancellable(first.session, signal, () => loadAddon().Session.extendTogether(together));
  let at = 0;
  return together.map(({ rows, all }) => {
    const from = at;
    at += (all ? rows.tokens.length : 1) * width;
    return found.subarray(from, at);
  });
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
