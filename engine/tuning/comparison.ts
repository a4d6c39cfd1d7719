/** Two models on the same tasks, and what decides whether the second may take the place of the first. */
import type { Answered } from '../evaluation/evaluate.ts';
import { modelName } from '../evaluation/evaluate.ts';
import { type Estimate, meanOf, ratioOf, shareOf } from '../evaluation/intervals.ts';
import { createRandom } from '../objective/random.ts';

/** Figures of one set of tasks. */
export interface Comparison {
  tasks: number;
  /** Share of tasks. */
  exactMatch: { before: Estimate; after: Estimate; change: Estimate };
  /** Bits of the expected spans and their ends / UTF-8 bytes, over the tasks that both models could score. */
  bitsPerByte: { before: Estimate; after: Estimate; change: Estimate };
}

/** Changes are resampled in pairs: the tasks are the same. */
export function compare(before: readonly Answered[], after: readonly Answered[], seed: number): Comparison {
  const pairs = before.map((first, index) => {
    const second = after[index];
    if (!second || second.task.id !== first.task.id || second.task.path !== first.task.path) {
      throw new Error(`The answers do not belong together: ${first.task.id} against ${second?.task.id ?? 'nothing'}.`);
    }
    return { first, second };
  });
  const exact = ({ marks }: Answered) => Number(marks[modelName]?.isExact ?? false);
  const share = (answers: readonly Answered[]) =>
    shareOf(
      answers.reduce((sum, answer) => sum + exact(answer), 0),
      answers.length,
    );
  const scored = pairs.flatMap(({ first, second }) =>
    first.bits === undefined || second.bits === undefined
      ? []
      : [{ before: first.bits, after: second.bits, bytes: first.bytes }],
  );
  const perByte = (value: (pair: (typeof scored)[number]) => number) =>
    ratioOf(
      scored.map(value),
      scored.map(({ bytes }) => bytes),
      createRandom(seed),
    );
  return {
    tasks: pairs.length,
    exactMatch: {
      before: share(before),
      after: share(after),
      change: meanOf(
        pairs.map(({ first, second }) => exact(second) - exact(first)),
        createRandom(seed),
      ),
    },
    bitsPerByte: {
      before: perByte((pair) => pair.before),
      after: perByte((pair) => pair.after),
      change: perByte((pair) => pair.after - pair.before),
    },
  };
}

/** Before and after, on the project's unseen files and on the guard. */
export interface Comparisons {
  project: Comparison;
  guard: Comparison;
}

export interface Verdict {
  usable: boolean;
  /** A sentence for each condition that does not hold; empty when usable. */
  reasons: string[];
}

/** How much worse the guard's bits per byte may be, as a share of what they were: less is not felt. */
export const GUARD_TOLERANCE = 0.005;

/**
 * Usable only if better on the project's unseen files: more exact matches, and fewer bits per byte beyond the doubt of
 * the draw (95 %); and not worse on the guard: bits per byte within `GUARD_TOLERANCE`, and exact matches not fewer
 * beyond the doubt of the draw. A figure that is no number holds nothing.
 */
export function judge({ project, guard }: Comparisons): Verdict {
  const reasons: string[] = [];
  if (!(project.exactMatch.change.value > 0)) {
    reasons.push('On unseen files of the project it has no more exact matches than before.');
  }
  if (!(project.bitsPerByte.change.high < 0)) {
    reasons.push('On unseen files of the project its bits per byte are not lower beyond the doubt of the draw.');
  }
  if (!(guard.bitsPerByte.after.value <= guard.bitsPerByte.before.value * (1 + GUARD_TOLERANCE))) {
    reasons.push(`On the guard set its bits per byte rise by more than ${100 * GUARD_TOLERANCE} %.`);
  }
  if (!(guard.exactMatch.change.high >= 0)) {
    reasons.push('On the guard set it has fewer exact matches than before, beyond the doubt of the draw.');
  }
  return { usable: reasons.length === 0, reasons };
}
