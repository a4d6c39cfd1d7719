/**
 * Tunes a model on a project: files -> split -> memory with its gate -> training -> base and trained weights mixed -> each
 * measured on the unseen part and on the guard -> what holds by itself is kept. What is interrupted goes on when asked
 * for the same again.
 */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, realpath, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { sha256Of } from '../checkpoint/file-hash.ts';
import { drawTasks } from '../evaluation/draw-tasks.ts';
import type { Task } from '../evaluation/task.ts';
import { memoryBytes, type TunedMemory } from '../infill/project-memory.ts';
import { readMemory, writeMemory } from '../infill/stored-memory.ts';
import { loadModel } from '../load-model.ts';
import { loadModelFolder } from '../model/load.ts';
import { loadTokenizer } from '../tokenizer/load.ts';
import type { Progress } from '../training/pretrain.ts';
import { answersOf, CONTEXT_TOKENS, type TuningAnswers } from './answers.ts';
import { type Comparisons, compare, judge } from './comparison.ts';
import { guardFiles } from './guard.ts';
import { type AddedLines, addedLines, countPlaces } from './history/added-lines.ts';
import { lockHome } from './lock.ts';
import { OPEN_FILES, withOpenFiles } from './open-files.ts';
import { type ProjectFile, readProject } from './project-files.ts';
import type { TuningMethod } from './recipe.ts';
import { rememberProject } from './remember.ts';
import { tunedToMarkdown } from './report.ts';
import { fileDocuments, languagesOf, splitGuard, splitProject } from './split.ts';
import { type TrainedWeights, trainWeights } from './train-weights.ts';
import { listTuned, projectHome, type TunedModel } from './tuned-models.ts';

export interface TuneOptions {
  project: string;
  /** Folder of all tuned models. */
  tuned: string;
  /** The model to begin with; it is only read. */
  base: string;
  /** Time for training alone, or tokens, which repeat exactly on any machine. */
  budget: { minutes: number } | { tokens: number };
  method: TuningMethod;
  /** Learning rate at its peak. */
  rate: number;
  /** Of split, memory and training. */
  seed: number;
  /** Of the blanks that are measured on; `seed` where left out. */
  taskSeed?: number;
  /** Tasks of each kind on the project; the guard has half as many. By default as many as the unseen files have room for. */
  tasks?: number;
  /** Files that are open beside the one of a task, as in an editor; default 8. */
  openFiles?: number;
  /** Other projects whose files join the guard. */
  guardFolders: readonly string[];
  threads: number;
  /** Kernel level; empty for the best. */
  level: string;
  /** Bytes that training may count on; measured where left out. */
  freeMemory?: number;
  onStage?: (line: string) => void;
  onStep?: (progress: Progress) => void;
  onTask?: (done: number, all: number, stage: 'remembering' | 'measuring') => void;
  /** Ends after the step under way; the same call goes on from there. */
  signal?: AbortSignal;
}

/** The gate's blanks are drawn apart from those that are measured on; more of each kind change it little. */
const GATE_SEED = 1_000_003;
const GATE_TASKS = 60;
/** Tasks of each kind where nobody says otherwise. In fewer lines they would lie on each other, and count one thing twice. */
const MOST_TASKS = 60;
const LEAST_TASKS = 9;
const LINES_OF_TASK = 10;

/**
 * Throws when there is too little text, while the same project is being tuned already, when `signal` fires, and as
 * loading and training do.
 */
export async function tune(options: TuneOptions): Promise<TunedModel> {
  const home = await projectHome(options.tuned, options.project);
  const unlock = await lockHome(home);
  try {
    return await tuneIn(home, options);
  } finally {
    await unlock();
  }
}

