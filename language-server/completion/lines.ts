/** Lines and words: what the rules of the other files in this folder are stated in. */
import type { Multiline } from '../protocol.ts';
import type { Place } from './place.ts';

/** Characters that an editor inserts by itself to close what was opened, and what may follow them. */
const CLOSERS_ONLY = /^[\s)\]}>"'`;,:]*$/;
const ENDS_WITH_OPENER = /[([{]\s*$/;

/** Whether a completion may run over the end of the line. */
export type LineRule = 'one' | 'many';

/**
 * `auto`: many at the end of a line, and between an opener and its closer (`{|}`); one wherever text follows on the line.
 * `always` also gives many between other text and closers.
 */
export function lineRule(place: Pick<Place, 'left' | 'right'>, multiline: Multiline): LineRule {
  if (multiline === 'never' || !CLOSERS_ONLY.test(place.right)) return 'one';
  if (multiline === 'always' || place.right.trim() === '') return 'many';
  return ENDS_WITH_OPENER.test(place.left) ? 'many' : 'one';
}

const WORD_AT_END = /[\p{L}\p{N}_$]+$/u;
const WORD_AT_START = /^[\p{L}\p{N}_$]/u;

export function insideWord(place: Pick<Place, 'left' | 'right'>): boolean {
  return WORD_AT_END.test(place.left.slice(-2)) && WORD_AT_START.test(place.right.slice(0, 2));
}

/** The letters, digits, `_` and `$` that end a text. */
export function wordAtEnd(text: string): string {
  return WORD_AT_END.exec(text)?.[0] ?? '';
}

export function hasWord(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text);
}

export function isBlank(text: string): boolean {
  return text.trim() === '';
}

/** Keys that a text takes: one for each character, none for indentation, which editors insert with the line break. */
export function keysOf(text: string): number {
  return [...text.replace(/\n[ \t]+/g, '\n')].length;
}

export function indentationOf(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

/** The first `count` non-blank lines after the cursor's line. */
export function linesAfter(place: Pick<Place, 'after'>, count: number): string[] {
  const found: string[] = [];
  for (let at = place.after.indexOf('\n'); at >= 0 && found.length < count; ) {
    const end = place.after.indexOf('\n', at + 1);
    const line = place.after.slice(at + 1, end < 0 ? undefined : end);
    if (!isBlank(line)) found.push(line);
    at = end;
  }
  return found;
}

/** The last `count` non-blank lines before the cursor's line, in the order of the document. */
export function linesBefore(place: Pick<Place, 'before' | 'left'>, count: number): string[] {
  const found: string[] = [];
  for (let end = place.before.length - place.left.length - 1; end >= 0 && found.length < count; ) {
    const start = end === 0 ? 0 : place.before.lastIndexOf('\n', end - 1) + 1;
    const line = place.before.slice(start, end);
    if (!isBlank(line)) found.unshift(line);
    end = start - 1;
  }
  return found;
}
