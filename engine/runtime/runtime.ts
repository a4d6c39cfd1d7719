/**
 * What every runtime (native, onnx, remote) offers to `infill`: a passage is read once, its spans are extended token
 * by token. Nothing here knows text, blanks or sampling.
 */
import type { GlmConfig } from '../model/config.ts';

/** Tokens with both position rows; the three arrays have the same length. */
export interface TokenRows {
  tokens: Int32Array;
  positions: Int32Array;
  blockPositions: Int32Array;
}

export interface Runtime {
  readonly config: GlmConfig;
  /** Short name for logs and the Lens, e.g. `native amx bf16, 2 threads`. Changes when another runtime takes over. */
  readonly device: string;
  /** Opens an empty session with room for `capacity` tokens (Part A and Part B together). */
  open(capacity: number): Session;
  /** Frees weights; sessions must have been disposed. */
  dispose(): void;
}

/**
 * One sequence: keys and values of Part A (bidirectional) and of the Part B tokens fed so far (causal). In a model whose
 * config is `causal` Part A is causal too, so that where it ends makes no difference.
 * Calls on one session are made one after another; all of them reject with `AbortError` when `signal` fires,
 * within one layer's time, leaving the session at its former length.
 */
export interface Session {
  /** Tokens now held, Part A included. */
  readonly length: number;
  /** Reads Part A: every token sees every other (causal models: those before it). The session must be empty. */
  read(partA: TokenRows, signal?: AbortSignal): Promise<void>;
  /**
   * Appends Part B tokens (each sees Part A and the Part B tokens before it) and returns the logits after the last
   * of them, V floats. `logits: 'all'` returns one row for each token fed, [T, V].
   */
  extend(rows: TokenRows, options?: { logits?: 'last' | 'all'; signal?: AbortSignal }): Promise<Float32Array>;
  /** Forgets tokens beyond `length`, which must not cut into Part A unless the model is causal. */
  rewind(length: number): void;
  /** A second session with the same content; costs one copy of the cache. */
  fork(): Session;
  dispose(): void;
}
