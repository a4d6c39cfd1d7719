/**
 * Snippets of other open documents that look like the place of the cursor: windows of lines, compared by the identifiers
 * they share (Jaccard: shared / all). A window that is nearly the same text is left out, since a model that sees a copy
 * of what it is asked for repeats it.
 */
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Neighbour } from '../engine/infill/fill.ts';
import type { Place } from './completion/place.ts';

const WINDOW_LINES = 40;
const STEP_LINES = 20;
const MOST_SNIPPETS = 3;
const LEAST_SIMILARITY = 0.1;
const MOST_SIMILARITY = 0.8;
const MOST_DOCUMENTS = 20;
const MOST_CHARACTERS = 200_000;

/** Languages that name the same things. */
const families = [['typescript', 'typescriptreact', 'javascript', 'javascriptreact']];

interface Window {
  text: string;
  identifiers: Set<string>;
}

export interface Neighbours {
  /** The best window of each similar document, best first. */
  pick(place: Place, documents: TextDocument[]): Neighbour[];
  /** Changes whenever a document does that `pick` could choose from. */
  fingerprint(place: Pick<Place, 'uri' | 'languageId'>, documents: TextDocument[]): string;
}

export function createNeighbours(pathOf: (uri: string) => string): Neighbours {
  const known = new WeakMap<TextDocument, { version: number; windows: Window[] }>();

  function windowsOf(document: TextDocument): Window[] {
    const kept = known.get(document);
    if (kept?.version === document.version) return kept.windows;
    const windows = split(document.getText());
    known.set(document, { version: document.version, windows });
    return windows;
  }

  return {
    pick(place, documents) {
      const wanted = identifiersOf(surroundings(place));
      if (wanted.size === 0) return [];
      return eligible(place, documents)
        .map((document) => ({ document, ...best(wanted, windowsOf(document)) }))
        .filter(({ score }) => score >= LEAST_SIMILARITY)
        .sort((a, b) => b.score - a.score)
        .slice(0, MOST_SNIPPETS)
        .map(({ document, text }) => ({ path: pathOf(document.uri), text }));
    },
    fingerprint(place, documents) {
      return eligible(place, documents)
        .map((document) => `${document.uri}@${document.version}`)
        .join(' ');
    },
  };
}

function eligible(place: Pick<Place, 'uri' | 'languageId'>, documents: TextDocument[]): TextDocument[] {
  const family = families.find((languages) => languages.includes(place.languageId)) ?? [place.languageId];
  return documents
    .filter((document) => document.uri !== place.uri && family.includes(document.languageId))
    .filter((document) => document.getText().length <= MOST_CHARACTERS)
    .slice(0, MOST_DOCUMENTS);
}

function best(wanted: Set<string>, windows: Window[]): { text: string; score: number } {
  let found = { text: '', score: 0 };
  for (const { text, identifiers } of windows) {
    const score = jaccard(wanted, identifiers);
    if (score > found.score && score <= MOST_SIMILARITY) found = { text, score };
  }
  return found;
}

function split(text: string): Window[] {
  const lines = text.split(/\r\n?|\n/);
  const windows: Window[] = [];
  for (let start = 0; start === 0 || start + STEP_LINES < lines.length; start += STEP_LINES) {
    const window = lines.slice(start, start + WINDOW_LINES).join('\n');
    windows.push({ text: window, identifiers: identifiersOf(window) });
  }
  return windows;
}

function surroundings(place: Place): string {
  const before = place.before
    .slice(-4000)
    .split('\n')
    .slice(-WINDOW_LINES / 2);
  const after = place.after
    .slice(0, 4000)
    .split('\n')
    .slice(0, WINDOW_LINES / 2);
  return [...before, ...after].join('\n');
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
