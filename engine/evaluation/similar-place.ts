/**
 * The baselines that copy: they find in the same document (whole, not only what a model can read) and in the neighbours
 * the place that looks most like the blank's, and say what stands there.
 */
import type { Baseline, BaselineRule } from './baseline.ts';
import { linesOf } from './lines.ts';
import { drawnKinds, type Task } from './task.ts';

/** Characters compared at most on each side. */
const REACH = 400;
const MOST_LINES = 8;

/** A place in `text` where a copy may begin, where it may end, and how far it lies from the blank. */
interface Place {
  text: string;
  start: number;
  ends: readonly number[];
  distance: number;
}

/** What two places are compared by, the more important first. */
type Likeness = (left: number, right: number) => [number, number];

const LIKENESSES: Readonly<Record<string, Likeness>> = {
  'text before, then the nearest': (left) => [left, 0],
  'text before, then text after': (left, right) => [left, right],
  'text before and after together': (left, right) => [left + right, left],
  'text after, then text before': (left, right) => [right, left],
};

const rulesWithin = (scope: Scope): BaselineRule[] =>
  Object.entries(LIKENESSES).map(([name, likeness]) => ({
    name,
    predict: (task) => copySimilar(task, scope, likeness),
  }));

export const nearestSimilarLine: Baseline = {
  name: 'nearest similar line',
  about:
    'A copy out of the line of the document that shares the longest text before the cursor’s place with the line of the blank (and, by some rules, after it), the nearest of equals.',
  // Of a whole line only the indentation would be compared.
  kinds: ['rest of line', 'character span'],
  rules: rulesWithin('line'),
};

export const mostSimilarPlace: Baseline = {
  name: 'most similar place',
  about: 'The same, but what is compared goes on over line breaks, up to 400 characters to each side.',
  kinds: drawnKinds,
  rules: rulesWithin('document'),
};

/** How far likeness is looked for: to the ends of the blank's own line, or beyond. */
type Scope = 'line' | 'document';

function copySimilar(task: Task, scope: Scope, likeness: Likeness): string {
  const before = scope === 'line' ? task.before.slice(task.before.lastIndexOf('\n') + 1) : task.before;
  const after = scope === 'line' ? (/^[^\n]*/.exec(task.after)?.[0] ?? '') : task.after;
  let found = '';
  let best: [number, number, number] | undefined;
  for (const { text, start, ends, distance } of places(task)) {
    const left = commonBefore(text, start, before);
    if (left === 0 && before.length > 0) continue;
    for (const end of ends) {
      const score: [number, number, number] = [...likeness(left, commonAfter(text, end, after)), -distance];
      if (best && !isAbove(score, best)) continue;
      best = score;
      found = text.slice(start, end);
    }
  }
  return found;
}

function isAbove(score: readonly number[], other: readonly number[]): boolean {
  for (const [index, value] of score.entries()) {
    const against = other[index] as number;
    if (value !== against) return value > against;
  }
  return false;
}

function* places(task: Task): Generator<Place, void, undefined> {
  const { before, after, neighbours, kind } = task;
  // The line that the blank cuts off has no rest to copy.
  yield* placesIn(before, before.length - 1, kind, (start) => before.length - start);
  yield* placesIn(after, after.length, kind, (start) => start);
  const near = Math.max(before.length, after.length);
  for (const { text } of neighbours) yield* placesIn(text, text.length, kind, (start) => near + start);
}

/** `limit`: the last offset at which a copy up to a line's end may end. */
function* placesIn(
  text: string,
  limit: number,
  kind: string,
  distanceOf: (start: number) => number,
): Generator<Place, void, undefined> {
  const lines = linesOf(text);
  const at = (start: number, ends: readonly number[]): Place => ({ text, start, ends, distance: distanceOf(start) });
  for (const [index, { first, last, end }] of lines.entries()) {
    if (last === first) continue;
    switch (kind) {
      case 'rest of line':
        if (end <= limit) for (let start = first + 1; start < last; start++) yield at(start, [end]);
        break;
      case 'whole line':
        if (end <= limit) yield at(first, [end]);
        break;
      case '2-8 lines': {
        const ends = lines.slice(index + 1, index + MOST_LINES).map((line) => line.end);
        yield at(
          first,
          ends.filter((closing) => closing <= limit),
        );
        break;
      }
      default: {
        const stops = Array.from({ length: last - first }, (_, i) => first + 1 + i);
        for (let start = first; start < last; start++) yield at(start, stops.slice(start - first));
      }
    }
  }
}

/** Length of the common end of `text` up to `at` and `before`. */
function commonBefore(text: string, at: number, before: string): number {
  const most = Math.min(at, before.length, REACH);
  let length = 0;
  while (length < most && text.charCodeAt(at - 1 - length) === before.charCodeAt(before.length - 1 - length)) length++;
  return length;
}

/** Length of the common beginning of `text` from `at` on and `after`. */
function commonAfter(text: string, at: number, after: string): number {
  const most = Math.min(text.length - at, after.length, REACH);
  let length = 0;
  while (length < most && text.charCodeAt(at + length) === after.charCodeAt(length)) length++;
  return length;
}
