/**
 * The typed face of the addon: tensors, tiles and threads, nothing of tokens' meaning. Arrays are copied on the way in
 * and out (Electron allows no external ArrayBuffers); work that takes time runs on other threads.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The fields of engine/model/config.ts `GlmConfig`, which the addon reads by name. */
export interface NativeConfig {
  vocabSize: number;
  hiddenSize: number;
  innerSize: number;
  layers: number;
  heads: number;
  maxLength: number;
  positions: string;
  norm: string;
  residualAlpha: number;
  activation: string;
  qkvLayout: string;
  tiedEmbedding: boolean;
  layerNormEpsilon: number;
  rotaryFloat16: boolean;
  keyValueHeads?: number;
  headSize?: number;
  rotarySize?: number;
  rotaryPairs?: string;
  rotaryTheta?: number;
  normKind?: string;
  bias?: string;
  causal?: boolean;
  embeddingNorm?: boolean;
  queryKeyNorm?: boolean;
  decoderLayers?: number;
  experts?: {
    count: number;
    perToken: number;
    innerSize: number;
    sharedSize: number;
    denseLayers: number;
    groups: number;
    groupsUsed: number;
    normalized: boolean;
    scale: number;
  };
}

export interface ExecutionOptions {
  /** `amx`, `avx512`, `avx2`, `neon`, `portable`; empty for the best that the processor has. */
  level: string;
  threads: number;
  /**
   * What activations are kept in. `float32` is exact; `bfloat16` is what the tiles of AMX compute. `float16`, for training
   * alone: products in float32, gradients of activations overflow and underflow without a scale of the loss.
   */
  precision: 'float32' | 'bfloat16' | 'float16';
}

export interface ModelExecution extends Omit<ExecutionOptions, 'precision'> {
  /** `int8`, `int4`: quantised matrices, activations of 8 bits in products, keys and values in bfloat16. */
  precision: 'float32' | 'bfloat16' | 'int8' | 'int4';
  /** Columns that share a scale; needed with `int8` and `int4`. Embedding and head have 8 bits and a scale a row. */
  group?: 'row' | 32 | 64;
}

export interface NativeRows {
  tokens: Int32Array;
  positions: Int32Array;
  blockPositions: Int32Array;
}

/** What one session gets when several are extended together. */
export interface NativeStep {
  session: NativeSession;
  rows: NativeRows;
  all: boolean;
}

export interface NativeSession {
  readonly length: number;
  read(rows: NativeRows): Promise<void>;
  extend(rows: NativeRows, all: boolean): Promise<Float32Array>;
  rewind(length: number): void;
  fork(): NativeSession;
  /** Makes the call under way, that of other sessions too, reject with an `AbortError` before its next layer. */
  cancel(): void;
  dispose(): void;
}

/** Rows of a tensor are given to `setRows` in multiples of it. */
export const ROWS_TOGETHER = 128;

export type StoredFloats = 'F32' | 'F16' | 'BF16';

export interface NativeModel {
  readonly level: string;
  /** Matrices go into the kernels' packed form at once; no copy of the values is kept. */
  setTensor(name: string, values: Float32Array): void;
  /**
   * Rows of a tensor in the bytes of a file, one call after another from row 0; each resolves when its rows are packed,
   * which the model's threads do. `bytes` must not change until then.
   */
  setRows(name: string, row: number, dtype: StoredFloats, bytes: Uint8Array): Promise<void>;
  /**
   * The same of a matrix that is quantised already, in the bytes of GLM-130B's checkpoints
   * (engine/checkpoint/quantization.ts). Only in a model of `int8` or `int4`; it keeps the format given here.
   */
  setQuantized(
    name: string,
    row: number,
    format: { bits: 4 | 8; group: 'row' | 32 | 64 },
    q: Int8Array,
    scales: Uint16Array,
  ): Promise<void>;
  /** Throws unless all tensors have been set. */
  ready(): void;
  open(capacity: number): NativeSession;
  dispose(): void;
}

/** Samples one after another without padding; rows of all samples are concatenated. */
export interface NativeBatch extends NativeRows {
  targets: Int32Array;
  lossMask: Uint8Array;
  /** Rows of each sample, and how many of them are Part A. */
  lengths: Int32Array;
  separators: Int32Array;
  /** Factors of the rows' losses, one for each row. Default 1. */
  rowWeights?: Float32Array;
  /** The cross-entropy is over the logits of these tokens alone; each counted target is one of them. */
  choices?: Int32Array;
  /** Share of each target, 0 to below 1, that is spread evenly over the vocabulary (or the choices). Default 0. */
  smoothing?: number;
}

/** What the counted rows of a batch, S of them, came to. */
export interface RowLosses {
  /** Of the rows' losses times their weights, in nats. */
  sum: number;
  count: number;
  /** [S], without their weights. */
  losses: Float32Array;
  /** [S]: 1 where no token is more probable than the target. */
  first: Uint8Array;
  /** [S, choices]: raw logits; empty without choices. */
  choiceLogits: Float32Array;
}

