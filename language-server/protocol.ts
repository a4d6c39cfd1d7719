/**
 * The messages beyond LSP 3.18 that the server and the extension share. The extension imports types and method names
 * from here and nothing else of the server. Any other LSP client may ignore all of them.
 */

/** Server -> client notification: what the status item shows. */
export const STATUS_METHOD = 'cloze/status';

/** Client -> server notification without parameters: load the model again, e.g. after it failed. */
export const RELOAD_METHOD = 'cloze/reload';

export type ModelState = 'loading' | 'ready' | 'busy' | 'failed' | 'disabled';

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
export type LogLevel = 'off' | 'error' | 'info' | 'debug';

/** Settings under `cloze.` that the server reads (workspace/configuration and didChangeConfiguration). */
export interface ClozeSettings {
  enable: boolean;
  /** Folder of the model; empty for the embedded one. */
  model: { path: string };
  /** `timeLimit` in milliseconds, 0 for none; `contextTokens` bounds the text around the cursor that is considered. */
  completion: { maxTokens: number; multiline: Multiline; timeLimit: number; contextTokens: number };
  /** Language id -> on or off; `*` for all others. */
  languages: Record<string, boolean>;
  /** Threads of the model; 0 lets the engine choose. */
  threads: number;
  log: { level: LogLevel };
}

/** Passed as `initializationOptions`; every field optional so that any LSP client can start the server bare. */
export type InitializationOptions = Partial<ClozeSettings>;
