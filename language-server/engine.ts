/** A loaded model as the server sees it, which one is chosen, and how it is loaded. */
import type { ChatModel } from '../engine/chat/chat-model.ts';
import type { BlanksFill, BlanksPassage } from '../engine/infill/blanks.ts';
import type { Fill, FillOptions, Passage } from '../engine/infill/fill.ts';
import type { FillTrace } from '../engine/infill/trace.ts';
import type { ModelRuntime } from './protocol.ts';

/** What the server needs of a loaded model. All kinds of fill reject with `AbortError` soon after their signal fires. */
export interface Engine {
  readonly name: string;
  readonly device: string;
  fill(passage: Passage, options: FillOptions, call: { signal: AbortSignal }): Promise<Fill>;
  /** The greedy span and the most probable others, `count` in all at most, one at least. */
  fillCandidates(passage: Passage, count: number, options: FillOptions, call: { signal: AbortSignal }): Promise<Fill[]>;
  fillBlanks(passage: BlanksPassage, options: FillOptions, signal: AbortSignal): Promise<BlanksFill>;
  /** What was computed for the last fill. */
  trace(): FillTrace | undefined;
  /** Of a model that was trained to converse. */
  readonly chat?: ChatModel & { contextTokens: number };
  dispose(): void | Promise<void>;
}

export interface ModelChoice {
  modelFolder: string;
  threads: number;
  runtime: ModelRuntime;
}

export function sameChoice(one: ModelChoice | undefined, other: ModelChoice | undefined): boolean {
  return one?.modelFolder === other?.modelFolder && one?.threads === other?.threads && one?.runtime === other?.runtime;
}

/**
 * Rejects with an error whose message says what was wrong, where, and what to do. `tell` gets a sentence for the user
 * when the model runs elsewhere than was asked, also later.
 */
export type LoadEngine = (choice: ModelChoice, tell: (message: string) => void) => Promise<Engine>;
