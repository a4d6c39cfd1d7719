/**
 * What a run does when its loss jumps: it goes back to a checkpoint from well before and goes on with other data, so
 * that the samples in between are skipped (OPT, arXiv 2205.01068; GLM-130B's log of June 2022). Everything follows from
 * the losses alone, so that a resumed run does the same.
 */
export interface SpikeRemedy {
  /** Nats by which the loss must lie above the median of the losses before it; a loss that is no number always counts. */
  rise: number;
  /** How many losses those are; until there are so many, nothing but a loss that is no number is a spike. */
  window: number;
  /** Steps between the checkpoints that are kept for going back; half as many lie between one and the spike at least. */
  every: number;
  /** Batches that are thrown away beyond the one that spiked. */
  skip: number;
  /** After so many rewinds the run ends with an error: the recipe is wrong, not the data. */
  most: number;
}

/** The remedy's memory, kept with the run's position. */
export interface SpikeWatch {
  /** Losses of the steps before, oldest first; at most `window`. */
  losses: number[];
  rewinds: number;
  /** Rows drawn and thrown away, those of steps that were undone included. */
  skipped: number;
}

export const NO_SPIKES: SpikeWatch = { losses: [], rewinds: 0, skipped: 0 };

export function isSpike({ rise, window }: SpikeRemedy, { losses }: SpikeWatch, loss: number, norm: number): boolean {
  if (!Number.isFinite(loss) || !Number.isFinite(norm)) return true;
  return losses.length >= window && loss > median(losses) + rise;
}

/** The watch after a step without a spike. */
export function watchLoss({ window }: SpikeRemedy, watch: SpikeWatch, loss: number): SpikeWatch {
  return { ...watch, losses: [...watch.losses, loss].slice(-window) };
}

/** The checkpoint to go back to: the newest of the kept ones that lies far enough before `step`, else the oldest. */
export function rewindTarget({ every }: SpikeRemedy, saved: readonly number[], step: number): number | undefined {
  const kept = saved.filter((own) => isRewindPoint(every, own) && own <= step);
  return kept.findLast((own) => step - own >= every / 2) ?? kept[0];
}

export function isRewindPoint(every: number, step: number): boolean {
  return step % every === 0;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
