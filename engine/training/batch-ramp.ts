/**
 * How many tokens each optimizer step takes. GLM-130B begins with small batches, which learn more from a token while the
 * gradients of different samples still agree, and adds a fixed number at even distances (Megatron's batch size ramp-up).
 */
export interface BatchRamp {
  /** Tokens of the first step. */
  from: number;
  /** Tokens added at each stage, until the step has its full size. */
  increment: number;
  /** Share of all tokens over which the stages are spread. */
  share: number;
}

export interface StepPlan {
  /** Optimizer steps of the whole run. */
  steps: number;
  /** Tokens of step `step`, counted from 0. */
  tokensAt(step: number): number;
}

/** Plans a run over `tokens` in steps of `full` tokens, rounded up to whole steps. */
export function planSteps(tokens: number, full: number, ramp?: BatchRamp): StepPlan {
  const stages: { end: number; size: number }[] = [];
  let end = 0;
  let planned = 0;
  if (ramp) {
    const sizes: number[] = [];
    for (let size = ramp.from; size < full; size += ramp.increment) sizes.push(size);
    for (const [index, size] of sizes.entries()) {
      // Every stage ends where its share of the tokens does, however its own steps come out.
      const until = (tokens * ramp.share * (index + 1)) / sizes.length;
      const count = Math.max(0, Math.ceil((until - planned) / size));
      end += count;
      planned += count * size;
      stages.push({ end, size });
    }
  }
  return {
    steps: end + Math.max(0, Math.ceil((tokens - planned) / full)),
    tokensAt: (step) => stages.find((stage) => step < stage.end)?.size ?? full,
  };
}
