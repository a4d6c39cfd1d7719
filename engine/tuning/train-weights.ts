/** Trains a model on a project's files and mixes what came of it with the base; what is interrupted goes on. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { inWords } from '../fit/fit.ts';
import { measureMemory } from '../fit/memory.ts';
import { loadModelFolder, type ModelFolder } from '../model/load.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { pretrain } from '../training/pretrain.ts';
import { type AddedLines, countPlaces } from './history/added-lines.ts';
import { withWritten } from './history/written-samples.ts';
import { chooseShare, type MixturePoint, mixtureCurve, writeMixture } from './mixing.ts';
import { passThatFits } from './pass.ts';
import type { ProjectFile } from './project-files.ts';
import { affordableTokens, type TrainingMethod, tuningRecipe } from './recipe.ts';
import { fileCorpus } from './split.ts';
import type { TuneOptions } from './tune.ts';

export interface TrainedWeights {
  /** The mixture's model folder; none is there where `share` is 0. */
  folder: string;
  tokens: number;
  corpus: number;
  seconds: number;
  share: number;
  curve: MixturePoint[];
  /** Bytes that training takes in memory, as predicted before it. */
  bytes: number;
  /** Places where commits added lines, whose blanks were among those trained on. */
  written: number;
}

interface Plan {
  tokens: number;
  /** Rows of a pass: fewer where memory is short. */
  microTokens: number;
  /** Spent in earlier sittings. */
  seconds: number;
}

interface Parts {
  options: Omit<TuneOptions, 'method'> & { method: TrainingMethod };
  /** Folder of the run; a plan in it is gone on with. */
  run: string;
  base: ModelFolder;
  tokenizer: Tokenizer;
  tokenizerSha256: string;
  train: readonly ProjectFile[];
  choice: readonly ProjectFile[];
  guardChoice: readonly ProjectFile[];
  /** Of the training files. */
  added: AddedLines;
  /** Of the project. */
  name: string;
}

const SAVE_EVERY = 30;

/** Throws as training does, and when the options' signal fires. */
export async function trainWeights(parts: Parts): Promise<TrainedWeights> {
  const { options, run, base, tokenizer, name } = parts;
  const { signal, threads, level, budget } = options;
  const execution = { level, threads, precision: 'bfloat16' as const };
  const corpus = fileCorpus(parts.train, tokenizer, name);
  const choice = fileCorpus(parts.choice, tokenizer, name);
  const plain = tuningRecipe(base, options.method, options.rate);
  let plan = await readPlan(run);
  const pass = passThatFits(plain, execution, plan?.microTokens, options.freeMemory ?? measureMemory().available);
  options.onStage?.(`Training takes up to ${inWords(pass.bytes)} of memory, in passes of ${pass.microTokens} tokens.`);
  const recipe = { ...withWritten(plain, parts.train, corpus, parts.added), microTokens: pass.microTokens };
  if (!plan) {
    const tokens =
      'tokens' in budget
        ? budget.tokens
        : await affordableTokens(recipe, base, corpus, tokenizer, { minutes: budget.minutes, execution });
    plan = { tokens, microTokens: pass.microTokens, seconds: 0 };
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
    tokenizerSha256: parts.tokenizerSha256,
    corpus,
    heldOut: choice,
    seed: options.seed,
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
    project: choice,
    guard: fileCorpus(parts.guardChoice, tokenizer, 'guard'),
    execution,
    ...(signal ? { signal } : {}),
  });
  const share = chooseShare(curve);
  const folder = join(run, 'mixed');
  await rm(folder, { recursive: true, force: true });
  if (share > 0) await writeMixture(base, tuned, share, folder);
  const written = recipe.samples === plain.samples ? 0 : countPlaces(parts.added);
  const seconds = Math.round(plan.seconds);
  return { folder, tokens: end.tokens, corpus: corpus.tokens, seconds, share, curve, bytes: pass.bytes, written };
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
