/** Takes a run back to a checkpoint after a loss spike; which data come next is the caller's. */
import type { GlmTensorShape } from '../model/config.ts';
import type { NativeTrainer } from '../native.ts';
import { NO_SPIKES, rewindTarget, type SpikeRemedy } from './spike.ts';
import { positionAt, type RunPosition, removeCheckpointsAfter, restoreState, savedSteps } from './training-state.ts';

/**
 * Restores the checkpoint that the remedy chooses for a spike in step `position.step`, and gives its position with one
 * rewind more. Newer checkpoints are removed: a run that is killed now resumes there and goes back in the same way.
 * Throws when there is none, or when the run has gone back too often.
 */
export async function rewind(
  run: string,
  trainer: NativeTrainer,
  shapes: readonly GlmTensorShape[],
  remedy: SpikeRemedy,
  position: RunPosition,
): Promise<RunPosition> {
  const { rewinds, skipped } = position.watch ?? NO_SPIKES;
  if (rewinds >= remedy.most) {
    throw new Error(
      `The loss of step ${position.step} spiked after ${rewinds} rewinds. Lower the learning rate, or lengthen its warm-up, and begin a new run.`,
    );
  }
  const step = rewindTarget(remedy, await savedSteps(run), position.step);
  if (step === undefined) {
    throw new Error(
      `The loss of step ${position.step} spiked, and ${run} has no checkpoint to go back to. Make room on the disk and resume the run.`,
    );
  }
  const before = await positionAt(run, step);
  await removeCheckpointsAfter(run, step);
  await restoreState(run, trainer, shapes, step);
  const undone = position.tokens - before.tokens;
  const losses = before.watch?.losses ?? [];
  return { ...before, watch: { losses, rewinds: rewinds + 1, skipped: skipped + undone } };
}
