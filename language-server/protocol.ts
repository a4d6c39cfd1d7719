/**
 * The messages beyond LSP 3.18 that the server and the extension share. The extension imports types and method names
 * from here and nothing else of the server. Any other LSP client may ignore all of them.
 */
import type { Range } from 'vscode-languageserver';
import type { ChatMessage } from '../engine/chat/chat-model.ts';

export {
  ADD_MODEL_METHOD,
  type AddModelParams,
  DOWNLOAD_MODEL_METHOD,
  DOWNLOADING_METHOD,
  type DownloadModelParams,
  type DownloadProgress,
  EDITOR_TASKS,
  type EditorTask,
  MODELS_METHOD,
  type ModelInfo,
  type ModelsResult,
  type ModelWay,
  type NamedModel,
  REMOVE_MODEL_METHOD,
  USE_MODEL_METHOD,
  type UseModelParams,
} from './models/messages.ts';
export {
  PAUSE_TUNING_METHOD,
  type PauseTuningParams,
  ROLL_BACK_METHOD,
  type RollBackParams,
  TUNE_METHOD,
  TUNING_METHOD,
  type TunedResult,
  type TuneParams,
  type TuningProgress,
  type TuningStage,
} from './tuning/messages.ts';

/** Server -> client notification: what the status item shows. */
export const STATUS_METHOD = 'cloze/status';

/** Client -> server notification without parameters: load the model again, e.g. after it failed. */
export const RELOAD_METHOD = 'cloze/reload';

/** Client -> server notification with `LensParams`: whether somebody looks at traces. */
export const LENS_METHOD = 'cloze/lens';

export interface LensParams {
  open: boolean;
}

/** Server -> client notification without parameters, while a Lens is open: there is a new trace to ask for. */
export const TRACED_METHOD = 'cloze/traced';

/** Client -> server request without parameters: what was computed for the model's last fill, or null. */
export const TRACE_METHOD = 'cloze/trace';

/**
 * Client -> server notification with `DeclarationsParams`: what is named around the cursor of a document is declared so,
 * elsewhere. Replaces what was said of the document before.
 */
export const DECLARATIONS_METHOD = 'cloze/declarations';

/** Declarations of a document that are kept, and the characters of each. */
export const MOST_DECLARATIONS = 5;
export const LONGEST_DECLARATION = 500;

export interface DeclarationsParams {
  textDocument: { uri: string };
  /** The most useful first. */
  declarations: { uri: string; text: string }[];
}

/** Client -> server notification with `IndentationParams`: how the editor indents a document in which nothing tells. */
export const INDENTATION_METHOD = 'cloze/indentation';

export interface IndentationParams {
  textDocument: { uri: string };
  /** A tab, or the spaces of one level. */
  unit: string;
}

/** Client -> server request without parameters: `AnsweredRequest[]`, the last requests for a completion, newest first. */
export const REQUESTS_METHOD = 'cloze/requests';

/** How many of them are remembered; in memory only, and without any text of the documents. */
export const MOST_REQUESTS = 50;

/**
 * What decided the answer to a request, in the order in which it is looked at:
 * `off`, `language`: the settings say so; `document`,
 * `line`: too large, binary or too long, see `detail`; `manual`, `snoozed`, `undone`, `deleted`, `word`: not asked for by hand while
 * the user wants none, just after an undo or redo, just after a deletion, inside a word; `overtaken`: a newer request or
 * the editor put an end to it; `unloaded`: no model; `failed`: the model failed; `nothing`: it had nothing to put there;
 * `late`: no word was whole when the time was over; `unsure`: it was not sure enough of a first word; `repeats`: it repeated
 * the lines around; `short`: taking it would save no key; `present`: what it wrote stands there already; `shown`: it was sent to the editor.
 */
export type Decision =
  | 'off'
  | 'language'
  | 'document'
  | 'line'
  | 'manual'
  | 'snoozed'
  | 'undone'
  | 'deleted'
  | 'word'
  | 'overtaken'
  | 'unloaded'
  | 'failed'
  | 'nothing'
  | 'late'
  | 'unsure'
  | 'repeats'
  | 'short'
  | 'present'
  | 'shown';

export interface AnsweredRequest {
  /** When it came, in milliseconds since 1970. */
  time: number;
  /** As the model reads it: relative to the workspace. */
  path: string;
  /** Counted from 0, as in LSP. */
  line: number;
  character: number;
  /** Asked for by the user's hand, not by typing. */
  invoked: boolean;
  decided: Decision;
  /** For `document`, `line` and `failed`: the reason in words. */
  detail?: string;
  /** Milliseconds until the answer. */
  total: number;
  /** Answered without the model, from what it wrote before. */
  cached?: true;
  /** And what it wrote was for this place, before anybody asked: while another suggestion was on the screen. */
  prepared?: true;
  /** The model's call: milliseconds in the queue and for each stage, tokens, probability, and how the span ended. */
  fill?: {
    waiting: number;
    tokenize: number;
    read: number;
    extend: number;
    tokens: number;
    confidence: number;
    finish: string;
  };
}

