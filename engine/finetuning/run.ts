/** One fine-tuning from examples to a report: before, training, after. */
import { bootstrapOf, type Estimate } from '../evaluation/intervals.ts';
import type { ModelFolder } from '../model/load.ts';
import type { ExecutionOptions, NativeTrainer } from '../native.ts';
import { createRandom } from '../objective/random.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { createClozeLearner } from './cloze-learner.ts';
import type { DrawnExamples } from './corpus-tasks/draw-examples.ts';
import type { Example, PatternVerbalizer, Task } from './example.ts';
import { type FineTuneOptions, fineTune } from './fine-tune.ts';
import { createHeadLearner, type Pooling } from './head-learner.ts';
import type { Answer, Learner } from './learner.ts';
import { measure } from './metrics.ts';
import type { FineTuneReport } from './report.ts';
import { createSeq2SeqLearner, SEQ2SEQ_PATTERN } from './seq2seq-learner.ts';
import { openTrunk, type Trunk } from './trunk.ts';

/** What is trained: a blank, a head, or the writing of targets. */
export type Approach =
  | { kind: 'cloze'; task: Task; pattern: PatternVerbalizer }
  | { kind: 'head'; task: Task; pooling: Pooling }
  | { kind: 'seq2seq'; smoothing: number; targetTokens: number };

export interface RunOptions extends Omit<FineTuneOptions, 'train' | 'dev' | 'score'> {
  base: ModelFolder;
  tokenizer: Tokenizer;
  approach: Approach;
  examples: DrawnExamples;
  maxTokens: number;
  execution: ExecutionOptions;
}

export type RunResult = Pick<FineTuneReport, 'epochs' | 'best' | 'figures' | 'answers' | 'method'> & {
  trainer: NativeTrainer;
};

export async function runFineTuning(options: RunOptions): Promise<RunResult> {
  const { approach, examples, seed, signal } = options;
  const trunk = await openTrunk(options.base, options.execution);
  const learner = learnerOf(trunk, options);
  const figuresOf = (own: readonly Example[], answers: readonly Answer[]) => figures(approach, own, answers, seed);
  const before = figuresOf(examples.test, await learner.answer(examples.test, signal));
  const { epochs, best } = await fineTune(learner, {
    ...options,
    train: examples.train,
    dev: examples.dev,
    // The first figure decides; losses are the better the lower.
    score: (answers) => {
      const [first] = figuresOf(examples.dev, answers);
      return first?.metric.startsWith('loss') ? -first.estimate.value : (first?.estimate.value ?? 0);
    },
  });
  const answers = await learner.answer(examples.test, signal);
  return {
    trainer: trunk.trainer,
    method: describe(approach),
    epochs,
    best,
    figures: figuresOf(examples.test, answers).map(({ metric, estimate }, index) => ({
      metric,
      before: (before[index] as { estimate: Estimate }).estimate,
      after: estimate,
    })),
    answers: answers.map(({ choice, loss }, index) => {
      const { id, answer } = examples.test[index] as Example;
      return { id, choice, answer, loss };
    }),
  };
}

function learnerOf(trunk: Trunk, { tokenizer, approach, maxTokens, seed }: RunOptions): Learner {
  switch (approach.kind) {
    case 'cloze':
      return createClozeLearner(trunk, { tokenizer, maxTokens, ...approach });
    case 'head':
      return createHeadLearner(trunk, { tokenizer, maxTokens, seed, ...approach });
    case 'seq2seq':
      return createSeq2SeqLearner(trunk, { tokenizer, maxTokens, pattern: SEQ2SEQ_PATTERN, ...approach });
  }
}

function figures(
  approach: Approach,
  examples: readonly Example[],
  answers: readonly Answer[],
  seed: number,
): { metric: string; estimate: Estimate }[] {
  if (approach.kind === 'seq2seq') {
    const mean = (own: readonly Answer[]) => own.reduce((sum, { loss }) => sum + loss, 0) / own.length;
    return [
      { metric: 'loss per token, nats', estimate: bootstrapOf(answers, mean, createRandom(seed)) },
      { metric: 'target written exactly', estimate: measure('accuracy', examples, answers, 0, seed) },
    ];
  }
  const { metrics, labels } = approach.task;
  return metrics.map((metric) => ({ metric, estimate: measure(metric, examples, answers, labels.length, seed) }));
}

function describe(approach: Approach): string {
  switch (approach.kind) {
    case 'cloze': {
      const { text, verbalizers, mask = 'token', lengthPenalty = 0 } = approach.pattern;
      const spoken = verbalizers ? JSON.stringify(verbalizers) : 'the candidates of each example';
      return `cloze, pattern ${JSON.stringify(text)} with a ${mask} blank, answered by ${spoken}, length penalty ${lengthPenalty}`;
    }
    case 'head':
      return `a classification head on ${approach.pooling === 'cls' ? 'the state of [CLS]' : 'the mean of all states'}, plain text ${JSON.stringify(approach.task.plain)}`;
    case 'seq2seq':
      return `generation of the target, pattern ${JSON.stringify(SEQ2SEQ_PATTERN.text)}, label smoothing ${approach.smoothing}, targets of at most ${approach.targetTokens} tokens`;
  }
}
