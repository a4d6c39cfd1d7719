/**
 * A fill that is being looked at, as data: where each blank's text stands now, what stood there before, what the user
 * decided. All positions are UTF-16 offsets of the document; nothing here knows the editor.
 */
import type { FillLength } from '../../language-server/protocol.ts';
import type { Hole, TextRange } from './holes.ts';

/** `unfilled`: the model had nothing to say, so the old text still stands. `edited`: changed by the user since. */
export type BlankState = 'filled' | 'unfilled' | 'edited' | 'kept';

export interface SessionBlank extends TextRange {
  id: number;
  /** What stood there before the fill. */
  original: string;
  hint: string;
  state: BlankState;
  /** Other candidates that were drawn for it: 0 while it has the most probable text. */
  candidate: number;
  /** How long the text in it may be; the setting's length while it has none of its own. */
  length?: FillLength;
}

/** A replacement of [start, end), in offsets before any edit of the same list. */
export interface Edit extends TextRange {
  text: string;
}

/** The part of a document's change that matters: [start, end) became `length` characters. */
export interface Change extends TextRange {
  length: number;
}

/** Blanks as they are before anything is filled. */
export function openBlanks(text: string, targets: readonly Hole[]): SessionBlank[] {
  return targets.map(({ start, end, hint }, id) => ({
    id,
    start,
    end,
    hint,
    original: text.slice(start, end),
    state: 'unfilled',
    candidate: 0,
  }));
}

/** Puts a text into each blank whose id has one; an empty text leaves what stands there. */
export function fillTexts(
  blanks: readonly SessionBlank[],
  texts: ReadonlyMap<number, string>,
): { blanks: SessionBlank[]; edits: Edit[] } {
  const edits: Edit[] = [];
  let shift = 0;
  const filled = blanks.map((blank): SessionBlank => {
    const text = texts.get(blank.id);
    const start = blank.start + shift;
    if (text === undefined || text === '') return { ...blank, start, end: blank.end + shift };
    edits.push({ start: blank.start, end: blank.end, text });
    shift += text.length - (blank.end - blank.start);
    return { ...blank, start, end: start + text.length, state: 'filled' };
  });
  return { blanks: filled, edits };
}

/** Puts the old text back into the blanks with these ids, which leave the session. */
export function rejectBlanks(
  blanks: readonly SessionBlank[],
  ids: ReadonlySet<number>,
): { blanks: SessionBlank[]; edits: Edit[] } {
  const edits: Edit[] = [];
  const left: SessionBlank[] = [];
  let shift = 0;
  for (const blank of blanks) {
    if (!ids.has(blank.id)) {
      left.push({ ...blank, start: blank.start + shift, end: blank.end + shift });
      continue;
    }
    if (blank.state !== 'unfilled') {
      edits.push({ start: blank.start, end: blank.end, text: blank.original });
      shift += blank.original.length - (blank.end - blank.start);
    }
  }
  return { blanks: left, edits };
}

export function keepBlanks(blanks: readonly SessionBlank[], ids: ReadonlySet<number>): SessionBlank[] {
  return blanks.map((blank) => (ids.has(blank.id) ? { ...blank, state: 'kept' } : blank));
}

/** Where the blanks are after the user changed the document; one that was changed inside is `edited`. */
export function followChange(blanks: readonly SessionBlank[], change: Change): SessionBlank[] {
  const delta = change.length - (change.end - change.start);
  return blanks.map((blank) => {
    const { start, end } = blank;
    if (change.start >= end && !(start === end && change.start === end)) return blank;
    if (change.end <= start && start < end) return { ...blank, start: start + delta, end: end + delta };
    if (change.end < start) return { ...blank, start: start + delta, end: end + delta };
    const touched = { ...blank, start: Math.min(start, change.start), end: Math.max(end, change.end) + delta };
    return { ...touched, state: blank.state === 'kept' ? 'kept' : 'edited' };
  });
}

/** Blanks about which the user has yet to decide. */
export function undecided(blanks: readonly SessionBlank[]): SessionBlank[] {
  return blanks.filter(({ state }) => state === 'filled' || state === 'edited');
}

/** What a refill fills anew, and what it leaves: texts that the user kept or changed. */
export function refillParts(blanks: readonly SessionBlank[]): { open: SessionBlank[]; kept: SessionBlank[] } {
  const isOpen = ({ state }: SessionBlank) => state === 'filled' || state === 'unfilled';
  return { open: blanks.filter(isOpen), kept: blanks.filter((blank) => !isOpen(blank)) };
}

/**
 * Whether a blank still waits for the text that was drawn for it meanwhile; `now` is its session as it stands, or nothing
 * when it is over. A blank that was narrowed to its old text is undecided only once it has a new one.
 */
export function stillWaits(now: readonly SessionBlank[] | undefined, { id, state }: SessionBlank): boolean {
  if (!now) return state === 'unfilled';
  return now.some((blank) => blank.id === id && blank.state !== 'kept');
}

/** The blank at an offset, or the nearest one. */
export function blankAt(blanks: readonly SessionBlank[], offset: number): SessionBlank | undefined {
  const distance = ({ start, end }: SessionBlank) => Math.max(start - offset, offset - end, 0);
  return blanks.toSorted((a, b) => distance(a) - distance(b))[0];
}
