/**
 * The dynamic scale of the loss with which float16 trains: gradients of activations are kept where halves have room for
 * them (Micikevicius et al. 2018, arXiv 1710.03740). It rises until a gradient overflows; that step is skipped and the
 * scale halved. The rule is that of DeepSpeed's and Megatron's loss scalers, by GLM-130B's values (arXiv 2210.02414,
 * table 11).
 */

/** Kept with the run's position. */
export interface LossScale {
  /** What the loss is multiplied by, a power of two. */
  scale: number;
  /** Steps without an overflow since the last one, or since the scale was doubled. */
  calm: number;
  /** Overflows that are borne before the scale is halved. */
  patience: number;
  /** Steps that were skipped so far: the optimizer has made so many fewer. */
  skipped: number;
}

const FIRST = 2 ** 16;
const LEAST = 1;
const WINDOW = 2000;
const HYSTERESIS = 2;

export const FIRST_LOSS_SCALE: LossScale = { scale: FIRST, calm: 0, patience: HYSTERESIS, skipped: 0 };

/** The scale after a step. Throws where a gradient overflows at the least one: then it is not the scale that is wrong. */
export function nextLossScale({ scale, calm, patience, skipped }: LossScale, overflowed: boolean): LossScale {
  if (!overflowed) {
    if (calm + 1 < WINDOW) return { scale, calm: calm + 1, patience, skipped };
    return { scale: scale * 2, calm: 0, patience: HYSTERESIS, skipped };
  }
  if (patience > 1) return { scale, calm: 0, patience: patience - 1, skipped: skipped + 1 };
  if (scale <= LEAST) {
    throw new Error(
      `Gradients overflow in float16 though the loss is scaled by ${scale} alone. Lower the learning rate, or train in bfloat16.`,
    );
  }
  return { scale: scale / 2, calm: 0, patience, skipped: skipped + 1 };
}