async function tuneIn(home: string, options: TuneOptions): Promise<TunedModel> {
  const { seed, taskSeed = seed, openFiles = OPEN_FILES, signal, threads, level, method, onStage } = options;
  const began = performance.now();
  const project = await realpath(options.project);
  const { files } = await readProject(project, signal);
  const split = splitProject(files, seed);
  const guard = splitGuard(await guardFiles(options.guardFolders, files, signal), seed);
  const base = await loadModelFolder(options.base);
  const { tokenizer, sha256: tokenizerSha256 } = await loadTokenizer(join(options.base, 'tokenizer.json'));
  const baseSha256 = await sha256Of(join(options.base, 'model.safetensors'));
  const remembered = [...split.train, ...split.choice];
  const characters = remembered.reduce((sum, { text }) => sum + text.length, 0);
  onStage?.(
    `${remembered.length} files to learn from (${characters} characters; their memory takes up to ${megabytes(memoryBytes(characters))} MB), ${split.heldOut.length} kept unseen, ${guard.choice.length + guard.judging.length} in the guard.`,
  );

  const added: AddedLines = method === 'memory' ? new Map() : await addedLines(project, split.train, signal);
  if (added.size > 0)
    onStage?.(`${countPlaces(added)} places in ${added.size} files where recent commits added lines.`);

  const { tasks: perKind = tasksFor(split.heldOut) } = options;
  // Before anything is computed: a project without a place for some kind of blank is refused now.
  const draw = (own: readonly ProjectFile[], name: string, count: number, drawSeed: number): Task[] => {
    const languages = languagesOf(own);
    return drawTasks(fileDocuments(own, name), {
      perKind: Math.max(languages.length, count),
      seed: drawSeed,
      languages,
    });
  };
  const half = Math.ceil(perKind / 2);
  const tasks = {
    project: withOpenFiles(draw(split.heldOut, 'project', perKind, taskSeed), remembered, openFiles),
    guard: draw(guard.judging, 'guard', half, taskSeed),
  };
  const gateTasks = [
    ...withOpenFiles(
      draw(remembered, 'project', Math.min(GATE_TASKS, perKind), seed + GATE_SEED),
      remembered,
      openFiles,
    ),
    ...draw(guard.choice, 'guard', Math.min(GATE_TASKS, perKind) >> 1, seed + GATE_SEED),
  ];

  const run = join(home, 'unfinished');
  const fingerprint = fingerprintOf([
    options.budget,
    method,
    options.rate,
    seed,
    openFiles,
    baseSha256,
    tokenizerSha256,
    remembered,
    split.heldOut,
    [...added],
  ]);
  if ((await readFile(join(run, 'fingerprint'), 'utf8').catch(() => '')) !== fingerprint) {
    await rm(run, { recursive: true, force: true });
    await mkdir(run, { recursive: true });
    await writeFileAtomically(join(run, 'fingerprint'), fingerprint);
  }

  let memory = await readMemory(run, tokenizerSha256);
  if (!memory) {
    onStage?.('Remembering the project …');
    const model = await loadModel(options.base, { level, threads });
    let done = 0;
    try {
      memory = await rememberProject({
        model,
        files: remembered,
        tasks: gateTasks,
        contextTokens: CONTEXT_TOKENS,
        onTask: () => options.onTask?.(done++, gateTasks.length, 'remembering'),
        ...(signal ? { signal } : {}),
      });
    } finally {
      model.runtime.dispose();
    }
    await writeMemory(run, memory, tokenizerSha256);
  }

  const answer = (folder: string, own: TunedMemory | undefined, what: string): Promise<TuningAnswers> => {
    onStage?.(`Measuring ${what} …`);
    const all = tasks.project.length + tasks.guard.length;
    let done = 0;
    return answersOf(
      { folder, memory: own },
      tasks,
      { level, threads },
      () => options.onTask?.(done++, all, 'measuring'),
      signal,
    );
  };
  const between = (one: TuningAnswers, other: TuningAnswers): Comparisons => ({
    project: compare(one.project, other.project, seed),
    guard: compare(one.guard, other.guard, seed),
  });
  const before = await answer(options.base, undefined, 'the model that ships');
  const withMemory = await answer(options.base, memory, 'it with the memory');
  const memoryComparisons = between(before, withMemory);
  const memoryVerdict = judge(memoryComparisons);
  const kept = memoryVerdict.usable ? memory : undefined;
  let best = kept ? withMemory : before;

  let trained: TrainedWeights | undefined;
  let weights: TunedModel['weights'];
  if (method !== 'memory') {
    trained = await trainWeights({
      options: { ...options, method },
      run,
      base,
      tokenizer,
      tokenizerSha256,
      train: split.train,
      choice: split.choice,
      guardChoice: guard.choice,
      added,
      name: basename(project),
    });
    const after = trained.share > 0 ? await answer(trained.folder, kept, 'it with what was trained') : best;
    const comparisons = between(best, after);
    const verdict = judge(comparisons);
    const { folder: _, ...figures } = trained;
    weights = { method, ...figures, comparisons, verdict };
    if (verdict.usable) best = after;
    else trained = undefined;
  }

  const number = ((await listTuned(home)).at(-1)?.number ?? 0) + 1;
  const usable = kept !== undefined || trained !== undefined;
  const model: TunedModel = {
    format: 'cloze-tuned',
    version: 2,
    number,
    project,
    made: new Date().toISOString(),
    base: { name: base.metadata.recipe ?? base.family, sha256: baseSha256 },
    seed,
    seconds: Math.round((performance.now() - began) / 1000),
    files: {
      train: split.train.length,
      choice: split.choice.map(({ path }) => path),
      heldOut: split.heldOut.map(({ path }) => path),
    },
    memory: {
      files: memory.files.length,
      characters: memory.text.length,
      bytes: memoryBytes(memory.text.length),
      comparisons: memoryComparisons,
      verdict: memoryVerdict,
    },
    ...(weights ? { weights } : {}),
    comparisons: between(before, best),
    verdict: { usable, reasons: usable ? [] : memoryVerdict.reasons },
  };
  await finish(home, run, model, { base: options.base, trained, memory: kept, tokenizerSha256 });
  return model;
}

interface Finished {
  base: string;
  trained: TrainedWeights | undefined;
  memory: TunedMemory | undefined;
  tokenizerSha256: string;
}

/** Makes the run a tuned model: a whole model folder with what is kept, the report, and the log. */
async function finish(home: string, run: string, model: TunedModel, parts: Finished): Promise<void> {
  const folder = join(run, 'finished');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  for (const name of ['model.safetensors', 'config.json', 'tokenizer.json']) {
    await copyFile(join(parts.trained?.folder ?? parts.base, name), join(folder, name));
  }
  if (parts.memory) await writeMemory(folder, parts.memory, parts.tokenizerSha256);
  await writeFileAtomically(join(run, 'tuned.json'), `${JSON.stringify(model, null, 2)}\n`);
  await writeFileAtomically(join(run, 'report.md'), tunedToMarkdown(model));
  await rm(join(run, 'model'), { recursive: true, force: true });
  await rename(folder, join(run, 'model'));
  for (const name of ['mixed', 'checkpoints', 'fingerprint', 'plan.json', 'memory.json', 'memory.order']) {
    await rm(join(run, name), { recursive: true, force: true });
  }
  await rename(run, join(home, String(model.number)));
}

function tasksFor(unseen: readonly ProjectFile[]): number {
  const lines = unseen.reduce((sum, { text }) => sum + text.split('\n').length, 0);
  return Math.min(MOST_TASKS, Math.max(LEAST_TASKS, Math.floor(lines / LINES_OF_TASK)));
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

/** Everything that decides what is computed before the measurement. */
function fingerprintOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
