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
  /** True where rows that are extended together get the same logits, to the bit, as one by one. */
  readonly exact?: boolean;
  /** Opens an empty session with room for `capacity` tokens (Part A and Part B together). */
  open(capacity: number): Session;
  /**
   * Extends sessions of this runtime, each at most once, and gives what `extend` would give for each, in the order of the
   * steps. Natively all rows pass the weights together, so that a few sessions cost little more than one; others take
   * them in turn. When it rejects, with `AbortError` where `signal` fired, all sessions have their former lengths.
   */
  extendTogether(steps: readonly Step[], signal?: AbortSignal): Promise<Float32Array[]>;
  /** Frees weights; sessions must have been disposed. */
  dispose(): void;
}

/** What one session gets when several are extended together. */
export interface Step {
  session: Session;
  rows: TokenRows;
  /** As in `Session.extend`; default `last`. */
  logits?: 'last' | 'all';
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
  /** A second session with the same content. Natively Part A's keys and values are shared, only Part B's are copied. */
  fork(): Session;
  dispose(): void;
}
