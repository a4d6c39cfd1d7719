/** What a test tells the scripted engine, and what it asks of it: notifications and requests beside LSP. */
import type { BlanksPassage } from '../../engine/infill/blanks.ts';
import type { FillOptions, FinishReason, Passage } from '../../engine/infill/fill.ts';
import type { ModelChoice } from '../../language-server/engine.ts';

/** Bundled by bundle.ts. */
export const SCRIPTED_SERVER = 'test/output/scripted-server.cjs';

export const SCRIPT_METHOD = 'test/script';
export const CALLS_METHOD = 'test/calls';
export const RELEASE_METHOD = 'test/release';
/** Server -> client, when the engine has begun a call. */
export const BEGUN_METHOD = 'test/begun';
/** Server -> client, when a call of the engine was aborted. */
export const ABORTED_METHOD = 'test/aborted';

export interface Script {
  /** What the engine says inside the blank, its forced start included. */
  span: string;
  /** What it says in several blanks, in the order of the text, kept ones left out; `span` where there is none. */
  spans?: string[];
  /** Its most probable spans where several are asked for; `span` alone where there are none. */
  candidates?: string[];
  /** What it says after this given start of a blank; `span` where there is none. Given, what is prepared counts as a call. */
  after?: Record<string, string>;
  /** How probable it holds what it says, 0 to 1; not told when left out. */
  probability?: number;
  /** It is a causal model, which fills several blanks one by one. */
  oneByOne?: true;
  /** It was trained to converse, and says this, piece by piece. */
  chat?: string[];
  finish?: FinishReason;
  /** Hold every call until it is released; `until aborted` ends it as well when its signal fires. */
  hold?: 'until aborted' | 'until released';
  /** Fail every call with this message. */
  fails?: string;
  /** Have this to say to the user while the model is loaded. */
  warns?: string;
  /** Fail to load the model with this message. */
  loadFails?: string;
}

export interface Call<P = Passage> {
  passage: P;
  options: FillOptions;
  outcome: 'running' | 'done' | 'aborted' | 'failed';
}

export interface Calls {
  loads: ModelChoice[];
  /** How often a model was freed. */
  freed: number;
  fills: Call[];
  /** Fills of several blanks. */
  asked: Call<BlanksPassage>[];
  /** The most calls that ever ran at once. */
  atOnce: number;
}
