/** A model folder is written aside and appears when it is complete. */
import { randomUUID } from 'node:crypto';
import { cp, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { TOKENIZER_FILES } from '../tokenizer/load-folder.ts';

/** What a model folder holds beside its weights and config.json. */
const COMPANIONS = ['README.md', ...TOKENIZER_FILES];

/** `fill` writes into the folder that it is given, which becomes `to` afterwards; `to` must not exist yet. */
export async function writeFolder<R>(to: string, fill: (aside: string) => Promise<R>): Promise<R> {
  if (await exists(to)) throw new Error(`${to} exists already. Choose another folder, or remove it first.`);
  const aside = join(dirname(to), `.${randomUUID()}.part`);
  try {
    await mkdir(aside, { recursive: true });
    const result = await fill(aside);
    await rename(aside, to);
    return result;
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    throw error;
  }
}

/** Copies config.json; one that says in how many parts the weights are says the new number. */
export async function copyConfig(from: string, to: string, parts: number): Promise<void> {
  const text = await readFile(join(from, 'config.json'), 'utf8');
  const keys = JSON.parse(text) as Record<string, unknown>;
  const isRight = !('model_parallel_size' in keys) || keys.model_parallel_size === parts;
  const changed = `${JSON.stringify({ ...keys, model_parallel_size: parts }, null, 2)}\n`;
  await writeFileAtomically(join(to, 'config.json'), isRight ? text : changed);
}

/** Copies the tokenizer's files and the card, those that there are. */
export async function copyCompanions(from: string, to: string): Promise<void> {
  for (const name of COMPANIONS) {
    if (await exists(join(from, name))) await cp(join(from, name), join(to, name));
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
