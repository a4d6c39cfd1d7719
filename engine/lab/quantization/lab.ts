/**
 * The INT4 law: models of several sizes of two recipes, trained on the same samples in the same order, each measured
 * whole and quantised in every way. Everything that is done is kept in a folder under a name that holds the hash of all
 * that decides it, so that a run goes on where it was stopped and nothing is done twice.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../checkpoint/atomic-write.ts';
import { sha256Of } from '../../checkpoint/file-hash.ts';
import { parameterCount } from '../../model/config.ts';
import { loadModelFolder } from '../../model/load.ts';
import type { ExecutionOptions } from '../../native.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { PackedCorpus } from '../../training/corpus/packed-corpus.ts';
import { type Progress, pretrain } from '../../training/pretrain.ts';
import { savedPosition } from '../../training/training-state.ts';
import { drawHeldOut, frequencyBits, type HeldOutText } from './held-out.ts';
import { type Judge, NATIVE_FORMATS, nativeBits, nativeName, openJudge } from './judge.ts';
import { FAMILIES, type FamilyName, labRecipe, quantisedParameters, type Size, sizeName } from './recipes.ts';
import { SCHEMES, schemeName } from './schemes.ts';
import { type Spread, spreadsOf } from './weights.ts';

export interface LabOptions {
  sizes: readonly Size[];
  /** Rows that each model sees. */
  tokens: number;
  /** Held-out documents. */
  documents: number;
  seed: number;
  /** Where runs and figures are kept. */
  folder: string;
  corpus: PackedCorpus;
  heldOut: PackedCorpus;
  /** Of the corpus. */
  fingerprint: string;
  tokenizer: Tokenizer;
  tokenizerFolder: string;
  tokenizerSha256: string;
  /** A trained model with this tokenizer that is measured beside those of the lab. */
  beside?: { name: string; folder: string } | undefined;
  execution: Omit<ExecutionOptions, 'precision'>;
  saveEvery: number;
  onLine?: (line: string) => void;
  onProgress?: (model: string, progress: Progress) => void;
  signal?: AbortSignal;
}

export interface LabModel {
  name: string;
  family: FamilyName | 'beside';
  /** In the matrices that are quantised, and in all. */
  quantised: number;
  parameters: number;
  /** Rows that it has seen in training, and what it began with, where its file says so. */
  tokens?: number;
  from?: string;
  /** C */
  width: number;
  /** Bits of each held-out text, whole and by the name of the scheme. */
  whole: number[];
  schemes: Record<string, number[]>;
  spreads: Spread[];
}

export interface LabResult {
  models: LabModel[];
  /** UTF-8 bytes of what is predicted of each held-out text. */
  bytes: number[];
  /** Bits of each text for something that knows how frequent tokens are in training, and nothing more. */
  frequencies: number[];
}

/** Trains what is missing, measures what is missing. Throws the signal's reason when stopped; called again it goes on. */
export async function quantizationLab(options: LabOptions): Promise<LabResult> {
  const { folder, sizes, heldOut, tokenizer, documents, seed, beside } = options;
  await mkdir(folder, { recursive: true });
  const texts = drawHeldOut(heldOut, tokenizer, documents, seed);
  const models: LabModel[] = [];
  // Size by size: what is stopped early has both recipes.
  for (const size of sizes) {
    for (const family of FAMILIES) {
      const run = await trained(options, family, size);
      models.push(await measured(options, texts, { name: `${family}-${sizeName(size)}`, family, folder: run }));
    }
  }
  if (beside) models.push(await measured(options, texts, { ...beside, family: 'beside' }));
  return {
    models,
    bytes: texts.map(({ bytes }) => bytes),
    frequencies: frequencyBits(options.corpus, tokenizer.vocabSize, texts),
  };
}

/** The folder of the trained model. */
async function trained(options: LabOptions, family: FamilyName, size: Size): Promise<string> {
  const { tokens, seed, fingerprint, tokenizer, tokenizerSha256, execution, onProgress, signal } = options;
  signal?.throwIfAborted();
  const recipe = labRecipe(family, size, tokenizer.vocabSize);
  const run = join(options.folder, `${recipe.name}-${hashOf([recipe, tokens, seed, fingerprint, tokenizerSha256])}`);
  const model = join(run, 'model');
  const done = join(run, 'done.json');
  if (await readJson(done)) return model;
  options.onLine?.(`${recipe.name}: training${(await savedPosition(run)) ? ' goes on' : ''}`);
  const end = await pretrain({
    recipe,
    run,
    tokenizer,
    tokenizerFolder: options.tokenizerFolder,
    tokenizerSha256,
    corpus: options.corpus,
    heldOut: options.heldOut,
    seed,
    dataSeed: seed,
    tokens,
    resume: true,
    execution: { ...execution, precision: 'bfloat16' },
    saveEvery: options.saveEvery,
    onProgress: (progress) => onProgress?.(recipe.name, progress),
    ...(signal ? { signal } : {}),
  });
  signal?.throwIfAborted();
  await writeFileAtomically(done, `${JSON.stringify(end)}\n`);
  return model;
}

async function measured(
  { folder, tokenizer, execution, onLine, signal }: LabOptions,
  texts: readonly HeldOutText[],
  { name, family, folder: path }: { name: string; family: LabModel['family']; folder: string },
): Promise<LabModel> {
  const loaded = await loadModelFolder(path);
  const read = texts.map(({ head, shown, predicted }) => [head, [...shown], [...predicted]]);
  const made = [await sha256Of(join(path, 'model.safetensors')), hashOf(read)];
  const kept = async <T>(what: string, measure: () => Promise<T>): Promise<T> => {
    const own = join(folder, `${name}-${what.replaceAll(' ', '-')}-${hashOf([...made, what])}.json`);
    const found = (await readJson(own)) as T | undefined;
    if (found) return found;
    signal?.throwIfAborted();
    const value = await measure();
    onLine?.(`${name}: ${what}`);
    await writeFileAtomically(own, `${JSON.stringify(value)}\n`);
    return value;
  };
  let opened: Promise<Judge> | undefined;
  // Not before it is needed: a result that is kept costs no model.
  const judge = () => {
    opened ??= openJudge(loaded, texts, tokenizer, execution);
    return opened;
  };
  const schemes: Record<string, number[]> = {};
  const whole = await kept('whole', async () => (await judge()).bits(undefined, signal));
  for (const scheme of SCHEMES) {
    schemes[schemeName(scheme)] = await kept(schemeName(scheme), async () => (await judge()).bits(scheme, signal));
  }
  for (const format of NATIVE_FORMATS) {
    const own = { ...execution, ...format };
    schemes[nativeName(format)] = await kept(nativeName(format), () =>
      nativeBits(loaded, texts, tokenizer, own, signal),
    );
  }
  const { config, metadata } = loaded;
  return {
    name,
    family,
    quantised: quantisedParameters(config),
    parameters: parameterCount(config),
    ...(metadata.tokens ? { tokens: Number(metadata.tokens) } : {}),
    ...(metadata.from ? { from: metadata.from } : {}),
    width: config.hiddenSize,
    whole,
    schemes,
    spreads: await kept('weights', async () => spreadsOf((await judge()).matrices)),
  };
}

function hashOf(made: unknown): string {
  return createHash('sha256').update(JSON.stringify(made)).digest('hex').slice(0, 12);
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`${path} cannot be read: ${(error as Error).message}. Remove it to have it made again.`);
  }
}
