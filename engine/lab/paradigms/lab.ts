/**
 * All runs of the lab, seed by seed, so that a lab that is stopped early has every paradigm. What is finished is kept:
 * the model of a run in its folder, its figures beside it. A run that was killed goes on from its checkpoint.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../checkpoint/atomic-write.ts';
import { packedDocuments } from '../../evaluation/documents.ts';
import { loadModelFolder } from '../../model/load.ts';
import type { ExecutionOptions } from '../../native.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { PackedCorpus } from '../../training/corpus/packed-corpus.ts';
import { type Progress, pretrain } from '../../training/pretrain.ts';
import type { RunPosition } from '../../training/training-state.ts';
import { drawHeldOut } from './held-out.ts';
import { MEASURED_AS, type MeasuredModel, measureModel } from './measure.ts';
import type { LabParadigm } from './paradigm.ts';
import { hashOf, labRecipe, type MeasuringPlan, nameOf, type TrainingPlan } from './plan.ts';

export interface LabOptions {
  paradigms: readonly LabParadigm[];
  training: TrainingPlan;
  measuring: MeasuringPlan;
  seeds: readonly number[];
  folder: string;
  tokenizer: Tokenizer;
  tokenizerFolder: string;
  tokenizerSha256: string;
  corpus: { training: PackedCorpus; heldOut: PackedCorpus; fingerprint: string };
  execution: ExecutionOptions;
  /** Seconds between checkpoints. */
  saveEvery: number;
  onProgress?: (run: string, progress: Progress) => void;
  onRun?: (run: LabRun, fresh: boolean) => void;
  /** Ends the lab after the step under way, with a checkpoint. */
  signal?: AbortSignal;
}

/** What a run came to. */
export interface LabRun {
  paradigm: string;
  seed: number;
  /** Rows seen, and those of them that counted in the loss. */
  rows: number;
  counted: number;
  measured: MeasuredModel;
}

/** Throws an AbortError when it is stopped; what was finished until then is found again. */
export async function runLab(options: LabOptions): Promise<LabRun[]> {
  const { paradigms, training, measuring, corpus, seeds, tokenizer, execution, signal } = options;
  const heldOut = drawHeldOut({ corpus: corpus.heldOut, tokenizer, length: training.length }, measuring);
  const documents = {
    training: packedDocuments(corpus.training, tokenizer),
    heldOut: packedDocuments(corpus.heldOut, tokenizer),
  };
  const runs: LabRun[] = [];
  for (const seed of seeds) {
    for (const paradigm of paradigms) {
      signal?.throwIfAborted();
      const folder = join(options.folder, nameOf(training), hashOf(corpus.fingerprint), `${paradigm.name}-${seed}`);
      const path = join(folder, `measured-${hashOf(measuring, MEASURED_AS)}.json`);
      const kept = await readJson<LabRun>(path);
      if (kept) {
        runs.push(kept);
        options.onRun?.(kept, false);
        continue;
      }
      await mkdir(folder, { recursive: true });
      const trained = await train(options, paradigm, seed, folder);
      const measured = await measureModel({
        paradigm,
        model: await loadModelFolder(join(folder, 'model')),
        tokenizer,
        heldOut,
        documents,
        plan: measuring,
        seed,
        execution,
        signal,
      });
      const run = { paradigm: paradigm.name, seed, rows: trained.tokens, counted: trained.counted, measured };
      await writeFileAtomically(path, `${JSON.stringify(run, null, 2)}\n`);
      runs.push(run);
      options.onRun?.(run, true);
    }
  }
  return runs;
}

/** Leaves the model and a note that it is finished; the checkpoints, six times as large, are removed. */
async function train(
  options: LabOptions,
  paradigm: LabParadigm,
  seed: number,
  folder: string,
): Promise<Pick<RunPosition, 'tokens' | 'counted'>> {
  const { training, tokenizer, corpus, signal, onProgress } = options;
  const note = join(folder, 'trained.json');
  const before = await readJson<RunPosition>(note);
  if (before) return before;
  const run = `${paradigm.name}-${seed}`;
  const position = await pretrain({
    recipe: labRecipe(training, paradigm, tokenizer.vocabSize),
    run: folder,
    tokenizer,
    tokenizerFolder: options.tokenizerFolder,
    tokenizerSha256: options.tokenizerSha256,
    corpus: corpus.training,
    heldOut: corpus.heldOut,
    seed,
    tokens: training.tokens,
    resume: true,
    execution: options.execution,
    saveEvery: options.saveEvery,
    ...(onProgress ? { onProgress: (progress) => onProgress(run, progress) } : {}),
    ...(signal ? { signal } : {}),
  });
  signal?.throwIfAborted();
  await writeFileAtomically(note, `${JSON.stringify(position)}\n`);
  await rm(join(folder, 'checkpoints'), { recursive: true, force: true });
  return position;
}

async function readJson<T>(path: string): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${path} cannot be read: ${(error as Error).message}. Remove it to make it again.`);
  }
}
