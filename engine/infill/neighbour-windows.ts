/**
 * Snippets of other files that look like the place of the cursor: windows of lines, compared by the identifiers they share
 * (Jaccard: shared / all). A window that is nearly the same text is left out, since a model that sees a copy of what it
 * is asked for repeats it.
 */
import type { Neighbour } from './fill.ts';

const WINDOW_LINES = 40;
const STEP_LINES = 20;
export const MOST_SNIPPETS = 3;
export const LEAST_SIMILARITY = 0.1;
export const MOST_SIMILARITY = 0.8;
/** Characters on each side of the cursor that are compared. */
const SURROUNDINGS = 4000;

export interface Window {
  text: string;
  identifiers: Set<string>;
}

export function windowsOf(text: string): Window[] {
  const lines = text.split(/\r\n?|\n/);
  const windows: Window[] = [];
  for (let start = 0; start === 0 || start + STEP_LINES < lines.length; start += STEP_LINES) {
    const window = lines.slice(start, start + WINDOW_LINES).join('\n');
    windows.push({ text: window, identifiers: identifiersOf(window) });
  }
  return windows;
}

/** The best window of each similar file, best first. */
export function pickNeighbours(
  place: { before: string; after: string },
  files: readonly { path: string; windows: () => readonly Window[] }[],
): Neighbour[] {
  const wanted = identifiersOf(surroundings(place));
  if (wanted.size === 0) return [];
  return files
    .map(({ path, windows }) => ({ path, ...bestWindow(wanted, windows()) }))
    .filter(({ score }) => score >= LEAST_SIMILARITY)
    .sort((a, b) => b.score - a.score)
    .slice(0, MOST_SNIPPETS)
    .map(({ path, text }) => ({ path, text }));
}

/** The window most like the wanted identifiers; empty with score 0 where none is. */
export function bestWindow(wanted: Set<string>, windows: readonly Window[]): { text: string; score: number } {
  let found = { text: '', score: 0 };
  for (const { text, identifiers } of windows) {
    const score = jaccard(wanted, identifiers);
    if (score > found.score && score <= MOST_SIMILARITY) found = { text, score };
  }
  return found;
}

/** The lines around the cursor that windows are compared with. */
export function surroundings({ before, after }: { before: string; after: string }): string {
  const above = before
    .slice(-SURROUNDINGS)
    .split('\n')
    .slice(-WINDOW_LINES / 2);
  const below = after
    .slice(0, SURROUNDINGS)
    .split('\n')
    .slice(0, WINDOW_LINES / 2);
  return [...above, ...below].join('\n');
}

export function identifiersOf(text: string): Set<string> {
  return new Set(text.match(/[\p{L}_$][\p{L}\p{N}_$]{2,}/gu));
}

/** |a and b| / |a or b|; 0 for two empty sets. */
export function jaccard(a: Set<string>, b: Set<string>): number {
  let shared = 0;
  for (const element of a) if (b.has(element)) shared++;
  const all = a.size + b.size - shared;
  return all === 0 ? 0 : shared / all;
}