/** Client -> server notification with `UndoneParams`: the change that made this version took back or repeated another. */
export const UNDONE_METHOD = 'cloze/undone';

export interface UndoneParams {
  textDocument: { uri: string; version: number };
}

/** Client -> server notification with `SnoozeParams`: until then only what is asked for by hand is completed. */
export const SNOOZE_METHOD = 'cloze/snooze';

export interface SnoozeParams {
  /** Milliseconds since 1970; 0 ends it. */
  until: number;
}

/**
 * Client -> server notification with `OutcomeParams`: what became of a suggestion. From what is taken and what is left the
 * server learns how sure the model must be (`completion.adaptive`).
 */
export const OUTCOME_METHOD = 'cloze/outcome';

/**
 * `shown`: it stands on the screen. Then, once for each, the first of these that happens: `accepted`: taken whole, or typed
 * to its end; `partiallyAccepted`: its beginning was taken; `dismissed`: it went away though there was time to read it.
 */
export type Outcome = 'shown' | 'accepted' | 'partiallyAccepted' | 'dismissed';

export interface OutcomeParams {
  textDocument: { uri: string };
  /** As the server gave it; that with which it was first shown, where some of it was typed since. */
  item: { insertText: string; range: Range };
  outcome: Outcome;
}

/** Client -> server notification without parameters: forget what was learned from outcomes, in the file as well. */
export const FORGET_METHOD = 'cloze/forget';

/** Client -> server request without parameters: `GateState`, how sure the model must be at present. */
export const GATE_METHOD = 'cloze/gate';

export interface GateState {
  /** Probability from which on suggestions are shown, and what the settings say of it. */
  threshold: number;
  setting: number;
  /** Outcomes it was learned from: suggestions taken, whole or in part, and left. Older ones count less. */
  taken: number;
  left: number;
}

/** Server -> client notification with `MeasuredParams`: after each call of the model that was not aborted. */
export const MEASURED_METHOD = 'cloze/measured';

/** Milliseconds of the stages of one call, and of all of it. */
export interface MeasuredParams {
  tokenize: number;
  read: number;
  extend: number;
  total: number;
}

export type { FillTrace, PartAToken, PartBToken, Rival, TracedSpan, TracedToken } from '../engine/infill/trace.ts';

/** `asleep`: freed because nothing was asked of it for a while; the next request loads it. */
export type ModelState = 'loading' | 'ready' | 'busy' | 'asleep' | 'failed' | 'disabled';

export interface StatusParams {
  state: ModelState;
  /** Model name as shown to the user, e.g. `cursor-24m`; empty until it is known. */
  model: string;
  /** e.g. `native amx bf16, 2 threads`; empty while loading. */
  device: string;
  /** For `failed`: what was wrong, where, and what to do. */
  message?: string;
  /** Milliseconds of the last call of the model, waiting included. */
  lastLatency?: number;
}

export type Multiline = 'auto' | 'always' | 'never';
/** What computes the model: the addon, or onnxruntime on the platform's accelerators or on one that is named. */
export type ModelRuntime = 'native' | 'onnx' | 'onnx-cpu' | 'onnx-webgpu' | 'onnx-cuda' | 'onnx-dml' | 'onnx-coreml';
export type LogLevel = 'off' | 'error' | 'info' | 'debug';

/** Settings under `cloze.` that the server reads (workspace/configuration and didChangeConfiguration). */
export interface ClozeSettings {
  enable: boolean;
  /** Whether the server opens no connection at all. */
  offline: boolean;
  /** Folder of the model; empty for the installed one that is used. `mirror`: another address of the hub, or empty. */
  model: { path: string; runtime: ModelRuntime; mirror: string };
  /**
   * `timeLimit` in milliseconds, 0 for none; `contextTokens` bounds the text around the cursor that is considered;
   * lines that the model thinks less probable than `threshold`, 0 to 1, are not shown unless the user asks; with
   * `adaptive` that is a beginning, moved by what the user accepts. Without `automatic` nothing is shown unless the user asks.
   */
  completion: {
    maxTokens: number;
    multiline: Multiline;
    timeLimit: number;
    contextTokens: number;
    threshold: number;
    adaptive: boolean;
    automatic: boolean;
  };
  /** Language id -> on or off; `*` for all others. */
  languages: Record<string, boolean>;
  /** Threads of the model; 0 lets the engine choose. */
  threads: number;
  /** Minutes without a request after which the model is freed until the next; 0 keeps it. */
  unloadAfter: number;
  /** URL of an OpenAI-compatible server whose models answer in the chat; empty for none. */
  chat: { server: string };
  log: { level: LogLevel };
}

