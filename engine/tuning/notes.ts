/** What a process that tunes tells the one that started it. */
import type { TunedModel } from './tuned-models.ts';

export type TuningNote =
  | { stage: 'reading' | 'remembering' | 'training' | 'measuring'; done: number; all: number }
  | { tuned: TunedModel; used: boolean }
  | { problem: string };

/** To the process that tunes: end after the step under way. */
export const STOP_NOTE = 'stop';
