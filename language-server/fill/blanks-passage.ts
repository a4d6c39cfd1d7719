/** The text that the engine reads around the blanks of a document, and how long each of them may become. */
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Blank, BlanksPassage } from '../../engine/infill/blanks.ts';
import type { Neighbour } from '../../engine/infill/fill.ts';
import { blankOpening } from '../completion/anchor.ts';
import { indentationOf, isBlank, type LineRule, lineRule } from '../completion/lines.ts';
import { lastLines } from '../completion/passage.ts';
import { locate, type Place, type Surroundings, unixLines } from '../completion/place.ts';
import type { FillLength } from '../protocol.ts';
import type { BlankPlace } from './blank-places.ts';
import { commentLine } from './instruction.ts';

export interface BlanksText {
  document: TextDocument;
  places: readonly BlankPlace[];
  length: FillLength;
  instruction: string;
  path: string;
  neighbours: Neighbour[];
  /** Characters before the first and after the last blank that can reach the model. */
  reach: number;
  surroundings: Surroundings;
}

/** A blank as a place of completion: the text it holds now belongs to neither side. */
export function placeOf(document: TextDocument, { range, end }: BlankPlace): Place {
  const after = unixLines(document.getText().slice(end));
  const lineEnd = after.indexOf('\n');
  return { ...locate(document, range.start), after, right: lineEnd < 0 ? after : after.slice(0, lineEnd) };
}

/** One line where it is asked for, and wherever other text than closing brackets follows on the line. */
export function blankRule(place: Pick<Place, 'left' | 'right'>, length: FillLength): LineRule {
  return length === 'line' || length === 1 ? 'one' : lineRule(place, 'always');
}

export function blanksPassage({
  document,
  places,
  length,
  instruction,
  path,
  neighbours,
  reach,
  surroundings,
}: BlanksText): BlanksPassage {
  const text = document.getText();
  const texts: string[] = [];
  const blanks: Blank[] = [];
  let from = 0;
  for (const blank of places) {
    const place = placeOf(document, blank);
    const stretch = unixLines(text.slice(from, blank.start)) + noteBefore(blank, place);
    from = blank.end;
    if (blank.asked === undefined) {
      texts.push(stretch);
      blanks.push({ state: 'kept', forced: unixLines(text.slice(blank.start, blank.end)) });
      continue;
    }
    // Tokenizers join a space, and the start of a word, to what follows: both become the given start of the span.
    const opening = blankOpening(stretch.slice(stretch.lastIndexOf('\n') + 1));
    const border = stretch.length - opening;
    texts.push(stretch.slice(0, border));
    const lines = blankRule(place, length) === 'one' ? 1 : typeof length === 'number' ? length : undefined;
    blanks.push({ state: 'open', forced: stretch.slice(border), ...(lines === undefined ? {} : { lines }) });
  }
  const rest = unixLines(text.slice(from)) + surroundings.after;
  texts[0] = lastLines(surroundings.before + (texts[0] ?? ''), reach);
  if (instruction.trim() !== '') {
    const first = blanks.findIndex(({ state }) => state === 'open');
    const at = Math.max(
      0,
      texts.slice(0, first + 1).findLastIndex((stretch) => stretch.includes('\n')),
    );
    texts[at] = aboveLastLine(texts[at] ?? '', commentLine(document.languageId, instruction));
  }
  return {
    path,
    languageId: document.languageId,
    texts: [...texts, rest.slice(0, reach)],
    blanks,
    reachesEnd: rest.length <= reach,
    neighbours,
    kind: 'sentence',
  };
}

/** Puts a line above the last line of a text, indented like it. */
function aboveLastLine(text: string, line: string): string {
  const at = text.lastIndexOf('\n') + 1;
  return `${text.slice(0, at)}${indentationOf(text.slice(at))}${line}\n${text.slice(at)}`;
}

/** A hint goes on a line of its own where the blank takes the rest of its line, else right before the blank. */
function noteBefore({ hint }: BlankPlace, { left, right }: Place): string {
  if (hint.trim() === '') return '';
  const note = unixLines(hint.trim());
  return isBlank(right) ? `${note}\n${indentationOf(left)}` : `${note} `;
}
