/** The eight tasks of SuperGLUE by name, and their published files: train.jsonl, val.jsonl, test.jsonl. */
import type { Example } from '../example.ts';
import { boolq, cb, multirc, rte, wic } from './labelled.ts';
import type { ReadOptions, SuperGlueTask } from './reader.ts';
import { recordsOf } from './records.ts';
import { copa, record, wsc } from './with-candidates.ts';

export const superGlue: Readonly<Record<string, SuperGlueTask>> = Object.fromEntries(
  [boolq, cb, copa, multirc, record, rte, wic, wsc].map((own) => [own.task.name, own]),
);

/** Throws an error that names the file, the line and the field of what is not of the task's format. */
export async function readSuperGlue(own: SuperGlueTask, file: string, options: ReadOptions): Promise<Example[]> {
  return own.examples(await recordsOf(file), options);
}
