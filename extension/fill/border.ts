/**
 * Wider and narrower blanks. A wider one takes more of the text around it, a narrower one gives back what stood there;
 * either way what stood there before the fill can still be put back.
 */
import type { TextRange } from './holes.ts';
import type { Edit, SessionBlank } from './session.ts';

export interface Moved {
  blanks: SessionBlank[];
  /** What the document needs for it: nothing for a wider blank. */
  edits: Edit[];
}

/**
 * First to all of its lines' text, then by the line above and the line below; not into another blank. `undefined` when
 * there is nothing more to take.
 */
export function widen(text: string, blanks: readonly SessionBlank[], id: number): Moved | undefined {
  const index = blanks.findIndex((each) => each.id === id);
  const blank = blanks[index];
  if (!blank) return undefined;
  const most = { start: blanks[index - 1]?.end ?? 0, end: blanks[index + 1]?.start ?? text.length };
  const lines = within(linesOf(text, blank), most, text);
  const same = lines.start >= blank.start && lines.end <= blank.end;
  const above = text.lastIndexOf('\n', lines.start - 1);
  const below = text.indexOf('\n', lines.end);
  const further = {
    start: above < 0 ? 0 : lineStart(text, above),
    end: below < 0 ? text.length : lineEnd(text, below + 1),
  };
  const taken = same ? within(further, most, text) : lines;
  const [start, end] = [Math.min(taken.start, blank.start), Math.max(taken.end, blank.end)];
  if (start === blank.start && end === blank.end) return undefined;
  const original = text.slice(start, blank.start) + blank.original + text.slice(blank.end, end);
  return { blanks: blanks.map((each) => (each.id === id ? { ...each, start, end, original } : each)), edits: [] };
}

/** Where a line's text can be cut: after an assignment, an arrow, `return`, a colon or an opening bracket. */
const VALUE = /^[^\n]*?(?:=>|=(?!=)|\breturn\b|:|[([{])[ \t]*(?=\S)/;

/**
 * Without its first and last line; of one line or two only what is assigned, returned or in brackets. `undefined` when
 * nothing would be left.
 */
export function narrow(blanks: readonly SessionBlank[], id: number): Moved | undefined {
  const blank = blanks.find((each) => each.id === id);
  const kept = blank && narrower(blank.original);
  if (!blank || !kept) return undefined;
  const { original } = blank;
  const [head, middle, tail] = [
    original.slice(0, kept.start),
    original.slice(kept.start, kept.end),
    original.slice(kept.end),
  ];
  const start = blank.start + head.length;
  const delta = original.length - (blank.end - blank.start);
  return {
    edits: [{ start: blank.start, end: blank.end, text: head + middle + tail }],
    blanks: blanks.map((each) => {
      if (each.id === id) return { ...each, start, end: start + middle.length, original: middle, state: 'unfilled' };
      return each.start < blank.end ? each : { ...each, start: each.start + delta, end: each.end + delta };
    }),
  };
}

function narrower(original: string): TextRange | undefined {
  const lines = original.split('\n');
  if (lines.length > 2) {
    const start = (lines[0] ?? '').length + 1;
    const end = original.length - (lines.at(-1) ?? '').length - 1;
    return trimmed(original, { start, end });
  }
  const value = VALUE.exec(original)?.[0].length ?? 0;
  const closers = /[\s;,)\]}]*$/.exec(original)?.[0].length ?? 0;
  if (value === 0) return undefined;
  return trimmed(original, { start: value, end: closedEnd(original, value, original.length - closers) });
}

/** `end` or later: behind the brackets that close what is opened between `start` and `end`. */
function closedEnd(text: string, start: number, end: number): number {
  const inner = text.slice(start, end);
  let open = (inner.match(/[([{]/g)?.length ?? 0) - (inner.match(/[)\]}]/g)?.length ?? 0);
  let at = end;
  for (; open > 0 && /[)\]}]/.test(text[at] ?? ''); at++) open--;
  return at;
}

/** All lines that a range touches, without the white space at either end. */
function linesOf(text: string, { start, end }: TextRange): TextRange {
  return { start: lineStart(text, start), end: lineEnd(text, end) };
}

function within({ start, end }: TextRange, most: TextRange, text: string): TextRange {
  const inside = { start: Math.max(start, most.start), end: Math.min(end, most.end) };
  return trimmed(text, inside) ?? inside;
}

/** Without white space at either end; `undefined` when nothing else is there. */
function trimmed(text: string, { start, end }: TextRange): TextRange | undefined {
  const inner = text.slice(start, end).trim();
  if (inner === '') return undefined;
  const from = start + text.slice(start, end).indexOf(inner);
  return { start: from, end: from + inner.length };
}

function lineStart(text: string, offset: number): number {
  return offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
}

function lineEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.length : end;
}
