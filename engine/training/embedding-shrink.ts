/**
 * Embedding gradient shrink (GLM-130B, arXiv 2210.02414, section 2.2): the looked-up vectors e become
 * alpha e + (1 - alpha) stop_gradient(e), which leaves the values and multiplies the gradient by alpha. The embedding's
 * gradient is the first to grow before a loss spike, by orders more than those of the layers.
 */
export interface EmbeddingShrink {
  /** 1 leaves the gradient whole. */
  alpha: number;
  /** Changes alpha in a line to this value over `steps` steps from step `from` on, as GLM-130B did after restarts. */
  warmup?: { to: number; from: number; steps: number };
  /** Whether the gradient of the embedding as the output matrix is shrunk too, as GLM-130B's training code does. */
  head: boolean;
}

export const WHOLE: EmbeddingShrink = { alpha: 1, head: false };

/** What multiplies the two parts of the embedding's gradient in step `step`, counted from 0. */
export function shrinkAt(shrink: EmbeddingShrink, step: number): { embedding: number; head: number } {
  const { alpha, warmup, head } = shrink;
  const done = warmup ? Math.min(1, Math.max(0, (step - warmup.from) / warmup.steps)) : 0;
  const embedding = warmup ? alpha + (warmup.to - alpha) * done : alpha;
  return { embedding, head: head ? embedding : 1 };
}