export type TrainerVector = 'parameter' | 'gradient' | 'moment1' | 'moment2';

export interface AdamWOptions {
  learningRate: number;
  /** Largest global L2 norm of the gradient; 0 for no clipping. */
  clip: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** Decay biases and norms too; otherwise matrices and embeddings only. */
  decayAll: boolean;
  /** Momentum of Muon, which then takes AdamW's place for the projections within the layers (native/src/muon.h). */
  muon?: number;
  /** What the loss was multiplied by in `forwardBackward`; its gradients are divided by it first. 1 where left out. */
  lossScale?: number;
}

export interface NativeTrainer {
  steps: number;
  /**
   * Adds adapters, zeros at first, to the projections as they have been set, and trains these alone from now on, by AdamW.
   * `set` and `get` take their names too (engine/model/adapters.ts), `get` of a projection gives the sum.
   */
  adapt(rank: number, scale: number): void;
  set(name: string, values: Float32Array, vector: TrainerVector): void;
  get(name: string, vector: TrainerVector): Float32Array;
  /** Brings the packed weights up to date after `set` of parameters. */
  pack(): Promise<void>;
  zeroGradients(): void;
  /**
   * Adds gradients of `weight` times the summed cross-entropy (nats); returns that sum and the rows counted.
   * `embeddingShrink` multiplies the part of the embedding's gradient that comes from looking tokens up, `headShrink`
   * (default 1) the part that comes from its use as the output matrix, where it is tied.
   */
  forwardBackward(
    batch: NativeBatch,
    weight: number,
    embeddingShrink: number,
    headShrink?: number,
  ): Promise<{ sum: number; count: number }>;
  evaluate(batch: NativeBatch): Promise<RowLosses>;
  /** [S, C]: the counted rows after the last norm, which the output matrix or a head of one's own is applied to. */
  hiddenStates(batch: NativeBatch): Promise<Float32Array>;
  /** Adds the gradients of a loss whose gradient at `hiddenStates(batch)` is `gradient`, [S, C]. */
  backwardHidden(batch: NativeBatch, gradient: Float32Array): Promise<void>;
  /**
   * One optimizer step; resolves with the gradient’s norm before clipping. Where that is no finite number, nothing has
   * been changed.
   */
  update(options: AdamWOptions): Promise<number>;
  gradientNorm(name: string): number;
  /** L2 norms of all tensors, in the order of `tensorShapes`. */
  gradientNorms(): Float64Array;
  /**
   * Seconds that each phase of the steps (step_clock.h) has taken since the trainer was made, by the clock on the wall and
   * of the processor time of all the process's threads.
   */
  phases(): Record<string, { wall: number; cpu: number }>;
  cancel(): void;
  /** Gives its memory back, which JavaScript's collector does not see. Every call after it throws, but for this and `cancel`. */
  dispose(): void;
}

export interface NativeAddon {
  readonly detectedLevel: string;
  Model: new (config: NativeConfig, options: ModelExecution) => NativeModel;
  Session: {
    /**
     * Extends different sessions of one model; the logits of all steps one after another, as `extend` gives them. When it
     * rejects, all sessions have their former lengths.
     */
    extendTogether(steps: readonly NativeStep[]): Promise<Float32Array>;
  };
  /**
   * Whole rows of a stored matrix, quantised as engine/checkpoint/quantization.ts `quantize` does, which gives `data` into
   * `into` and resolves with `scales`; null where a value is not finite. Neither array may change until then.
   */
  quantizeRows(
    dtype: StoredFloats,
    bytes: Uint8Array,
    columns: number,
    format: { bits: 4 | 8; group: 'row' | 32 | 64 },
    search: boolean,
    threads: number,
    into: Uint8Array,
  ): Promise<Uint16Array | null>;
  /** Memory that files are read into past the system's cache; up to 1 GB. */
  alignedBytes(length: number): Uint8Array<ArrayBuffer>;
  Trainer: new (config: NativeConfig, options: ExecutionOptions) => NativeTrainer;
}

let addon: NativeAddon | undefined;

/** Loads the addon once. Bundles lie in `dist/`, sources in `native/`; the binary is found from both. */
export function loadAddon(): NativeAddon {
  if (addon) return addon;
  const here = dirname(fileURLToPath(import.meta.url));
  const candidates = [join(here, 'build/Release/cloze.node'), join(here, '../native/build/Release/cloze.node')];
  const path = candidates.find((candidate) => existsSync(candidate));
  if (!path) {
    throw new Error(
      `The native addon was not found (looked for ${candidates.join(' and ')}). Build it with: npm run build:native`,
    );
  }
  try {
    addon = createRequire(import.meta.url)(path) as NativeAddon;
  } catch (error) {
    throw new Error(
      `The native addon ${path} could not be loaded (${(error as Error).message}). Build it again with: npm run build:native`,
    );
  }
  return addon;
}
