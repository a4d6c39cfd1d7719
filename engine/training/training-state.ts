/**
 * Checkpoints of a run: `<run>/checkpoints/step-N/` with parameters and moments as float32 safetensors and the run's
 * position as JSON. A folder is written aside and renamed when complete, so a run killed at any instant finds the
 * newest whole one; the two newest are kept.
 */
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { floatsOf, openSafetensors, writeSafetensors } from '../checkpoint/safetensors.ts';
import { type GlmConfig, tensorShapes } from '../model/config.ts';
import type { NativeTrainer, TrainerVector } from '../native.ts';
import type { RandomState } from '../objective/random.ts';

export interface RunPosition {
  recipe: string;
  seed: number;
  step: number;
  /** Rows seen, Part A and Part B. */
  tokens: number;
  /** Rows that counted in the loss. */
  counted: number;
  /** The generator before the samples of step `step` are drawn. */
  random: RandomState;
  /** The trained model that the run began with, in words; absent after random weights. */
  from?: string;
}

const VECTORS: readonly TrainerVector[] = ['parameter', 'moment1', 'moment2'];
const KEPT = 2;

export async function saveState(
  run: string,
  trainer: NativeTrainer,
  config: GlmConfig,
  position: RunPosition,
): Promise<void> {
  const folder = join(run, 'checkpoints');
  const aside = join(folder, `writing-${position.step}`);
  const whole = join(folder, `step-${position.step}`);
  await removeParts(folder);
  await mkdir(aside, { recursive: true });
  for (const vector of VECTORS) {
    const plans = tensorShapes(config).map(({ name, shape }) => ({ name, shape, dtype: 'F32' as const }));
    await writeSafetensors(join(aside, `${vector}.safetensors`), plans, (name) => {
      const values = trainer.get(name, vector);
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    });
  }
  await writeFileAtomically(join(aside, 'position.json'), `${JSON.stringify(position, null, 2)}\n`);
  await rm(whole, { recursive: true, force: true });
  await rename(aside, whole);
  for (const step of (await savedSteps(run)).slice(0, -KEPT)) {
    await rm(join(folder, `step-${step}`), { recursive: true, force: true });
  }
}

/** Removes what a kill or a full disk left half written. */
async function removeParts(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [] as string[]);
  for (const name of names.filter((own) => own.startsWith('writing-'))) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Steps of the complete checkpoints, ascending. */
export async function savedSteps(run: string): Promise<number[]> {
  const names = await readdir(join(run, 'checkpoints')).catch(() => [] as string[]);
  return names
    .map((name) => Number(/^step-(\d+)$/.exec(name)?.[1] ?? Number.NaN))
    .filter((step) => !Number.isNaN(step))
    .sort((a, b) => a - b);
}

/** Where the newest checkpoint stands; undefined when the run has none. */
export async function savedPosition(run: string): Promise<RunPosition | undefined> {
  const step = (await savedSteps(run)).at(-1);
  if (step === undefined) return undefined;
  const path = join(run, 'checkpoints', `step-${step}`, 'position.json');
  return JSON.parse(await readFile(path, 'utf8')) as RunPosition;
}

/** Restores the checkpoint that stands at `step` into the trainer. */
export async function restoreState(
  run: string,
  trainer: NativeTrainer,
  config: GlmConfig,
  step: number,
): Promise<void> {
  const folder = join(run, 'checkpoints', `step-${step}`);
  for (const vector of VECTORS) {
    const file = await openSafetensors(join(folder, `${vector}.safetensors`));
    try {
      for (const { name } of tensorShapes(config)) trainer.set(name, floatsOf(await file.read(name), 'F32'), vector);
    } finally {
      await file.close();
    }
  }
  trainer.steps = step;
  await trainer.pack();
}
