/** What server and client say about installed models. Errors of all requests: `InvalidParams`, and `RequestFailed` with what to do. */
import type { ModelRuntime } from '../protocol.ts';

/** What the editor uses a model for. */
export const EDITOR_TASKS = ['inline', 'fill', 'chat'] as const;
export type EditorTask = (typeof EDITOR_TASKS)[number];

/** Client -> server request without parameters: which models there are. Gives `ModelsResult`. Loads none. */
export const MODELS_METHOD = 'cloze/models';

export interface ModelsResult {
  /** The one that ships first. */
  models: ModelInfo[];
  /** Bytes of the machine's memory, in all and free. */
  memory: { total: number; available: number };
  /** The folder of `cloze.model.path`, which is used for everything while it is set; else empty. */
  setting: string;
}

export interface ModelInfo {
  /** For the requests below; of models that are not installed, a name for the eyes. */
  name: string;
  folder: string;
  /** `tuned` on this workspace, or named by the `setting`: used, but not installed. */
  origin: 'shipped' | 'added' | 'downloaded' | 'tuned' | 'setting';
  /** What it is used for now. */
  usedFor: EditorTask[];
  /** Of its weights. */
  parameters?: number;
  /** Of its files. */
  bytes?: number;
  /** How it could be run here, as the settings allow. */
  ways: ModelWay[];
  /** Why it cannot be used, and what to do. */
  problem?: string;
}

export interface ModelWay {
  runtime: ModelRuntime;
  /** e.g. `native bfloat16`. */
  name: string;
  /** The most it takes at a time, and what there is; the memory of a graphics card is not always known. */
  bytes: number;
  available?: number;
  fits?: boolean;
}

/** Client -> server request with `AddModelParams`: installs a folder where it lies. Gives `NamedModel`. */
export const ADD_MODEL_METHOD = 'cloze/addModel';

export interface AddModelParams {
  folder: string;
  /** By default the folder's. */
  name?: string;
}

export interface NamedModel {
  name: string;
}

/** Client -> server request with `NamedModel`: forgets a model; the folder goes too if it was downloaded. Gives null. */
export const REMOVE_MODEL_METHOD = 'cloze/removeModel';

/** Client -> server request with `UseModelParams`: a model for some tasks from now on, in all workspaces. Gives null. */
export const USE_MODEL_METHOD = 'cloze/useModel';

export interface UseModelParams extends NamedModel {
  tasks: EditorTask[];
}

/**
 * Client -> server request with `DownloadModelParams`: a model from its page on a hub. Gives `NamedModel`. Refused while
 * `cloze.offline` is on; cancelled, it keeps what it has and the same request goes on from there. The one request that
 * uses the network without a server being named in the settings: a client asks the user first.
 */
export const DOWNLOAD_MODEL_METHOD = 'cloze/downloadModel';

export interface DownloadModelParams {
  /** Chosen by the client; names the download in `DownloadProgress`. */
  id: string;
  url: string;
  /** By default the hub's. */
  name?: string;
}

/** Server -> client notification with `DownloadProgress`. */
export const DOWNLOADING_METHOD = 'cloze/downloading';

export interface DownloadProgress {
  id: string;
  file: string;
  /** Bytes of all files. */
  done: number;
  all: number;
}
