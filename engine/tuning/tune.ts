/**
 * Tunes a model on a project: files -> split -> training on the one part -> base and tuned weights mixed -> both models
 * measured on the unseen part and on the guard -> verdict. What is interrupted goes on when asked for the same again.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, realpath, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { sha256Of } from '../checkpoint/file-hash.ts';
import { drawTasks } from '../evaluation/draw-tasks.ts';
import { loadModelFolder } from '../model/load.ts';
import { loadTokenizer } from '../tokenizer/load.ts';
import { type Progress, pretrain } from '../training/pretrain.ts';
import { answerCount, answersOf } from './answers.ts';
import { compare, judge } from './comparison.ts';
import { guardFiles } from './guard.ts';
import { lockHome } from './lock.ts';
import { chooseShare, mixtureCurve, writeMixture } from './mixing.ts';
import { readProject } from './project-files.ts';
import { affordableTokens, type TuningMethod, tuningRecipe } from './recipe.ts';
import { tunedToMarkdown } from './report.ts';
import { fileCorpus, fileDocuments, languagesOf, splitGuard, splitProject } from './split.ts';
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
  seed: number;
  /** Tasks of each kind on the project; the guard has half as many. */
  tasks: number;
  /** Other projects whose files join the guard. */
  guardFolders: readonly string[];
  threads: number;
  /** Kernel level; empty for the best. */
  level: string;
  onStage?: (line: string) => void;
  onStep?: (progress: Progress) => void;
  onTask?: (done: number, all: number) => void;
  /** Ends after the step under way; the same call goes on from there. */
  signal?: AbortSignal;
}

interface Plan {
  fingerprint: string;
  tokens: number;
  /** Spent in earlier sittings. */
  seconds: number;
}

const SAVE_EVERY = 30;

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
  const { seed, signal, threads, level } = options;
  const project = await realpath(options.project);
  const { files } = await readProject(project, signal);
  const { train, choice, heldOut } = splitProject(files, seed);
  const guard = splitGuard(await guardFiles(options.guardFolders, files, signal), seed);
  const base = await loadModelFolder(options.base);
  const recipe = tuningRecipe(base, options.method, options.rate);
  const { tokenizer, sha256: tokenizerSha256 } = await loadTokenizer(join(options.base, 'tokenizer.json'));
  const corpusOf = (own: typeof files) => fileCorpus(own, tokenizer, basename(project));
  const corpus = corpusOf(train);
  const baseSha256 = await sha256Of(join(options.base, 'model.safetensors'));
  options.onStage?.(
    `${train.length} files (${corpus.tokens} tokens) to learn from, ${choice.length} to choose with, ${heldOut.length} kept unseen, ${guard.choice.length + guard.judging.length} in the guard.`,
  );

  // Before anything is trained: a project without a place for some kind of blank is refused now.
  const tasks = {
    project: drawTasks(fileDocuments(heldOut, 'project'), {
      perKind: options.tasks,
      seed,
      languages: languagesOf(heldOut),
    }),
    guard: drawTasks(fileDocuments(guard.judging, 'guard'), {
      perKind: Math.max(languagesOf(guard.judging).length, Math.ceil(options.tasks / 2)),
      seed,
      languages: languagesOf(guard.judging),
    }),
  };

  const run = join(home, 'unfinished');
  const execution = { level, threads, precision: 'bfloat16' as const };
  const fingerprint = fingerprintOf([
    options.budget,
    options.method,
    options.rate,
    seed,
    baseSha256,
    tokenizerSha256,
    train,
    heldOut,
  ]);
  let plan = await readPlan(run);
  if (plan?.fingerprint !== fingerprint) {
    await rm(run, { recursive: true, force: true });
    await mkdir(run, { recursive: true });
    const { budget } = options;
    const tokens =
      'tokens' in budget
        ? budget.tokens
        : await affordableTokens(recipe, base, corpus, tokenizer, { minutes: budget.minutes, execution });
    plan = { fingerprint, tokens, seconds: 0 };
    await writePlan(run, plan);
  }
  options.onStage?.(
    `Training on ${plan.tokens} tokens: ${(plan.tokens / corpus.tokens).toFixed(1)} times the files’ own.`,
  );
  const started = performance.now();
  const end = await pretrain({
    recipe,
    run,
    tokenizer,
    tokenizerFolder: options.base,
    tokenizerSha256,
    corpus,
    heldOut: corpusOf(choice),
    seed,
    tokens: plan.tokens,
    resume: true,
    from: base,
    execution,
    saveEvery: SAVE_EVERY,
    ...(options.onStep ? { onProgress: options.onStep } : {}),
    ...(signal ? { signal } : {}),
  });
  plan = { ...plan, seconds: plan.seconds + (performance.now() - started) / 1000 };
  await writePlan(run, plan);
  signal?.throwIfAborted();

  options.onStage?.('Choosing how much of the change to take …');
  const tuned = await loadModelFolder(join(run, 'model'));
  const curve = await mixtureCurve({
    base,
    tuned,
    recipe,
    tokenizer,
    project: corpusOf(choice),
    guard: fileCorpus(guard.choice, tokenizer, 'guard'),
    execution,
    ...(signal ? { signal } : {}),
  });
  const share = chooseShare(curve);
  const mixed = join(run, 'mixed');
  await rm(mixed, { recursive: true, force: true });
  await writeMixture(base, tuned, share, mixed);

  options.onStage?.('Measuring before and after …');
  const all = 2 * answerCount(tasks);
  let done = 0;
  const answer = (folder: string) =>
    answersOf(folder, tasks, { level, threads }, () => options.onTask?.(done++, all), signal);
  const before = await answer(options.base);
  const after = await answer(mixed);
  const comparisons = {
    project: compare(before.project, after.project, seed),
    guard: compare(before.guard, after.guard, seed),
    alone: compare(before.alone, after.alone, seed),
  };
  const number = ((await listTuned(home)).at(-1)?.number ?? 0) + 1;
  const model: TunedModel = {
    format: 'cloze-tuned',
    version: 1,
    number,
    project,
    made: new Date().toISOString(),
    base: { name: base.metadata.recipe ?? base.family, sha256: baseSha256 },
    seed,
    trained: { method: options.method, tokens: end.tokens, corpus: corpus.tokens, seconds: Math.round(plan.seconds) },
    files: { train: train.length, choice: choice.map(({ path }) => path), heldOut: heldOut.map(({ path }) => path) },
    mixture: { share, curve },
    comparisons,
    verdict: judge(comparisons.project, comparisons.guard),
  };
  await writeFileAtomically(join(run, 'tuned.json'), `${JSON.stringify(model, null, 2)}\n`);
  await writeFileAtomically(join(run, 'report.md'), tunedToMarkdown(model));
  const finished = join(home, String(number));
  await rm(join(run, 'model'), { recursive: true });
  await rename(mixed, join(run, 'model'));
  await rename(run, finished);
  await rm(join(finished, 'checkpoints'), { recursive: true, force: true });
  return model;
}

/** Everything that decides what the training computes. */
function fingerprintOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

async function readPlan(run: string): Promise<Plan | undefined> {
  try {
    return JSON.parse(await readFile(join(run, 'plan.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

async function writePlan(run: string, plan: Plan): Promise<void> {
  await writeFileAtomically(join(run, 'plan.json'), `${JSON.stringify(plan, null, 2)}\n`);
}
