/**
 * Cloze fine-tuning beside a classification head on the tasks of the corpus: the same model, examples, steps, rates and
 * choice of weights, several sizes of the training set, several seeds. One cell at a time, kept in a folder as it is done.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import type { Documents } from '../evaluation/documents.ts';
import type { ModelFolder } from '../model/load.ts';
import type { ExecutionOptions } from '../native.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { createClozeLearner } from './cloze-learner.ts';
import type { CorpusTask } from './corpus-tasks/corpus-task.ts';
import { corpusTasks, drawExamples } from './corpus-tasks/draw-examples.ts';
import type { Example, PatternVerbalizer } from './example.ts';
import { type Epoch, fineTune } from './fine-tune.ts';
import { createHeadLearner } from './head-learner.ts';
import { isRight } from './metrics.ts';
import { openTrunk, type Trunk } from './trunk.ts';

export const METHODS = ['cloze', 'head on [CLS]', 'head on the mean'] as const;
export type Method = (typeof METHODS)[number];

/** What every cell is made with. */
export interface ComparisonPlan {
  /** Training examples, with how often all is repeated from another seed. */
  sizes: readonly { examples: number; dev: number; seeds: number; epochs: number; batch: number }[];
  test: number;
  maxTokens: number;
  rate: number;
  patience: number;
}

export const COMPARISON: ComparisonPlan = {
  sizes: [
    { examples: 32, dev: 32, seeds: 3, epochs: 5, batch: 8 },
    { examples: 1000, dev: 100, seeds: 1, epochs: 2, batch: 16 },
  ],
  test: 200,
  maxTokens: 160,
  rate: 1e-4,
  patience: 3,
};

export interface Cell {
  task: string;
  examples: number;
  seed: number;
  method: Method;
  epochs: Epoch[];
  best: number;
  /** Of each test example, in their order. */
  right: boolean[];
  seconds: number;
}

export interface ComparisonOptions {
  plan: ComparisonPlan;
  base: ModelFolder;
  /** Of the weights file. */
  sha256: string;
  tokenizer: Tokenizer;
  corpus: { training: Documents; heldOut: Documents; fingerprint: string };
  /** Cells that are done already are read from here. */
  folder: string;
  execution: ExecutionOptions;
  onCell?: (done: number, all: number, cell: Cell) => void;
  onLine?: (line: string) => void;
  signal?: AbortSignal;
}

export async function compareMethods(options: ComparisonOptions): Promise<Cell[]> {
  const { plan, sha256, corpus, folder, signal } = options;
  await mkdir(folder, { recursive: true });
  const most = Math.max(...plan.sizes.map(({ seeds }) => seeds));
  // Seed by seed: a table that is stopped early has every task.
  const all = Array.from({ length: most }, (_, index) => index + 1).flatMap((seed) =>
    plan.sizes
      .filter(({ seeds }) => seed <= seeds)
      .flatMap((size) => corpusTasks.flatMap((own) => METHODS.map((method) => ({ size, own, seed, method })))),
  );
  const cells: Cell[] = [];
  for (const { size, own, seed, method } of all) {
    signal?.throwIfAborted();
    const made = [
      sha256,
      corpus.fingerprint,
      plan.test,
      plan.maxTokens,
      plan.rate,
      plan.patience,
      size,
      own.task,
      method,
      seed,
    ];
    const hash = createHash('sha256').update(JSON.stringify(made)).digest('hex').slice(0, 16);
    const path = join(folder, `${own.task.name}-${size.examples}-${seed}-${METHODS.indexOf(method)}-${hash}.json`);
    let cell = await readCell(path);
    if (!cell) {
      cell = await runCell(options, size, own, seed, method);
      await writeFileAtomically(path, `${JSON.stringify(cell)}\n`);
    }
    cells.push(cell);
    options.onCell?.(cells.length, all.length, cell);
  }
  return cells;
}

async function runCell(
  { plan, base, tokenizer, corpus, execution, onLine, signal }: ComparisonOptions,
  size: ComparisonPlan['sizes'][number],
  own: CorpusTask,
  seed: number,
  method: Method,
): Promise<Cell> {
  const started = performance.now();
  const { task } = own;
  const examples = drawExamples(own, corpus, { train: size.examples, dev: size.dev, test: plan.test }, seed);
  const trunk: Trunk = await openTrunk(base, execution);
  const { maxTokens } = plan;
  const pattern = task.patterns[0] as PatternVerbalizer;
  const learner =
    method === 'cloze'
      ? createClozeLearner(trunk, { tokenizer, task, pattern, maxTokens })
      : createHeadLearner(trunk, {
          tokenizer,
          task,
          pooling: method === 'head on [CLS]' ? 'cls' : 'mean',
          maxTokens,
          seed,
        });
  const { epochs, best } = await fineTune(learner, {
    train: examples.train,
    dev: examples.dev,
    score: (answers) => answers.filter((answer, index) => isRight(examples.dev[index] as Example, answer)).length,
    epochs: size.epochs,
    batch: size.batch,
    rate: plan.rate,
    patience: plan.patience,
    seed,
    onEpoch: ({ epoch, loss, devLoss, devScore }) =>
      onLine?.(
        `${task.name} ${size.examples} seed ${seed} ${method}: epoch ${epoch}, loss ${loss?.toFixed(3) ?? '-'}, dev ${devLoss.toFixed(3)}, right ${devScore}/${size.dev}`,
      ),
    ...(signal ? { signal } : {}),
  });
  const answers = await learner.answer(examples.test, signal);
  return {
    task: task.name,
    examples: size.examples,
    seed,
    method,
    epochs,
    best,
    right: answers.map((answer, index) => isRight(examples.test[index] as Example, answer)),
    seconds: Math.round((performance.now() - started) / 1000),
  };
}

async function readCell(path: string): Promise<Cell | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`${path} cannot be read: ${(error as Error).message}. Remove it to run it again.`);
  }
}
