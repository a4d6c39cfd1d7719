/**
 * The choice among candidates: scores to probabilities, loss and gradient. GLM 2021 (finetune_glm.py) takes the
 * cross-entropy of the softmax over candidates' scores; an example with one candidate alone (WSC) has nothing to choose
 * from and is trained to generate it: minus its score.
 */

export interface Choice {
  probabilities: number[];
  loss: number;
  /** Of the loss by each score. */
  gradient: number[];
}

export function choose(scores: ArrayLike<number>, answer: number): Choice {
  if (scores.length === 1) return { probabilities: [1], loss: -(scores[0] as number), gradient: [-1] };
  const all = Array.from(scores);
  const top = Math.max(...all);
  const total = all.reduce((sum, score) => sum + Math.exp(score - top), 0);
  const probabilities = all.map((score) => Math.exp(score - top) / total);
  return {
    probabilities,
    loss: Math.log(total) + top - (all[answer] as number),
    gradient: probabilities.map((p, index) => p - Number(index === answer)),
  };
}

/** Index of the largest value, the first of equal ones. */
export function largest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}
