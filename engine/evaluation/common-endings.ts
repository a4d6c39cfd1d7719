/** The baselines that know the training split's habits: the most common ending, and the one after the same text. */
import { createRandom } from '../objective/random.ts';
import type { Baseline } from './baseline.ts';
import type { Documents } from './documents.ts';
import { countEndings, type EndingCounts } from './ending-counts.ts';
import type { Task } from './task.ts';

/** Only these kinds end where a line ends and begin in a way that training text can be searched for. */
const PLACES = { 'rest of line': 'cursor', 'whole line': 'line' } as const;
const KINDS = Object.keys(PLACES);
/** How often a context's favourite must have been seen; each is a rule, and the best one counts. */
const LEAST = [1, 2, 3, 5, 8, 16, 32, 64, 128, 256];

export interface CountOptions {
  seed: number;
  onProgress?: (done: number, all: number) => void;
  signal?: AbortSignal;
}

/** Counts over all of `training`, language by language, for the contexts of `tasks`. */
export async function commonEndings(
  training: Documents,
  tasks: readonly Task[],
  { seed, onProgress, signal }: CountOptions,
): Promise<Baseline[]> {
  const counters = new Map<string, EndingCounts>();
  for (const [at, [kind, place]] of Object.entries(PLACES).entries()) {
    for (const language of new Set(tasks.map((task) => task.language))) {
      const own = tasks.filter((task) => task.kind === kind && task.language === language);
      const counts = countEndings(
        own.map((task) => task.before),
        place,
        createRandom(seed + at),
      );
      if (own.length > 0) counters.set(`${kind}/${language}`, counts);
    }
  }
  for (let index = 0; index < training.count; index++) {
    if (index % 256 === 0) {
      signal?.throwIfAborted();
      onProgress?.(index, training.count);
      await new Promise(setImmediate);
    }
    const { language } = training.origin(index);
    const own = KINDS.flatMap((kind) => counters.get(`${kind}/${language}`) ?? []);
    if (own.length === 0) continue;
    const text = training.text(index);
    for (const counts of own) counts.add(text);
  }

  const predict = (task: Task, least: number) =>
    counters.get(`${task.kind}/${task.language}`)?.predict(task.before, least) ?? '';
  return [
    {
      name: 'most common ending',
      about:
        'The most frequent rest of line (or line) of the language in the training split, whatever stands before it.',
      kinds: KINDS,
      rules: [{ name: 'always the same', predict: (task) => predict(task, Number.POSITIVE_INFINITY) }],
    },
    {
      name: 'common ending after the same text',
      about:
        'The most frequent rest of line (or line) in the training split after the same text, up to 64 characters of it, the longest that was seen often enough.',
      kinds: KINDS,
      rules: LEAST.map((least) => ({
        name: `seen ${least} ${least === 1 ? 'time' : 'times'} or more`,
        predict: (task) => predict(task, least),
      })),
    },
  ];
}