/** Passed as `initializationOptions`; every field optional so that any LSP client can start the server bare. */
export type InitializationOptions = Partial<ClozeSettings> & {
  /** Path of a file in which the server keeps what it learned from outcomes; in memory only when left out. */
  outcomesFile?: string;
};

/**
 * Client -> server request: fill several blanks of one document together, each seeing those already filled. Takes
 * `FillParams`, gives `FillResult`. Outranks inline completions; a newer one overtakes it.
 *
 * Errors: `InvalidParams` for blanks that overlap, leave the document or are too many; `ContentModified` when the document
 * is or becomes another version; `ServerCancelled` when a newer fill came; `RequestFailed` when there is no model or it
 * failed. Each message says what was wrong and what to do.
 */
export const FILL_METHOD = 'cloze/fill';

/** Most blanks of one request, kept ones included. */
export const MOST_BLANKS = 16;

/** `line`: one line for each blank; `block`: as long as the model finds right; a number: at most so many lines. */
export type FillLength = 'line' | 'block' | number;

/** Which of several blanks is filled first, and so is seen by the others. */
export type FillOrder = 'text' | 'certain';

export interface FillParams {
  textDocument: { uri: string; version: number };
  /** What stands in a range is not read: the model fills it anew. An empty range is a blank between two characters. */
  blanks: BlankRange[];
  /** Ranges whose text stays as it is: spans that are given, around which the blanks are filled. */
  kept?: { range: Range }[];
  /** In words, e.g. `use async/await`: read as a comment on the line above the first blank. */
  instruction?: string;
  /** Blanks of other open documents that are filled in the same gesture: the text around each is read beside this one. */
  alongside?: { textDocument: { uri: string }; range: Range }[];
  options?: {
    /** `block` when left out. A blank with other text after it on its line gets one line whatever the length. */
    length?: FillLength;
    /** `text` when left out; `certain` fills those first of which the model is surest, for about twice the time. */
    order?: FillOrder;
    /** 0, or left out, is the most probable text; each other whole number draws another one, always the same. */
    candidate?: number;
  };
}

export interface BlankRange {
  range: Range;
  /** A note that the model reads just before the blank, e.g. the comment that stands in its place. */
  hint?: string;
}

export interface FillResult {
  /** One for each blank of the request, in its order. */
  blanks: BlankText[];
  /** The model knows one blank at a time (it is causal): each was filled on its own, around those already filled. */
  oneByOne?: true;
}

export interface BlankText {
  /** As it was asked for. */
  range: Range;
  /** Empty when the model has nothing to put there. */
  newText: string;
  /** exp(mean log probability) of the tokens that the model chose, 0 to 1. */
  confidence: number;
}

/** Client -> server request without parameters: which models there are to talk to. Gives `ChatModelsResult`. */
export const CHAT_MODELS_METHOD = 'cloze/chatModels';

export interface ChatModelsResult {
  /** The local one first, where there is one. */
  models: ChatModelInfo[];
  /** Why models are missing that the settings name, and what to do. */
  problem?: string;
}

export interface ChatModelInfo {
  /** For `ChatParams`. */
  id: string;
  name: string;
  /** The device, or the server that it runs on. */
  place: string;
  remote: boolean;
  /** `fill`: it fills blanks and was not trained to converse; `chat`: it answers. */
  does: 'fill' | 'chat';
  /** Tokens that question and answer may have together, where it is known. */
  contextTokens?: number;
}

/**
 * Client -> server request: the next message of a conversation. Takes `ChatParams`, gives `ChatResult`; meanwhile the
 * answer comes by `CHAT_TEXT_METHOD`.
 *
 * Errors: `InvalidParams`; `RequestCancelled`; `ServerCancelled` when the local model was needed for something newer;
 * `RequestFailed` when there is no such model, it does not converse, or it failed. Each message says what to do.
 */
export const CHAT_METHOD = 'cloze/chat';

/** Server -> client notification with `ChatText`, for each piece of an answer. */
export const CHAT_TEXT_METHOD = 'cloze/chatText';

/** Server -> client request with `RemoteKeyParams`: the key of a remote server, or null. Not every client has any. */
export const REMOTE_KEY_METHOD = 'cloze/remoteKey';

export type { ChatMessage } from '../engine/chat/chat-model.ts';

export interface ChatParams {
  /** Chosen by the client; names the answer in `ChatText`. */
  id: string;
  model: string;
  messages: ChatMessage[];
  maxTokens?: number;
}

export interface ChatText {
  id: string;
  text: string;
  /** True for what the model thinks before it answers. */
  thought?: boolean;
}

export interface ChatResult {
  /** `length`: a limit of tokens cut the answer. */
  finish: 'end' | 'length';
}

export interface RemoteKeyParams {
  /** Scheme, host and port that the key is sent to, and nowhere else. */
  origin: string;
}
