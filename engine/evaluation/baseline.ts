/**
 * What the model is measured against. A baseline may follow several rules; the one that does best on the very tasks of
 * the report is the one that counts, which no honest predictor could choose: the doubt goes to the baseline.
 */
import type { Task } from './task.ts';

export interface Baseline {
  name: string;
  /** One sentence for the report. */
  about: string;
  /** Kinds of task that it can answer. */
  kinds: readonly string[];
  rules: readonly BaselineRule[];
}

export interface BaselineRule {
  name: string;
  predict(task: Task): string;
}
