/**
 * Draws tasks from documents with a seed. Every kind gets equally many tasks of every language; a document is drawn in
 * proportion to its size and serves a kind once, until all have been used. Blanks begin and end anywhere in a word.
 */
import { createRandom, type Random } from '../objective/random.ts';
import type { Documents } from './documents.ts';
import { type Line, linesOf } from './lines.ts';
import { type DrawnKind, drawnKinds, type Task, type TaskLanguage, taskLanguages } from './task.ts';

export interface DrawOptions {
  /** Tasks of each kind, all languages together; at least one for each language. */
  perKind: number;
  seed: number;
  /** Default: all three. */
  languages?: readonly TaskLanguage[];
}

/** Longer blanks leave too little room for the text around them. */
const LONGEST_EXPECTED = 1200;
const LEAST_LINES = 2;
const MOST_LINES = 8;
/** Places tried in one document before another is drawn. */
const PLACES = 16;

/** Throws when the documents have no place for some kind in some language. */
export function drawTasks(documents: Documents, { perKind, seed, languages = taskLanguages }: DrawOptions): Task[] {
  const tasks: Task[] = [];
  for (const [at, kind] of drawnKinds.entries()) {
    for (const [index, language] of languages.entries()) {
      const share = Math.floor(perKind / languages.length) + (index < perKind % languages.length ? 1 : 0);
      // A stream of its own for each stratum: asking for more tasks keeps the ones that there were.
      const stratum = at * taskLanguages.length + taskLanguages.indexOf(language);
      const random = createRandom(seed * drawnKinds.length * taskLanguages.length + stratum);
      tasks.push(...drawStratum(documents, kind, language, share, random));
    }
  }
  return tasks;
}

function drawStratum(
  documents: Documents,
  kind: DrawnKind,
  language: TaskLanguage,
  count: number,
  random: Random,
): Task[] {
  const members: number[] = [];
  for (let index = 0; index < documents.count; index++) {
    if (documents.origin(index).language === language && documents.size(index) > 0) members.push(index);
  }
  const sizes = members.map((index) => documents.size(index));
  const tasks: Task[] = [];
  while (tasks.length < count) {
    const weights = [...sizes];
    const before = tasks.length;
    for (let left = members.length; left > 0 && tasks.length < count; left--) {
      const drawn = random.weighted(weights);
      weights[drawn] = 0;
      const index = members[drawn] as number;
      const text = documents.text(index);
      const range = drawPlace(text, kind, random);
      if (!range) continue;
      const { path, package: name } = documents.origin(index);
      tasks.push({
        id: `${kind}/${language}/${tasks.length}`,
        kind,
        language,
        package: name,
        path,
        before: text.slice(0, range.start),
        after: text.slice(range.end),
        expected: text.slice(range.start, range.end),
        neighbours: [],
      });
    }
    if (tasks.length === before) {
      throw new Error(
        `There is no place for a blank of kind "${kind}" in ${members.length} ${language} documents: evaluate on a corpus that has ${taskLanguages.join(', ')}.`,
      );
    }
  }
  return tasks;
}

interface Range {
  start: number;
  end: number;
}

function drawPlace(text: string, kind: DrawnKind, random: Random): Range | undefined {
  const lines = linesOf(text);
  for (let attempt = 0; attempt < PLACES; attempt++) {
    const range = drawRange(lines, kind, random);
    if (!range || range.end - range.start > LONGEST_EXPECTED) continue;
    // Of white space alone nothing would be left to compare.
    if (text.slice(range.start, range.end).trim() === '') continue;
    if (!splitsPair(text, range.start) && !splitsPair(text, range.end)) return range;
  }
  return undefined;
}

function drawRange(lines: readonly Line[], kind: DrawnKind, random: Random): Range | undefined {
  const index = random.below(lines.length);
  const { first, last, end } = lines[index] as Line;
  const visible = last - first;
  if (visible < 1) return undefined;
  switch (kind) {
    // The cursor stands between two visible characters.
    case 'rest of line':
      return visible < 2 ? undefined : { start: first + 1 + random.below(visible - 1), end };
    case 'whole line':
      return { start: first, end };
    case '2-8 lines': {
      const count = LEAST_LINES + random.below(MOST_LINES - LEAST_LINES + 1);
      const closing = lines[index + count - 1];
      return closing && closing.last > closing.first ? { start: first, end: closing.end } : undefined;
    }
    case 'character span': {
      const [a, b] = [random.below(visible), random.below(visible)];
      return { start: first + Math.min(a, b), end: first + Math.max(a, b) + 1 };
    }
  }
}

/** Whether `at` lies between the two halves of a surrogate pair. */
function splitsPair(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}
