/** What can be fine-tuned: the loop in fine-tune.ts knows nothing of blanks or heads. */
import type { Example } from './example.ts';

/** What a model says to one example. */
export interface Answer {
  /** Index of the label or candidate. */
  choice: number;
  probabilities: number[];
  /** In nats. */
  loss: number;
}

export interface Learner {
  /** Adds the gradients of `weight` times the summed loss of the examples; returns that sum, in nats. */
  learn(examples: readonly Example[], weight: number, signal?: AbortSignal): Promise<number>;
  answer(examples: readonly Example[], signal?: AbortSignal): Promise<Answer[]>;
  /** One step with the gradients since the last one. */
  update(learningRate: number): Promise<void>;
  /** The weights as they are, to come back to. */
  keep(): () => Promise<void>;
}
