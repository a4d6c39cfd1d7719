/**
 * The loop of fine-tuning, as finetune_glm.py has it: epochs over shuffled examples, a rate that rises over the first
 * tenth of the steps and falls to nothing, the development set after each epoch, the best weights kept. It ends early
 * when the development set has not improved for `patience` epochs. The same seed gives the same weights.
 */
import { createRandom } from '../objective/random.ts';
import { planSchedule, learningRate as rateAt } from '../training/schedule.ts';
import type { Example } from './example.ts';
import type { Answer, Learner } from './learner.ts';

export interface FineTuneOptions {
  train: readonly Example[];
  dev: readonly Example[];
  /** Higher is better. */
  score: (answers: readonly Answer[]) => number;
  epochs: number;
  /** Examples of a step. */
  batch: number;
  /** Learning rate at its peak. */
  rate: number;
  patience: number;
  seed: number;
  onEpoch?: (epoch: Epoch) => void;
  onStep?: (step: number, steps: number, loss: number) => void;
  signal?: AbortSignal;
}

export interface Epoch {
  /** 0 is before any training. */
  epoch: number;
  /** Mean over the epoch's examples, in nats; null before training. */
  loss: number | null;
  devLoss: number;
  devScore: number;
}

export interface FineTuned {
  epochs: Epoch[];
  /** The epoch whose weights the learner now has. */
  best: number;
}

/** Leaves the learner with the weights of the best epoch. */
export async function fineTune(learner: Learner, options: FineTuneOptions): Promise<FineTuned> {
  const { train, dev, batch, signal } = options;
  const perEpoch = Math.ceil(train.length / batch);
  const steps = options.epochs * perEpoch;
  const schedule = planSchedule({ peak: options.rate, floor: 0, warmup: { share: 0.1 }, decayShare: 0.9 }, steps);
  const random = createRandom(options.seed);
  const epochs: Epoch[] = [];
  let best = 0;
  let back = learner.keep();

  const measure = async (epoch: number, loss: number | null) => {
    const answers = await learner.answer(dev, signal);
    const measured: Epoch = {
      epoch,
      loss,
      devLoss: answers.reduce((sum, answer) => sum + answer.loss, 0) / Math.max(1, answers.length),
      devScore: options.score(answers),
    };
    epochs.push(measured);
    options.onEpoch?.(measured);
    const leader = epochs[best] as Epoch;
    const better =
      measured.devScore > leader.devScore ||
      (measured.devScore === leader.devScore && measured.devLoss < leader.devLoss);
    if (epoch === 0 || !better) return;
    best = epoch;
    back = learner.keep();
  };

  await measure(0, null);
  for (let epoch = 1, step = 0; epoch <= options.epochs && epoch - best <= options.patience; epoch++) {
    const order = random.shuffle([...train]);
    let sum = 0;
    for (let at = 0; at < order.length; at += batch, step++) {
      signal?.throwIfAborted();
      const own = order.slice(at, at + batch);
      const loss = await learner.learn(own, 1 / own.length, signal);
      if (!Number.isFinite(loss)) throw new Error(`The loss of step ${step} is not finite. Lower the learning rate.`);
      await learner.update(rateAt(schedule, step));
      options.onStep?.(step + 1, steps, loss / own.length);
      sum += loss;
    }
    await measure(epoch, sum / train.length);
  }
  await back();
  return { epochs, best };
}
