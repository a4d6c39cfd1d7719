/** A task of SuperGLUE (arXiv 1905.00537): how its file becomes examples, and its patterns. */
import type { Example, Task } from '../example.ts';
import type { Place } from './records.ts';

export interface ReadOptions {
  /** GLM 2021 makes more of training files: COPA mirrored, one example for each right entity of ReCoRD. */
  training: boolean;
  seed: number;
}

export interface SuperGlueTask {
  task: Task;
  examples(records: readonly Place[], options: ReadOptions): Example[];
}

/** Python's `string.punctuation`, which GLM's patterns take from the end of a text. */
export function withoutFinalPunctuation(text: string): string {
  return text.replace(/[!-/:-@[-`{-~]+$/, '');
}

/** GLM's `punctuation_standardization` (data_utils/corpora.py). */
export function plainPunctuation(text: string): string {
  return text
    .replaceAll('\u201c', '"')
    .replaceAll('\u201d', '"')
    .replaceAll('\u2019', "'")
    .replaceAll('\u2018', "'")
    .replaceAll('\u2013', '-');
}
