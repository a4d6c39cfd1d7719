/**
 * Snippets from elsewhere for the model to read beside the text at the cursor: declarations that the editor has found, then
 * windows of other open documents and recently edited places that look like the cursor's. Windows are compared by the
 * identifiers they share (Jaccard: shared / all). One that is nearly the same text is left out, since a model that sees a
 * copy of what it is asked for repeats it.
 */
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Neighbour } from '../engine/infill/fill.ts';
import {
  bestWindow,
  identifiersOf,
  jaccard,
  LEAST_SIMILARITY,
  MOST_SIMILARITY,
  MOST_SNIPPETS,
  surroundings,
  type Window,
  windowsOf,
} from '../engine/infill/neighbour-windows.ts';
import type { Place } from './completion/place.ts';
import type { RecentChunk, RecentEdits } from './recent-edits.ts';

/** Two snippets more alike than this say the same. */
const MOST_ALIKE = 0.5;
/** What was edited a moment ago counts for more than text that merely looks alike. */
const RECENT = 1.25;
/** Characters on either side of the cursor within which a recent place is part of the text at the cursor itself. */
const NEAR = 3000;
const MOST_DOCUMENTS = 20;
const MOST_CHARACTERS = 200_000;

/** Languages that name the same things. */
const families = [['typescript', 'typescriptreact', 'javascript', 'javascriptreact']];

export interface Neighbours {
  /** The best window of each similar document, best first. */
  pick(place: Place, documents: TextDocument[]): Neighbour[];
  /**
   * Changes whenever a document does that `pick` could choose from. Declarations and recent edits do not count: they come
   * while a suggestion is on the screen, which must stay as long as the typed text agrees with it.
   */
  fingerprint(place: Pick<Place, 'uri' | 'languageId'>, documents: TextDocument[]): string;
}

/** A declaration of something that is named at the cursor, as the editor's own language service found it. */
export interface Declaration {
  uri: string;
  text: string;
}

export interface NeighbourSources {
  recent?: Pick<RecentEdits, 'chunks'>;
  /** Of names in a document. */
  declarations?: (uri: string) => readonly Declaration[];
}

interface Candidate {
  uri: string;
  text: string;
  score: number;
}

export function createNeighbours(
  pathOf: (uri: string) => string,
  { recent, declarations = () => [] }: NeighbourSources = {},
): Neighbours {
  const known = new WeakMap<TextDocument, { version: number; windows: Window[] }>();

  function windowsIn(document: TextDocument): Window[] {
    const kept = known.get(document);
    if (kept?.version === document.version) return kept.windows;
    const windows = windowsOf(document.getText());
    known.set(document, { version: document.version, windows });
    return windows;
  }

  function windowsLike(wanted: Set<string>, place: Place, documents: TextDocument[]): Candidate[] {
    return eligible(place, documents).map((document) => ({
      uri: document.uri,
      ...bestWindow(wanted, windowsIn(document)),
    }));
  }

  function recentLike(wanted: Set<string>, place: Place): Candidate[] {
    const family = familyOf(place.languageId);
    const near = place.before.slice(-NEAR) + place.after.slice(0, NEAR);
    const elsewhere = ({ uri, languageId, text }: RecentChunk) =>
      family.includes(languageId) && !(uri === place.uri && sharesLines(near, text));
    return (recent?.chunks() ?? []).filter(elsewhere).map(({ uri, text }) => {
      const similarity = jaccard(wanted, identifiersOf(text));
      return { uri, text, score: similarity > MOST_SIMILARITY ? 0 : similarity * RECENT };
    });
  }

  return {
    pick(place, documents) {
      const wanted = identifiersOf(surroundings(place));
      const declared = declarations(place.uri).map((each) => ({ ...each, score: 1 }));
      const alike =
        wanted.size === 0
          ? []
          : [...windowsLike(wanted, place, documents), ...recentLike(wanted, place)]
              .filter(({ score }) => score >= LEAST_SIMILARITY)
              .sort((a, b) => b.score - a.score);
      return different([...declared, ...alike])
        .slice(0, MOST_SNIPPETS)
        .map(({ uri, text }) => ({ path: pathOf(uri), text }));
    },
    fingerprint(place, documents) {
      return eligible(place, documents)
        .map((document) => `${document.uri}@${document.version}`)
        .join(' ');
    },
  };
}

/** Without those that say what an earlier one says. */
function different(candidates: readonly Candidate[]): Candidate[] {
  const kept: (Candidate & { identifiers: Set<string> })[] = [];
  for (const candidate of candidates) {
    const identifiers = identifiersOf(candidate.text);
    const same = kept.some(
      (other) => other.uri === candidate.uri && jaccard(other.identifiers, identifiers) > MOST_ALIKE,
    );
    if (!same) kept.push({ ...candidate, identifiers });
  }
  return kept;
}

/** Whether half of the lines of a text, those with words, stand in another. */
function sharesLines(text: string, lines: string): boolean {
  const worded = lines.split('\n').filter((line) => /\p{L}{3}/u.test(line));
  return worded.filter((line) => text.includes(line)).length * 2 >= worded.length;
}

function familyOf(languageId: string): readonly string[] {
  return families.find((languages) => languages.includes(languageId)) ?? [languageId];
}

function eligible(place: Pick<Place, 'uri' | 'languageId'>, documents: TextDocument[]): TextDocument[] {
  const family = familyOf(place.languageId);
  // The cells of a notebook are one text, and read as such.
  const own = place.uri.split('#')[0];
  return documents
    .filter((document) => document.uri.split('#')[0] !== own && family.includes(document.languageId))
    .filter((document) => document.getText().length <= MOST_CHARACTERS)
    .slice(0, MOST_DOCUMENTS);
}
