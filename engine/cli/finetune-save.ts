/** The tuned model as a folder of its own, where its kind can be written. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Of } from '../checkpoint/file-hash.ts';
import type { Approach } from '../finetuning/run.ts';
import type { LoadedModel } from '../load-model.ts';
import { TOKENIZER_HASH } from '../model/load.ts';
import type { NativeTrainer } from '../native.ts';
import { exportModel } from '../training/export-model.ts';

/** Throws before any training where the result could not be written. */
export async function checkSavable(model: string, out: string, kind: Approach['kind']): Promise<void> {
  if (kind === 'head') throw new Error('--out: a model folder has no place for a classification head; use a pattern.');
  if (existsSync(out)) throw new Error(`${out} exists already: choose another folder for the tuned model.`);
  if (!existsSync(join(model, 'tokenizer.json'))) {
    throw new Error(
      `--out: ${model} has no tokenizer.json; models with other tokenizers can be measured but not written.`,
    );
  }
}

export async function saveFineTuned(
  trainer: NativeTrainer,
  { folder, name }: LoadedModel,
  out: string,
  task: string,
  seed: number,
): Promise<void> {
  await exportModel(trainer, folder.config, out, folder.path, {
    recipe: `${name}-${task.replace(/^.*\//, '').replace(/\.json$/, '')}`,
    seed: String(seed),
    [TOKENIZER_HASH]: await sha256Of(join(folder.path, 'tokenizer.json')),
  });
}
