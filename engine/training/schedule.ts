/**
 * Warm-up, stable, decay (MiniCPM, arXiv 2404.06395): the rate rises linearly, stays, and falls to `floor` of its peak at
 * the end. A run can go on from any point of the stable stretch, and a decay can be made from any of them.
 */
export interface Schedule {
  peak: number;
  /** Share of the peak that is left at the end. */
  floor: number;
  /** In optimizer steps. */
  warmup: number;
  decay: number;
  total: number;
}

/** Learning rate of optimizer step `step`, counted from 0. */
export function learningRate({ peak, floor, warmup, decay, total }: Schedule, step: number): number {
  if (step < warmup) return (peak * (step + 1)) / warmup;
  const left = total - step;
  if (left >= decay) return peak;
  return peak * (floor + (1 - floor) * Math.max(0, left / decay));
}
