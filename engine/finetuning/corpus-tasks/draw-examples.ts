/**
 * Examples of a task from a corpus, split by package: training and development sets from packages of the training split,
 * none of them in both, the test set from packages that no model of ours has seen. Labels are equally frequent.
 */
import type { Documents } from '../../evaluation/documents.ts';
import { createRandom, type Random } from '../../objective/random.ts';
import type { Example } from '../example.ts';
import type { CorpusTask } from './corpus-task.ts';
import { description } from './description.ts';
import { language } from './language.ts';
import { misuse } from './misuse.ts';
import { testOrNot } from './test-or-not.ts';

export const corpusTasks: readonly CorpusTask[] = [language, testOrNot, description, misuse];

/** Share of the training packages whose files are kept for the development set. */
const DEV_SHARE = 0.15;
const ATTEMPTS = 4000;

export interface DrawnExamples {
  train: Example[];
  dev: Example[];
  test: Example[];
}

export interface ExampleCounts {
  train: number;
  dev: number;
  test: number;
}

/** The test set does not depend on `seed`, so that runs of several seeds are measured on one. */
export function drawExamples(
  own: CorpusTask,
  { training, heldOut }: { training: Documents; heldOut: Documents },
  counts: ExampleCounts,
  seed: number,
): DrawnExamples {
  const names = [
    ...new Set(Array.from({ length: training.count }, (_, index) => training.origin(index).package)),
  ].sort();
  const kept = new Set(
    createRandom(0)
      .shuffle(names)
      .slice(0, Math.ceil(DEV_SHARE * names.length)),
  );
  const indices = Array.from({ length: training.count }, (_, index) => index);
  const isDev = (index: number) => kept.has(training.origin(index).package);
  const random = createRandom(seed);
  const all = Array.from({ length: heldOut.count }, (_, index) => index);
  return {
    train: draw(
      own,
      training,
      indices.filter((index) => !isDev(index)),
      counts.train,
      random,
    ),
    dev: draw(own, training, indices.filter(isDev), counts.dev, random),
    test: draw(own, heldOut, all, counts.test, createRandom(0)),
  };
}

function draw(
  { task, draw: cut }: CorpusTask,
  documents: Documents,
  indices: readonly number[],
  count: number,
  random: Random,
): Example[] {
  const classes = Math.max(1, task.labels.length);
  const examples: Example[] = [];
  const seen = new Set<string>();
  for (let attempt = 0; examples.length < count && indices.length > 0; attempt++) {
    if (attempt > ATTEMPTS + 200 * count) break;
    const index = indices[random.below(indices.length)] as number;
    const { path, package: name, language: family } = documents.origin(index);
    const example = cut({ path, language: family, text: documents.text(index) }, examples.length % classes, random);
    if (!example) continue;
    const content = JSON.stringify(example.fields);
    if (seen.has(content)) continue;
    seen.add(content);
    examples.push({ id: `${name}/${path} ${examples.length + 1}`, ...example });
  }
  if (examples.length < count) {
    throw new Error(
      `The corpus gave ${examples.length} of ${count} examples of the task "${task.name}": ask for fewer, or use a larger corpus.`,
    );
  }
  return random.shuffle(examples);
}
