/**
 * Checkpoints of a run: `<run>/checkpoints/step-N/` with the parameters that are trained and their moments as float32
 * safetensors and the run's position as JSON. A folder is written aside and renamed when complete, so a run killed at any instant finds the
 * newest whole one; the two newest are kept.
 */
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { floatsOf, openSafetensors, writeSafetensors } from '../checkpoint/safetensors.ts';
import type { GlmTensorShape } from '../model/config.ts';
import type { NativeTrainer, TrainerVector } from '../native.ts';
import type { RandomState } from '../objective/random.ts';
import type { LossScale } from './loss-scale.ts';
import { isRewindPoint, type SpikeWatch } from './spike.ts';

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
  /** What the remedy for loss spikes remembers, where the recipe has one. */
  watch?: SpikeWatch;
  /** Of a run in float16. */
  lossScale?: LossScale;
}

const VECTORS: readonly TrainerVector[] = ['parameter', 'moment1', 'moment2'];
const KEPT = 2;

/** `rewindEvery`: of the checkpoints at multiples of so many steps, too, the two newest are kept. */
export async function saveState(
  run: string,
  trainer: NativeTrainer,
  shapes: readonly GlmTensorShape[],
  position: RunPosition,
  rewindEvery?: number,
): Promise<void> {
  const folder = join(run, 'checkpoints');
  const aside = join(folder, `writing-${position.step}`);
  const whole = join(folder, `step-${position.step}`);
  await removeParts(folder);
  // A step that is there already is the same to the bit, and taking it away first could lose it.
  if ((await savedSteps(run)).includes(position.step)) return;
  await mkdir(aside, { recursive: true });
  for (const vector of VECTORS) {
    const plans = shapes.map(({ name, shape }) => ({ name, shape, dtype: 'F32' as const }));
    await writeSafetensors(join(aside, `${vector}.safetensors`), plans, (name) => {
      const values = trainer.get(name, vector);
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    });
  }
  await writeFileAtomically(join(aside, 'position.json'), `${JSON.stringify(position, null, 2)}\n`);
  await rename(aside, whole);
  const steps = await savedSteps(run);
  const kept = new Set(steps.slice(-KEPT));
  if (rewindEvery !== undefined) {
    for (const step of steps.filter((own) => isRewindPoint(rewindEvery, own)).slice(-KEPT)) kept.add(step);
  }
  for (const step of steps) if (!kept.has(step)) await removeCheckpoint(run, step);
}

/** Removes the checkpoints of steps after `step`; a kill in between leaves whole ones only. */
export async function removeCheckpointsAfter(run: string, step: number): Promise<void> {
  for (const own of (await savedSteps(run)).reverse()) if (own > step) await removeCheckpoint(run, own);
}

/** Renamed first, so that what is half removed is not taken for a checkpoint. */
async function removeCheckpoint(run: string, step: number): Promise<void> {
  const folder = join(run, 'checkpoints');
  const aside = join(folder, `writing-removed-${step}`);
  await rename(join(folder, `step-${step}`), aside);
  await rm(aside, { recursive: true, force: true });
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

/** Gives the checkpoint at `position.step` another position: its weights go on with other data. */
export async function savePosition(run: string, position: RunPosition): Promise<void> {
  const path = join(run, 'checkpoints', `step-${position.step}`, 'position.json');
  await writeFileAtomically(path, `${JSON.stringify(position, null, 2)}\n`);
}

/** Where the newest checkpoint stands; undefined when the run has none. */
export async function savedPosition(run: string): Promise<RunPosition | undefined> {
  const step = (await savedSteps(run)).at(-1);
  return step === undefined ? undefined : positionAt(run, step);
}

/** The position of the checkpoint of `step`. */
export async function positionAt(run: string, step: number): Promise<RunPosition> {
  const path = join(run, 'checkpoints', `step-${step}`, 'position.json');
  return JSON.parse(await readFile(path, 'utf8')) as RunPosition;
}

/** Restores the checkpoint that stands at `step` into the trainer. */
export async function restoreState(
  run: string,
  trainer: NativeTrainer,
  shapes: readonly GlmTensorShape[],
  step: number,
): Promise<void> {
  const folder = join(run, 'checkpoints', `step-${step}`);
  for (const vector of VECTORS) {
    const file = await openSafetensors(join(folder, `${vector}.safetensors`));
    try {
      for (const { name } of shapes) trainer.set(name, floatsOf(await file.read(name), 'F32'), vector);
    } finally {
      await file.close();
    }
  }
  const { lossScale } = await positionAt(run, step);
  trainer.steps = step - (lossScale?.skipped ?? 0);
  await trainer.pack();
}
