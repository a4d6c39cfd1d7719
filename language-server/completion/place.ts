/**
 * Where a completion is asked for: the text on both sides of the cursor with line breaks as `\n`, whatever the document
 * uses, and the range that an accepted completion will replace.
 */
import type { Position, Range, SelectedCompletionInfo } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { IndentUnit } from './indentation.ts';

export interface Place {
  uri: string;
  languageId: string;
  /** Everything before the cursor, and everything after it. */
  before: string;
  after: string;
  /** The cursor's line: its text left and right of the cursor. */
  left: string;
  right: string;
  eol: string;
  /** How the editor indents the document, where it says so and nothing in the document does. */
  indentation?: IndentUnit | undefined;
  /** Text of the entry that is selected in the completion list: the answer must begin with it. Counted into `before`. */
  chosen: string;
}

/** What stands before and after a document that is a part of a longer text, such as a notebook. */
export interface Surroundings {
  before: string;
  after: string;
}

export const NO_SURROUNDINGS: Surroundings = { before: '', after: '' };

/** A place as the editor has it. */
export interface CursorPlace extends Place {
  /** Start and end of what an accepted completion replaces before any overlap with `right`; empty unless `chosen`. */
  range: Range;
}

/**
 * The cursor is clamped into the document. A selected entry that spans lines is ignored: no answer could extend it. What
 * surrounds the document, with `\n` for line breaks, is part of the text on either side.
 */
export function locate(
  document: TextDocument,
  position: Position,
  selected?: SelectedCompletionInfo,
  surroundings: Surroundings = NO_SURROUNDINGS,
): CursorPlace {
  const text = document.getText();
  const chosen = selected && selected.range.start.line === selected.range.end.line ? selected : undefined;
  const from = document.offsetAt(chosen?.range.start ?? position);
  const to = chosen ? document.offsetAt(chosen.range.end) : from;
  const before = surroundings.before + unixLines(text.slice(0, from)) + (chosen?.text ?? '');
  const after = unixLines(text.slice(to)) + surroundings.after;
  return {
    uri: document.uri,
    languageId: document.languageId,
    ...around(before, after),
    eol: document.getEOLCharacters(0) || '\n',
    range: { start: document.positionAt(from), end: document.positionAt(to) },
    chosen: chosen?.text ?? '',
  };
}

/** The place once `text` stands at it, instead of `replaces` characters after it. */
export function placeAfter(place: Place, { text, replaces }: { text: string; replaces: number }): Place {
  const { uri, languageId, eol, indentation } = place;
  return { uri, languageId, eol, indentation, chosen: '', ...around(place.before + text, place.after.slice(replaces)) };
}

function around(before: string, after: string): Pick<Place, 'before' | 'after' | 'left' | 'right'> {
  const lineEnd = after.indexOf('\n');
  return {
    before,
    after,
    left: before.slice(before.lastIndexOf('\n') + 1),
    right: lineEnd < 0 ? after : after.slice(0, lineEnd),
  };
}

/** With `\n` for every kind of line break. */
export function unixLines(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}
