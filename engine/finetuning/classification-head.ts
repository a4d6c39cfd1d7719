/**
 * The head of GLM 2021's `PoolingModel` (model/downstream.py): logits = V tanh(W h + b) + c, here without dropout, which
 * the trainer has none of. W is [C, C], V [K, C]; initial weights as torch's `Linear`, uniform within 1 / sqrt(C).
 */
import type { Random } from '../objective/random.ts';

export interface HeadParameters {
  /** [C, C] and [C] */
  inner: Float32Array;
  innerBias: Float32Array;
  /** [K, C] and [K] */
  outer: Float32Array;
  outerBias: Float32Array;
}

export function createHead(width: number, classes: number, random: Random): HeadParameters {
  const bound = 1 / Math.sqrt(width);
  const uniform = (length: number) => Float32Array.from({ length }, () => bound * (2 * random.float() - 1));
  return {
    inner: uniform(width * width),
    innerBias: uniform(width),
    outer: uniform(classes * width),
    outerBias: uniform(classes),
  };
}

/** `h` [C] to logits [K] and, for the way back, what tanh gave [C]. */
export function headForward(head: HeadParameters, h: Float32Array): { logits: Float32Array; bent: Float32Array } {
  const width = h.length;
  const bent = head.innerBias.map((bias, row) => {
    let sum = bias;
    for (let c = 0; c < width; c++) sum += (head.inner[row * width + c] as number) * (h[c] as number);
    return Math.tanh(sum);
  });
  const logits = head.outerBias.map((bias, k) => {
    let sum = bias;
    for (let c = 0; c < width; c++) sum += (head.outer[k * width + c] as number) * (bent[c] as number);
    return sum;
  });
  return { logits, bent };
}

/** Adds to `gradients` what `dLogits` [K] gives; returns the gradient at `h` [C]. */
export function headBackward(
  head: HeadParameters,
  gradients: HeadParameters,
  h: Float32Array,
  bent: Float32Array,
  dLogits: ArrayLike<number>,
): Float32Array {
  const width = h.length;
  const dBent = new Float32Array(width);
  for (let k = 0; k < dLogits.length; k++) {
    const d = dLogits[k] as number;
    gradients.outerBias[k] = (gradients.outerBias[k] as number) + d;
    for (let c = 0; c < width; c++) {
      const at = k * width + c;
      gradients.outer[at] = (gradients.outer[at] as number) + d * (bent[c] as number);
      dBent[c] = (dBent[c] as number) + d * (head.outer[at] as number);
    }
  }
  const dH = new Float32Array(width);
  for (let row = 0; row < width; row++) {
    const d = (dBent[row] as number) * (1 - (bent[row] as number) ** 2);
    gradients.innerBias[row] = (gradients.innerBias[row] as number) + d;
    for (let c = 0; c < width; c++) {
      const at = row * width + c;
      gradients.inner[at] = (gradients.inner[at] as number) + d * (h[c] as number);
      dH[c] = (dH[c] as number) + d * (head.inner[at] as number);
    }
  }
  return dH;
}

export const HEAD_VECTORS = ['inner', 'innerBias', 'outer', 'outerBias'] as const;

export function emptyLike(head: HeadParameters): HeadParameters {
  const empty = (values: Float32Array) => new Float32Array(values.length);
  return {
    inner: empty(head.inner),
    innerBias: empty(head.innerBias),
    outer: empty(head.outer),
    outerBias: empty(head.outerBias),
  };
}

export function copyOf(head: HeadParameters): HeadParameters {
  return {
    inner: head.inner.slice(),
    innerBias: head.innerBias.slice(),
    outer: head.outer.slice(),
    outerBias: head.outerBias.slice(),
  };
}

/** One step of AdamW (arXiv 1711.05101) with decoupled decay of the matrices, `step` counted from 1. */
export function adamWStep(
  head: HeadParameters,
  gradients: HeadParameters,
  moments: readonly [HeadParameters, HeadParameters],
  step: number,
  options: { learningRate: number; beta1: number; beta2: number; epsilon: number; weightDecay: number },
): void {
  const { learningRate, beta1, beta2, epsilon } = options;
  const [correction1, correction2] = [1 - beta1 ** step, 1 - beta2 ** step];
  for (const name of HEAD_VECTORS) {
    const [w, g, m, v] = [head[name], gradients[name], moments[0][name], moments[1][name]];
    const decay = name.endsWith('Bias') ? 0 : options.weightDecay;
    for (let i = 0; i < w.length; i++) {
      const gradient = g[i] as number;
      m[i] = beta1 * (m[i] as number) + (1 - beta1) * gradient;
      v[i] = beta2 * (v[i] as number) + (1 - beta2) * gradient * gradient;
      const direction = (m[i] as number) / correction1 / (Math.sqrt((v[i] as number) / correction2) + epsilon);
      w[i] = (w[i] as number) * (1 - learningRate * decay) - learningRate * direction;
    }
  }
}
