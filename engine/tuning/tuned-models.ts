/**
 * Tuned models as they lie in the data folder, outside every repository: `tuned/<project>/<number>/` holds a model
 * folder, what was measured (tuned.json) and the log; `tuned/<project>/in-use.json` says which of them is used.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { sha256Of } from '../checkpoint/file-hash.ts';
import type { Comparisons, Verdict } from './comparison.ts';
import type { MixturePoint } from './mixing.ts';
import type { TrainingMethod } from './recipe.ts';

export interface TunedModel {
  format: 'cloze-tuned';
  version: 2;
  /** 1, 2, … in its project. */
  number: number;
  /** The project's folder, symbolic links resolved. */
  project: string;
  /** ISO 8601, UTC. */
  made: string;
  /** The model it began with; the hash is that of model.safetensors. */
  base: { name: string; sha256: string };
  seed: number;
  /** Of the whole tuning. */
  seconds: number;
  files: { train: number; choice: string[]; heldOut: string[] };
  memory: TunedPart & { files: number; characters: number; bytes: number };
  /** What was trained, where anything was; measured beside the memory, where that is kept. */
  weights?: TunedPart & {
    method: TrainingMethod;
    /** Tokens trained on, how many the training files have, and seconds that training took. */
    tokens: number;
    corpus: number;
    seconds: number;
    /** How much of what training changed was taken, 0 for nothing, and the losses that decided it. */
    share: number;
    curve: MixturePoint[];
    /** Bytes of memory that were predicted, and places of the history among the blanks. */
    bytes: number;
    written: number;
  };
  /** All that is kept, against the model that ships. */
  comparisons: Comparisons;
  verdict: Verdict;
}

/** Measured and judged for itself: only what holds by itself is kept. */
export interface TunedPart {
  comparisons: Comparisons;
  verdict: Verdict;
}

interface InUse {
  project: string;
  /** Numbers in the order they were chosen, the one in use last; 0 is the model that ships. */
  history: number[];
}

/** Where tuned models are kept in the data folder. */
export function tunedFolder(data: string): string {
  return join(data, 'tuned');
}

/** Models are kept by the real path of the project: its last part for people, a hash to tell namesakes apart. */
export async function projectHome(tuned: string, project: string): Promise<string> {
  const real = await realpath(project).catch((error) => {
    throw new Error(`${project} cannot be found: ${error.message}. Name the folder of a project.`);
  });
  return homeOf(tuned, real);
}

function homeOf(tuned: string, real: string): string {
  const name = basename(real).replace(/[^\w.-]/g, '_') || 'root';
  return join(tuned, `${name}-${createHash('sha256').update(real).digest('hex').slice(0, 12)}`);
}

/** The folder to give to `loadModel`. */
export function modelFolderOf(home: string, number: number): string {
  return join(home, String(number), 'model');
}

/** The whole ones, in order; a folder whose tuned.json cannot be read is passed over. */
export async function listTuned(home: string): Promise<TunedModel[]> {
  const names = await readdir(home).catch(() => [] as string[]);
  const numbers = names.filter((name) => /^[1-9]\d{0,8}$/.test(name)).map(Number);
  const found: TunedModel[] = [];
  for (const number of numbers.sort((a, b) => a - b)) {
    const read = await readJson<TunedModel>(join(home, String(number), 'tuned.json'));
    if (read?.format === 'cloze-tuned' && read.version === 2 && read.number === number) found.push(read);
  }
  return found;
}

/** Number of the model in use, 0 for the one that ships. */
export async function inUse(home: string): Promise<number> {
  return (await readHistory(home)).at(-1) ?? 0;
}

/** Switches to a tuned model. Throws for one that is not there, was not better, or belongs to another base. */
export async function useTuned(home: string, project: string, number: number, baseSha256: string): Promise<void> {
  const models = await listTuned(home);
  const model = models.find((own) => own.number === number);
  if (!model) {
    const known = models.map((own) => own.number).join(', ') || 'none yet; run cloze tune first';
    throw new Error(`There is no tuned model ${number} of this project. There are: ${known}.`);
  }
  if (!model.verdict.usable) {
    throw new Error(`Tuned model ${number} is not switched on. ${model.verdict.reasons.join(' ')}`);
  }
  if (model.base.sha256 !== baseSha256) {
    throw new Error(
      `Tuned model ${number} was made from ${model.base.name} (sha256 ${model.base.sha256.slice(0, 12)}…), which is not the model that ships now (${baseSha256.slice(0, 12)}…). Tune again.`,
    );
  }
  const history = await readHistory(home);
  if (history.at(-1) !== number) await writeHistory(home, { project, history: [...history, number] });
}

/** Goes back to what was used before; returns its number, 0 for the model that ships. */
export async function rollBack(home: string, project: string): Promise<number> {
  const history = await readHistory(home);
  if (history.length === 0)
    throw new Error('The model that ships is in use already; there is nothing to go back from.');
  history.pop();
  await writeHistory(home, { project, history });
  return history.at(-1) ?? 0;
}

/**
 * Folder of the tuned model to use at `path`, a folder or file: that of the innermost project around it that has one in
 * use. Undefined where there is none, where it is gone, and where it was made from other weights than those of `base`.
 */
export async function tunedModelAt(tuned: string, path: string, base: string): Promise<string | undefined> {
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) return undefined;
  for (let folder = real; ; folder = dirname(folder)) {
    const home = homeOf(tuned, folder);
    const number = await inUse(home);
    if (number !== 0) {
      const model = (await listTuned(home)).find((own) => own.number === number);
      const bound = model?.verdict.usable && model.base.sha256 === (await sha256Of(join(base, 'model.safetensors')));
      return bound ? modelFolderOf(home, number) : undefined;
    }
    if (dirname(folder) === folder) return undefined;
  }
}

async function readHistory(home: string): Promise<number[]> {
  const history: unknown = (await readJson<InUse>(join(home, 'in-use.json')))?.history;
  return Array.isArray(history) ? history.filter((number) => Number.isSafeInteger(number)) : [];
}

async function writeHistory(home: string, content: InUse): Promise<void> {
  await writeFileAtomically(join(home, 'in-use.json'), `${JSON.stringify(content, null, 2)}\n`);
}

/** Undefined where it is not there or no JSON. */
async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) ?? undefined;
  } catch {
    return undefined;
  }
}
