/** The requests and notifications about tuning on a workspace folder. */

/**
 * Client -> server request with `TuneParams`, answered with `TunedResult`: makes a model of one's own for a folder and takes
 * it into use if it is better. It takes minutes; what is stopped goes on when asked for again. One at a time. A client
 * asks only where the user trusts the folder.
 */
export const TUNE_METHOD = 'cloze/tune';

export interface TuneParams {
  /** Address of the folder. */
  folder: string;
  /** What is trained beside the memory of the folder's text; by default `adapters`. */
  method?: 'adapters' | 'full' | 'memory';
  /** Time for training. */
  minutes?: number;
  /** Blanks of each kind to measure on, from 3 on. */
  tasks?: number;
}

/** What a folder's model brought: shares of blanks that were filled exactly, before and after. */
export interface TunedResult {
  number: number;
  /** Better and in use now. */
  used: boolean;
  unseen: { before: number; after: number };
  guard: { before: number; after: number };
  /** In Markdown. */
  report: string;
}

/** Server -> client notification with `TuningProgress`, while a folder is tuned. */
export const TUNING_METHOD = 'cloze/tuning';

export interface TuningProgress {
  stage: TuningStage;
  /** Of the stage. */
  done: number;
  all: number;
  /** Why nothing is computed now: the user said so, or the machine runs on its battery. Typing is not told. */
  paused?: 'user' | 'battery';
}

export type TuningStage = 'reading' | 'remembering' | 'training' | 'measuring';

/** Client -> server notification with `PauseTuningParams`. Not on Windows, where processes cannot be paused. */
export const PAUSE_TUNING_METHOD = 'cloze/pauseTuning';

export interface PauseTuningParams {
  paused: boolean;
}

/** Client -> server request with `RollBackParams`: back to the model before; answered with what is used now, 0 being ours. */
export const ROLL_BACK_METHOD = 'cloze/rollBackTuning';

export interface RollBackParams {
  folder: string;
}
