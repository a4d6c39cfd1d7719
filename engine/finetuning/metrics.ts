/** How well answers fit, as the tasks' authors count (GLM 2021, tasks/superglue/evaluate.py), with 95 % intervals. */
import { bootstrapOf, type Estimate, meanOf, shareOf } from '../evaluation/intervals.ts';
import { createRandom } from '../objective/random.ts';
import type { Example, Metric } from './example.ts';
import type { Answer } from './learner.ts';

/** `labels`: how many there are. Answers stand in the order of the examples. */
export function measure(
  metric: Metric,
  examples: readonly Example[],
  answers: readonly Answer[],
  labels: number,
  seed: number,
): Estimate {
  const random = createRandom(seed);
  const right = examples.map((example, index) => isRight(example, answers[index] as Answer));
  switch (metric) {
    case 'accuracy':
      return shareOf(right.filter(Boolean).length, right.length);
    case 'macro-f1':
    case 'answer-f1': {
      const pairs = examples.map(({ answer }, index) => [answer, (answers[index] as Answer).choice] as const);
      // Of MultiRC: the F1 of "this answer is right" alone.
      const classes = metric === 'answer-f1' ? [1] : Array.from({ length: labels }, (_, label) => label);
      const macro = (own: readonly (readonly [number, number])[]) =>
        classes.reduce((sum, label) => sum + f1(own, label), 0) / classes.length;
      return bootstrapOf(pairs, macro, random);
    }
    case 'question-exact': {
      const questions = new Map<string, boolean>();
      for (const [index, { group = '' }] of examples.entries()) {
        questions.set(group, (questions.get(group) ?? true) && (right[index] as boolean));
      }
      return shareOf([...questions.values()].filter(Boolean).length, questions.size);
    }
    case 'text-exact':
    case 'text-f1': {
      const compare = metric === 'text-exact' ? (a: string, b: string) => Number(plain(a) === plain(b)) : wordF1;
      return meanOf(
        examples.map((example, index) => {
          const { candidates = [], answer, alsoRight = [] } = example;
          const said = candidates[(answers[index] as Answer).choice] ?? '';
          return Math.max(...[answer, ...alsoRight].map((own) => compare(said, candidates[own] ?? '')));
        }),
        random,
      );
    }
  }
}

export function isRight({ answer, alsoRight }: Example, { choice }: Answer): boolean {
  return choice === answer || (alsoRight?.includes(choice) ?? false);
}

function f1(pairs: readonly (readonly [number, number])[], label: number): number {
  let [both, asked, said] = [0, 0, 0];
  for (const [answer, choice] of pairs) {
    asked += Number(answer === label);
    said += Number(choice === label);
    both += Number(answer === label && choice === label);
  }
  return both === 0 ? 0 : (2 * both) / (asked + said);
}

/** SQuAD's and ReCoRD's: lower case, no punctuation, no articles, single spaces. */
function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/[!-/:-@[-`{-~]/g, '')
    .replace(/\b(a|an|the)\b/g, ' ')
    .split(/\s+/)
    .filter(Boolean)
    .join(' ');
}

function wordF1(said: string, truth: string): number {
  const [ours, theirs] = [plain(said).split(' '), plain(truth).split(' ')];
  const left = new Map<string, number>();
  for (const word of theirs) left.set(word, (left.get(word) ?? 0) + 1);
  let both = 0;
  for (const word of ours) {
    const count = left.get(word) ?? 0;
    if (count === 0) continue;
    left.set(word, count - 1);
    both++;
  }
  return both === 0 ? 0 : (2 * both) / (ours.length + theirs.length);
}
