/**
 * The public face of infilling: a passage with one or more blanks goes in, spans come out. `context` (language server)
 * builds passages from documents; `decode` runs them on a runtime.
 */
import type { BlankKind } from '../objective/blank-infilling.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { TunedMemory } from './project-memory.ts';

export type { BlankKind } from '../objective/blank-infilling.ts';

/** A loaded model with its tokenizer. */
export interface Model {
  runtime: Runtime;
  tokenizer: Tokenizer;
  /** Whether its fills listen to the document cache unless told otherwise; not when left out. */
  documentCache?: boolean;
  /** What it was tuned with: asked beside the document wherever that is. */
  memory?: TunedMemory;
  /** Whether its fills try what stands in the passage as their next tokens unless told otherwise; not when left out. */
  drafts?: boolean;
  /** How a causal model is asked; the others have blanks of their own. */
  prompt?: CausalPrompt;
}

/** What stands before the span of a causal model. */
export interface CausalPrompt {
  /** Whether the model was trained to fill blanks; one that was not sees nothing of what follows a blank. */
  infills: boolean;
  /** At most `budget` tokens, at least two. */
  tokens(passage: Passage, budget: number): number[];
}

/** A snippet of another file, put before the passage in Part A. */
export interface Neighbour {
  path: string;
  text: string;
}

/** The text around one blank, as the editor sees it; the engine cuts it to its token budget. */
export interface Passage {
  /** Path relative to the workspace, forward slashes; part of the header. */
  path: string;
  /** LSP language id, e.g. `typescript`. */
  languageId: string;
  /** Text before the blank (from the start of the document or nearer). */
  before: string;
  /** Text after the blank (to the end of the document or nearer). */
  after: string;
  /** False where `after` was cut before the end of the document; true when left out. */
  reachesEnd?: boolean;
  /** What the user has typed inside the blank: forced as the start of the span, matched in bytes. */
  forced: string;
  neighbours: Neighbour[];
  kind: BlankKind;
  /** Share of the room for the text before the blank where both sides are longer than theirs, 0 to 1; else 0.6. */
  beforeShare?: number;
}

/** Most spans that a beam search follows: each takes memory, and more find little. */
export const MOST_BEAMS = 16;

export interface FillOptions {
  /** Most tokens generated beyond the forced ones; at least 1. */
  maxTokens: number;
  /** Most tokens of Part A; as many as the model holds when left out. */
  contextTokens?: number;
  /** 0 is greedy. */
  temperature: number;
  /**
   * Beam search: how many spans are followed at a time, 1 to `MOST_BEAMS`; 1 when left out. Only at temperature 0, and
   * `least` does not count.
   */
  beams?: number;
  topP: number;
  seed: number;
  /** Strings that end the span and are left out of it; looked for in what is generated, not in what is forced. */
  stop?: readonly string[];
  /** Stop before the first line break after something other than white space was generated. */
  singleLine: boolean;
  /** The same after this many lines with something other than white space; no such limit when left out. */
  lines?: number;
  /** Stop once the probability of all that was generated falls below this, 0 to 1; 0 or left out is never. */
  least?: number;
  /** Wall-clock limit in milliseconds for generating, checked between tokens; 0 for none. */
  timeLimit: number;
  /**
   * Whether what stands in the passage is tried as the next tokens, several in one step; the model's own when left out.
   * Only where that cannot change the text (`Runtime.exact`).
   */
  drafts?: boolean;
  /** Mix the model's distribution with what the document says at like places (document-cache.ts); else as the model has it. */
  documentCache?: boolean;
  /** Another draw beside a fill that was shown, whose trace and open blank it leaves in place. */
  aside?: boolean;
  /** For the trace: how many other probable tokens to note at each step, a look over the vocabulary each; else none. */
  rivals?: number;
}

/** Another token that could have come, as probable as `FilledToken` has it. */
export interface TokenRival {
  id: number;
  logProbability: number;
  fromDocument?: number;
}

export interface FilledToken {
  id: number;
  /** Its bytes as text; part of a character shows as U+FFFD, `eop` as nothing. */
  text: string;
  /** Natural logarithm of its probability (temperature 1, before any cut): the model's, mixed with the document cache. */
  logProbability: number;
  /** The part of its probability that came from the document cache; absent where that did not name it. */
  fromDocument?: number;
  /** Share of all probability at this step that the document cache gave out; absent where it had nothing to say. */
  trust?: number;
  /** The most probable others, best first, where they were asked for. */
  rivals?: TokenRival[];
  /** True when all of its bytes were forced; a token that begins forced and goes on is predicted. */
  forced: boolean;
  /** Of a token that begins forced and goes on: how many of its bytes were forced. */
  forcedBytes?: number;
  /** Of such a token: natural logarithm of its share among the tokens that agree with what was forced. */
  logShare?: number;
  /** Of a predicted token: how many characters of the span's own text are whole after it. */
  end?: number;
}

export type FinishReason = 'eop' | 'line' | 'stop' | 'length' | 'time' | 'capacity' | 'unsure';

export interface Fill {
  /** The span without its forced part: what is to be inserted after what the user typed. */
  text: string;
  /** The tokens after `sop`, an ending `eop` included; the last may reach beyond `text`, which can be cut at a line. */
  tokens: FilledToken[];
  finish: FinishReason;
  /**
   * exp(mean log probability) of the predicted tokens, `eop` included where it was reached; 0 when there are none. A
   * token that begins forced counts with its share among the tokens that agree with what was forced.
   */
  confidence: number;
  /** Milliseconds: text to tokens, Part A, Part B (choosing tokens included), everything. */
  timings: { tokenize: number; read: number; extend: number; total: number };
  /** Tokens of Part A and of Part B. */
  partA: number;
  partB: number;
  device: string;
}
