/**
 * Learning rates. `stable-decay` (MiniCPM, arXiv 2404.06395): the rate rises linearly, stays, and falls in a line to
 * `floor` of its peak at the end; a run can go on from any point of the stable stretch, and a decay can be made from any
 * of them. `cosine` (GLM 2021, GLM-130B): it falls along half a cosine from the warm-up on, and stays at its floor.
 */
export interface Schedule {
  /** Default `stable-decay`. */
  shape?: 'stable-decay' | 'cosine';
  peak: number;
  /** Share of the peak that is left at the end. */
  floor: number;
  /** In optimizer steps. */
  warmup: number;
  /** Steps of the fall. */
  decay: number;
  total: number;
}

/** A schedule before the number of steps is known. */
export interface SchedulePlan extends Pick<Schedule, 'shape' | 'peak' | 'floor'> {
  /** Steps, or a share of all steps. */
  warmup: number | { share: number };
  /** `stable-decay`: the last steps, as a share of all; `cosine`: where the floor is reached, likewise. */
  decayShare: number;
}

export function planSchedule({ decayShare, warmup: planned, ...rates }: SchedulePlan, total: number): Schedule {
  const warmup = typeof planned === 'number' ? planned : Math.round(planned.share * total);
  const decay = Math.round(total * decayShare);
  return { ...rates, warmup, total, decay: rates.shape === 'cosine' ? Math.max(1, decay - warmup) : decay };
}

/** Learning rate of optimizer step `step`, counted from 0. */
export function learningRate({ shape, peak, floor, warmup, decay, total }: Schedule, step: number): number {
  if (step < warmup) return (peak * (step + 1)) / warmup;
  if (shape === 'cosine') {
    const done = Math.min(1, (step - warmup) / decay);
    return peak * (floor + ((1 - floor) * (1 + Math.cos(Math.PI * done))) / 2);
  }
  const left = total - step;
  if (left >= decay) return peak;
  return peak * (floor + (1 - floor) * Math.max(0, left / decay));
}
