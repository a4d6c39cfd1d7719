/**
 * Cloze fine-tuning beside a classification head on the tasks of the corpus: the same model, examples, steps, rates and
 * choice of weights, several sizes of the training set, several seeds. Of a task's patterns the one is taken that does best
 * on the development set, with the first seed and the fewest examples; the test set is not asked for it. One cell at a time,
 * kept in a folder as it is done.
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
import { corpusTasks, type DrawnExamples, drawExamples } from './corpus-tasks/draw-examples.ts';
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
    { examples: 1000, dev: 100, seeds: 1, epochs: 1, batch: 16 },
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
  /** Of a cloze question: which of the task's patterns. */
  pattern?: number;
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
  /** `all`: how many runs there are together. */
  onCell?: (all: number, cell: Cell) => void;
  onLine?: (line: string) => void;
  signal?: AbortSignal;
}

/** What a cell is: the settings that its name is made of. */
export interface Planned {
  size: ComparisonPlan['sizes'][number];
  own: CorpusTask;
  seed: number;
  method: Method;
}

/** Every cell of the table in the order of running: the smallest sets first, seed by seed. */
export function plannedCells({ sizes }: ComparisonPlan): Planned[] {
  return sizes.flatMap((size) =>
    Array.from({ length: size.seeds }, (_, index) => index + 1).flatMap((seed) =>
      corpusTasks.flatMap((own) => METHODS.map((method) => ({ size, own, seed, method }))),
    ),
  );
}

/** All cells, those of patterns that were not chosen among them (`chosenPattern` tells). */
export async function compareMethods(options: ComparisonOptions): Promise<Cell[]> {
  const { plan, folder, signal } = options;
  await mkdir(folder, { recursive: true });
  const planned = plannedCells(plan);
  const others = corpusTasks.reduce((sum, { task }) => sum + task.patterns.length - 1, 0);
  const cells: Cell[] = [];
  let drawn: { key: string; examples: DrawnExamples } | undefined;
  const run = async (one: Planned, pattern: number) => {
    signal?.throwIfAborted();
    const { size, own, seed, method } = one;
    const hash = createHash('sha256')
      .update(JSON.stringify(madeOf(options, one, pattern)))
      .digest('hex')
      .slice(0, 16);
    const name = `${own.task.name}-${size.examples}-${seed}-${METHODS.indexOf(method)}-${hash}.json`;
    let cell = await readCell(join(folder, name));
    if (!cell) {
      const key = [own.task.name, size.examples, seed].join();
      if (drawn?.key !== key) {
        const counts = { train: size.examples, dev: size.dev, test: plan.test };
        drawn = { key, examples: drawExamples(own, options.corpus, counts, seed) };
      }
      cell = await runCell(options, one, pattern, drawn.examples);
      await writeFileAtomically(join(folder, name), `${JSON.stringify(cell)}\n`);
    }
    cells.push(cell);
    options.onCell?.(planned.length + others, cell);
  };
  for (const one of planned) {
    const { task } = one.own;
    const chosen = one.method === 'cloze' ? chosenPattern(cells, task.name) : 0;
    if (chosen !== undefined) await run(one, chosen);
    else for (const pattern of task.patterns.keys()) await run(one, pattern);
  }
  return cells;
}

/** The pattern with the most right answers on the development set in the runs that tried all; of equal ones the least loss. */
export function chosenPattern(cells: readonly Cell[], task: string): number | undefined {
  const tried = patternTrials(cells, task);
  const count = corpusTasks.find((own) => own.task.name === task)?.task.patterns.length;
  if (tried.length === 0 || tried.length !== count) return undefined;
  const best = tried.reduce((one, other) => {
    const gain = other.devScore - one.devScore;
    return gain > 0 || (gain === 0 && other.devLoss < one.devLoss) ? other : one;
  });
  return best.pattern;
}

/** How each pattern of a task did on the development set before training and at its best, as far as all were tried. */
export function patternTrials(
  cells: readonly Cell[],
  task: string,
): { pattern: number; before: number; devScore: number; devLoss: number }[] {
  const first = cells.find((cell) => cell.task === task && cell.pattern !== undefined);
  return cells.flatMap(({ task: own, pattern, examples, seed, epochs, best }) => {
    const [start, kept] = [epochs[0], epochs[best]];
    if (own !== task || pattern === undefined || !start || !kept) return [];
    if (examples !== first?.examples || seed !== first.seed) return [];
    return [{ pattern, before: start.devScore, devScore: kept.devScore, devLoss: kept.devLoss }];
  });
}

/** Everything that a cell follows from. */
function madeOf({ plan, sha256, corpus }: ComparisonOptions, { size, own, seed, method }: Planned, pattern: number) {
  const { task, headText = task.plain } = own;
  const asked = method === 'cloze' ? task.patterns[pattern] : headText;
  const { test, maxTokens, rate, patience } = plan;
  return [sha256, corpus.fingerprint, test, maxTokens, rate, patience, size, task.name, asked, method, seed];
}

async function runCell(
  { plan, base, tokenizer, execution, onLine, signal }: ComparisonOptions,
  { size, own: { task, headText = task.plain }, seed, method }: Planned,
  index: number,
  examples: DrawnExamples,
): Promise<Cell> {
  const started = performance.now();
  const trunk: Trunk = await openTrunk(base, execution);
  const { maxTokens } = plan;
  const pattern = task.patterns[index] as PatternVerbalizer;
  const learner =
    method === 'cloze'
      ? createClozeLearner(trunk, { tokenizer, task, pattern, maxTokens })
      : createHeadLearner(trunk, {
          tokenizer,
          task: { ...task, plain: headText },
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
        `${task.name} ${size.examples} seed ${seed} ${method}${method === 'cloze' ? ` pattern ${index}` : ''}: epoch ${epoch}, loss ${loss?.toFixed(3) ?? '-'}, dev ${devLoss.toFixed(3)}, right ${devScore}/${size.dev}`,
      ),
    ...(signal ? { signal } : {}),
  });
  const answers = await learner.answer(examples.test, signal);
  trunk.trainer.dispose();
  return {
    task: task.name,
    examples: size.examples,
    seed,
    method,
    ...(method === 'cloze' ? { pattern: index } : {}),
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
