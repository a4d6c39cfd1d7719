/**
 * The baseline: a classification head (classification-head.ts) on the state of `[CLS]` or on the mean of all states of the
 * plain text. Where examples bring candidates, each is read in its place and the head gives it one score, as GLM 2021 does
 * for its multiple-choice tasks.
 */
import type { InfillingSample } from '../objective/blank-infilling.ts';
import { partA } from '../objective/blank-infilling.ts';
import { readTwice } from '../objective/encoder-decoder.ts';
import { createRandom } from '../objective/random.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { toBatch } from '../training/batch.ts';
import { choose } from './choice.ts';
import {
  adamWStep,
  copyOf,
  createHead,
  emptyLike,
  type HeadParameters,
  headBackward,
  headForward,
} from './classification-head.ts';
import { answered, MICRO_ROWS } from './cloze-learner.ts';
import type { Example, Task } from './example.ts';
import type { Answer, Learner } from './learner.ts';
import { fillPattern, parsePattern } from './pattern.ts';
import { OPTIMIZER, type Trunk } from './trunk.ts';

export type Pooling = 'cls' | 'mean';

export interface HeadOptions {
  tokenizer: Tokenizer;
  task: Task;
  pooling: Pooling;
  maxTokens: number;
  seed: number;
}

/** A new head learns from nothing: its rate is that of the model under it times this. */
const HEAD_RATE = 10;

export function createHeadLearner(trunk: Trunk, { tokenizer, task, pooling, maxTokens, seed }: HeadOptions): Learner {
  const pattern = parsePattern(task.plain, `The plain text of ${task.name}`, 0);
  const { hiddenSize: width, decoderLayers } = trunk.folder.config;
  const chooses = task.labels.length === 0;
  let head = createHead(width, chooses ? 1 : task.labels.length, createRandom(seed));
  let gradients = emptyLike(head);
  const moments: [HeadParameters, HeadParameters] = [emptyLike(head), emptyLike(head)];
  let steps = 0;

  const sampleOf = (fields: Example['fields']): InfillingSample => {
    const { tokens } = fillPattern(tokenizer, pattern, fields, maxTokens);
    const rows = partA(tokens, [], 0);
    const lossMask = new Uint8Array(tokens.length);
    if (pooling === 'cls') lossMask[0] = 1;
    else lossMask.fill(1);
    if (decoderLayers !== undefined) return readTwice(rows.tokens, lossMask);
    return { ...rows, targets: new Int32Array(tokens.length), lossMask, sep: tokens.length };
  };
  /** One text for each label choice, one for each candidate otherwise. */
  const samplesOf = ({ fields, candidates }: Example): InfillingSample[] => {
    if (!chooses) return [sampleOf(fields)];
    return (candidates ?? []).map((candidate) => sampleOf({ ...fields, candidate }));
  };

  /** Passes of whole examples; `each` gets an example's pooled states and may give back their gradients. */
  const pass = async (
    examples: readonly Example[],
    each: (example: Example, pooled: Float32Array[]) => Float32Array[] | undefined,
    signal?: AbortSignal,
  ): Promise<void> => {
    const groups = examples.map((example) => ({ example, samples: samplesOf(example) }));
    const batches: (typeof groups)[] = [];
    let rows = Number.POSITIVE_INFINITY;
    for (const group of groups) {
      const own = group.samples.reduce((sum, { tokens }) => sum + tokens.length, 0);
      if (rows + own > MICRO_ROWS) {
        batches.push([]);
        rows = 0;
      }
      batches.at(-1)?.push(group);
      rows += own;
    }
    for (const batch of batches) {
      signal?.throwIfAborted();
      const samples = batch.flatMap((group) => group.samples);
      const native = toBatch(samples);
      const states = await trunk.trainer.hiddenStates(native);
      const counts = samples.map(({ lossMask }) => lossMask.reduce((sum, counts) => sum + counts, 0));
      const pooled = pool(states, counts, width);
      const slopes: Float32Array[] = [];
      let at = 0;
      for (const { example, samples: own } of batch) {
        slopes.push(...(each(example, pooled.slice(at, at + own.length)) ?? []));
        at += own.length;
      }
      if (slopes.length > 0) await trunk.trainer.backwardHidden(native, unpool(slopes, counts, width));
    }
  };
  const scoresOf = (pooled: readonly Float32Array[]) => {
    const passes = pooled.map((h) => headForward(head, h));
    const scores = passes.flatMap(({ logits }) => [...logits]);
    return { passes, scores };
  };

  return {
    async learn(examples, weight, signal) {
      let sum = 0;
      await pass(
        examples,
        ({ answer }, pooled) => {
          const { passes, scores } = scoresOf(pooled);
          const { loss, gradient } = choose(scores, answer);
          sum += loss;
          const weighed = gradient.map((g) => g * weight);
          return passes.map(({ bent }, index) =>
            headBackward(
              head,
              gradients,
              pooled[index] as Float32Array,
              bent,
              chooses ? [weighed[index] as number] : weighed,
            ),
          );
        },
        signal,
      );
      return sum;
    },
    async answer(examples, signal) {
      const answers: Answer[] = [];
      await pass(
        examples,
        (example, pooled) => {
          answers.push(answered(scoresOf(pooled).scores, example));
          return undefined;
        },
        signal,
      );
      return answers;
    },
    async update(learningRate) {
      await trunk.update(learningRate);
      adamWStep(head, gradients, moments, ++steps, { ...OPTIMIZER, learningRate: HEAD_RATE * learningRate });
      gradients = emptyLike(head);
    },
    keep() {
      const back = trunk.keep();
      const kept = copyOf(head);
      return async () => {
        await back();
        head = copyOf(kept);
      };
    },
  };
}

/** Means of the states of each text: [texts] of [C]. */
function pool(states: Float32Array, counts: readonly number[], width: number): Float32Array[] {
  let at = 0;
  return counts.map((count) => {
    const mean = new Float32Array(width);
    for (let row = 0; row < count; row++, at += width) {
      for (let c = 0; c < width; c++) mean[c] = (mean[c] as number) + (states[at + c] as number) / count;
    }
    return mean;
  });
}

function unpool(slopes: readonly Float32Array[], counts: readonly number[], width: number): Float32Array {
  const gradient = new Float32Array(counts.reduce((sum, count) => sum + count, 0) * width);
  let at = 0;
  for (const [index, slope] of slopes.entries()) {
    const count = counts[index] as number;
    for (let row = 0; row < count; row++, at += width) {
      for (let c = 0; c < width; c++) gradient[at + c] = (slope[c] as number) / count;
    }
  }
  return gradient;
}
