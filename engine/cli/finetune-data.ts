/** Which task `cloze finetune` was asked for, and where its examples come from. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Documents, packedDocuments } from '../evaluation/documents.ts';
import {
  corpusTasks,
  type DrawnExamples,
  drawExamples,
  type ExampleCounts,
} from '../finetuning/corpus-tasks/draw-examples.ts';
import type { Example, PatternVerbalizer, Task } from '../finetuning/example.ts';
import type { Approach } from '../finetuning/run.ts';
import { readSuperGlue, superGlue } from '../finetuning/superglue/registry.ts';
import { readExamples, readPairs, readTaskFile } from '../finetuning/task-file.ts';
import { createRandom } from '../objective/random.ts';
import { loadTokenizer } from '../tokenizer/load.ts';
import { corpusPlaces } from '../training/corpus/corpus.ts';
import type { CorpusManifest } from '../training/corpus/manifest.ts';
import { openPackedCorpus } from '../training/corpus/packed-corpus.ts';
import { dataFolder, embeddedModel } from './environment.ts';

export const SEQ2SEQ = 'seq2seq';
export const TASK_NAMES = { corpus: corpusTasks.map(({ task }) => task.name), superGlue: Object.keys(superGlue) };

export interface ApproachOptions {
  pattern: number;
  lengthPenalty: number | undefined;
  head: 'cls' | 'mean' | undefined;
  smoothing: number;
  targetTokens: number;
}

export async function approachOf(name: string, options: ApproachOptions): Promise<Approach> {
  const { pattern: index, lengthPenalty, head, smoothing, targetTokens } = options;
  if (name === SEQ2SEQ) return { kind: 'seq2seq', smoothing, targetTokens };
  const task = await taskNamed(name);
  if (head) return { kind: 'head', task, pooling: head };
  const pattern: PatternVerbalizer | undefined = task.patterns[index];
  if (!pattern) {
    throw new RangeError(`--pattern: ${name} has the patterns 0 to ${task.patterns.length - 1}, not ${index}.`);
  }
  return { kind: 'cloze', task, pattern: lengthPenalty === undefined ? pattern : { ...pattern, lengthPenalty } };
}

async function taskNamed(name: string): Promise<Task> {
  const known = superGlue[name]?.task ?? corpusTasks.find(({ task }) => task.name === name)?.task;
  if (known) return known;
  if (name.endsWith('.json')) return readTaskFile(name);
  const names = [...TASK_NAMES.corpus, ...TASK_NAMES.superGlue, SEQ2SEQ];
  throw new Error(`There is no task "${name}". There are ${names.join(', ')}, and files that end in .json.`);
}

export interface DataOptions {
  counts: ExampleCounts;
  seed: number;
  folder: string | undefined;
  corpus: string | undefined;
}

/** The three sets, and a sentence for the report. */
export async function examplesOf(
  name: string,
  approach: Approach,
  { counts, seed, folder, corpus }: DataOptions,
): Promise<{ examples: DrawnExamples; data: string }> {
  const own = corpusTasks.find(({ task }) => task.name === name);
  if (own) {
    const { training, heldOut, fingerprint } = await openCorpus(corpus);
    return {
      examples: drawExamples(own, { training, heldOut }, counts, seed),
      data: `drawn from the corpus ${fingerprint.slice(0, 12)}, the test set from packages that were held out`,
    };
  }
  if (folder === undefined) throw new Error(`--task ${name} needs --data FOLDER with its train.jsonl and val.jsonl.`);
  const read = (file: string, training: boolean): Promise<Example[]> => {
    const path = join(folder, file);
    if (approach.kind === 'seq2seq') return readPairs(path);
    const published = superGlue[name];
    return published ? readSuperGlue(published, path, { training, seed }) : readExamples(approach.task, path);
  };
  const random = createRandom(seed);
  const all = random.shuffle(await read('train.jsonl', true));
  const apart = existsSync(join(folder, 'dev.jsonl'));
  const dev = apart ? await read('dev.jsonl', false) : all.splice(0, Math.min(counts.dev, all.length >> 1));
  const test = await read('val.jsonl', false);
  return {
    examples: { train: all.slice(0, counts.train), dev: dev.slice(0, counts.dev), test: test.slice(0, counts.test) },
    data: `${folder}: val.jsonl is the test set, the development set is ${apart ? 'dev.jsonl' : 'taken from train.jsonl'}`,
  };
}

export async function openCorpus(
  folder = corpusPlaces(dataFolder()).corpus,
): Promise<{ training: Documents; heldOut: Documents; fingerprint: string }> {
  const { tokenizer, sha256 } = await loadTokenizer(join(embeddedModel(), 'tokenizer.json'));
  const open = async (split: 'train' | 'heldout') =>
    packedDocuments(await openPackedCorpus(folder, split, sha256), tokenizer);
  const [training, heldOut] = [await open('train'), await open('heldout')];
  const { fingerprint }: CorpusManifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
  return { training, heldOut, fingerprint };
}
