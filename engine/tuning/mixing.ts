/**
 * Weights between those of the base and those that training came to (WiSE-FT: Wortsman et al. 2022, arXiv 2109.01903):
 * base + share (tuned - base). What was learned of the project grows with the share sooner than what is lost of other
 * text does, so the share is chosen on files kept for it, of the project and of the guard.
 */
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { float32ToBfloat16 } from '../checkpoint/float-formats.ts';
import { floatsOf, writeSafetensors } from '../checkpoint/safetensors.ts';
import { tensorShapes } from '../model/config.ts';
import type { ModelFolder } from '../model/load.ts';
import { type ExecutionOptions, loadAddon, type NativeTrainer } from '../native.ts';
import { createRandom } from '../objective/random.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { microBatches, toBatch } from '../training/batch.ts';
import type { PackedCorpus } from '../training/corpus/packed-corpus.ts';
import type { Recipe } from '../training/recipes.ts';
import { sampleDrawer } from '../training/sample-drawer.ts';

/** Losses at one share: nats a token on samples of the project's files for choosing, and of the guard's. */
export interface MixturePoint {
  share: number;
  project: number;
  guard: number;
}

/** Closer where the guard's loss begins to rise. */
const SHARES: readonly number[] = [0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7, 1];
const SAMPLES = 40;
/**
 * How much the guard's loss may rise, as a share of what it was: less than half of what the verdict allows, as the files
 * there are others.
 */
const GUARD_ROOM = 0.002;

type Weights = ReadonlyMap<string, Float32Array>;

export interface MixtureParts {
  base: ModelFolder;
  tuned: ModelFolder;
  recipe: Recipe;
  tokenizer: Tokenizer;
  /** Files that were neither trained on nor are measured on in the end. */
  project: PackedCorpus;
  guard: PackedCorpus;
  execution: ExecutionOptions;
  signal?: AbortSignal;
}

/** The losses at one share after another, up to the first one that costs the guard too much. */
export async function mixtureCurve(parts: MixtureParts): Promise<MixturePoint[]> {
  const { recipe, tokenizer, execution, signal } = parts;
  const [base, tuned] = [await weightsOf(parts.base), await weightsOf(parts.tuned)];
  const trainer = new (loadAddon().Trainer)(recipe.config, execution);
  const draw = sampleDrawer(recipe, tokenizer);
  const batchesOf = (corpus: PackedCorpus) => {
    const random = createRandom(1);
    const samples = Array.from({ length: SAMPLES }, () => draw(corpus, random));
    return microBatches(samples, recipe.microTokens).map(toBatch);
  };
  const [project, guard] = [batchesOf(parts.project), batchesOf(parts.guard)];
  const lossOf = async (batches: typeof project) => {
    let sum = 0;
    let count = 0;
    for (const batch of batches) {
      signal?.throwIfAborted();
      const loss = await trainer.evaluate(batch);
      sum += loss.sum;
      count += loss.count;
    }
    return sum / count;
  };
  const curve: MixturePoint[] = [];
  for (const share of SHARES) {
    setMixed(trainer, base, tuned, share);
    await trainer.pack();
    curve.push({ share, project: await lossOf(project), guard: await lossOf(guard) });
    if (!isSafe(curve, curve.length - 1)) break;
  }
  trainer.dispose();
  return curve;
}

/**
 * `curve` begins with the base and rises. The share with the least loss on the project among those that leave the guard's
 * within `GUARD_ROOM`; 0, nothing of the change, where no other does.
 */
export function chooseShare(curve: readonly MixturePoint[]): number {
  const [base] = curve;
  if (!base) throw new Error('A share is chosen from the losses of the base and of mixtures.');
  const allowed = curve.filter((_, index) => isSafe(curve, index));
  return allowed.reduce((best, point) => (point.project < best.project ? point : best), base).share;
}

function isSafe(curve: readonly MixturePoint[], index: number): boolean {
  const [before, point] = [curve[0], curve[index]];
  return before !== undefined && point !== undefined && point.guard <= before.guard * (1 + GUARD_ROOM);
}

/** Writes the model folder of the mixture, beside which nothing of `tuned` is needed. */
export async function writeMixture(
  base: ModelFolder,
  tuned: ModelFolder,
  share: number,
  folder: string,
): Promise<void> {
  const [first, second] = [await weightsOf(base), await weightsOf(tuned)];
  await mkdir(folder, { recursive: true });
  const plans = tensorShapes(tuned.config).map(({ name, shape }) => ({ name, shape, dtype: 'BF16' as const }));
  await writeSafetensors(
    join(folder, 'model.safetensors'),
    plans,
    (name) => {
      const rounded = float32ToBfloat16(mixed(first, second, name, share));
      return new Uint8Array(rounded.buffer, rounded.byteOffset, rounded.byteLength);
    },
    tuned.metadata,
  );
  for (const name of ['config.json', 'tokenizer.json']) await cp(join(tuned.path, name), join(folder, name));
}

function setMixed(trainer: NativeTrainer, base: Weights, tuned: Weights, share: number): void {
  for (const name of base.keys()) trainer.set(name, mixed(base, tuned, name, share), 'parameter');
}

function mixed(base: Weights, tuned: Weights, name: string, share: number): Float32Array {
  const [from, to] = [base.get(name), tuned.get(name)];
  if (!from || !to || from.length !== to.length) throw new Error(`Base and tuned model do not both have ${name}.`);
  return from.map((value, index) => value + share * ((to[index] as number) - value));
}

async function weightsOf(folder: ModelFolder): Promise<Weights> {
  const weights = new Map<string, Float32Array>();
  for await (const { name, dtype, data } of folder.tensors()) weights.set(name, floatsOf(data, dtype));
  return weights;
}
