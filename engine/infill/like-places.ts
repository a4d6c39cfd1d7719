/** Places in a document that look like the blank: the text before them ends as the text before the cursor does. */

/** Characters compared on each side of a place; more make it no likelier. */
export const LONGEST_MATCH = 64;
/** Characters that must agree before a place, and fewer where at least so many agree after it. */
const SHORTEST_MATCH = 3;
const LEAST_BEFORE = 2;
const ENOUGH_AFTER = 4;
/** Characters after an end in the middle of a line that must agree: a bracket alone is found everywhere. */
const SURE_AFTER = 3;
/** Characters before a place that must agree for the span to go on into another line as there. */
const SURE_BEFORE = 16;
/** Places looked at in each text; what repeats more often is known well enough. */
const MOST_PLACES = 500;
/** Characters of a line in which a span that begins at a place may end. */
const LONGEST_SPAN = 200;
/** What agrees after the span counts for half of what agrees before it, and only so far. */
const AFTER_WEIGHT = 0.5;
const MOST_AFTER = 24;
/** Characters of distance that hardly count. */
const NEAR = 100;

/** Stands for a blank that is not filled yet: nothing is copied from there. */
export const HOLE = '\uFFFC';

export interface LikePlace {
  /** What stands there, up to the best end or to as many characters as asked for. */
  rest: string;
  /** Characters that agree before the place. */
  matched: number;
  /** Characters after the best end of a span from there, in the same line, that agree with the text after the blank. */
  following: number;
  /** Whether that end is the place itself: a span would have to end here. */
  ends: boolean;
  /** Higher is likelier; e times likelier for each unit that `SHARPNESS` of the document cache names. */
  likeness: number;
}

export interface SearchedText {
  text: string;
  /** Characters between the blank and an offset of the text. */
  distance(at: number): number;
  /** Offsets before which the text ends with `needle`, the end of `context`; those worth most first. */
  ends(needle: string, context: string): Iterable<number>;
}

/** A text that is searched from its end on: what is near before the cursor is found even when there is too much. */
export function scannedText(text: string, distance: SearchedText['distance']): SearchedText {
  return {
    text,
    distance,
    *ends(needle) {
      let from = text.length - needle.length - 1;
      for (let found = 0; found < MOST_PLACES && from >= 0; found++) {
        const start = text.lastIndexOf(needle, from);
        if (start < 0) return;
        from = start - 1;
        yield start + needle.length;
      }
    },
  };
}

/**
 * All places of `texts` where the text ends as `context` does. Whether a span goes on into another line is left to the
 * model, unless much agrees.
 */
export function likePlaces(
  texts: readonly SearchedText[],
  context: string,
  after: string,
  characters: number,
): LikePlace[] {
  const needle = needleOf(context);
  const places: LikePlace[] = [];
  if (needle === undefined) return places;
  for (const searched of texts) {
    const { text } = searched;
    for (const at of searched.ends(needle, context)) {
      const matched = commonBefore(text, at, context);
      const { following, end } = bestEnd(text, at, after);
      if (matched < (following >= ENOUGH_AFTER ? LEAST_BEFORE : SHORTEST_MATCH)) continue;
      const ends = end === at;
      const until = end === undefined ? at + characters : Math.min(end, at + characters);
      const rest = text.slice(at, until).split(HOLE)[0] as string;
      if (!ends && (rest === '' || (isLineBreak(rest) && matched < SURE_BEFORE))) continue;
      const likeness =
        matched + AFTER_WEIGHT * Math.min(MOST_AFTER, following) - Math.log(1 + searched.distance(at) / NEAR);
      places.push({ rest, matched, following, ends, likeness });
    }
  }
  return places;
}

/** The shortest end of the context that is worth looking for: white space is everywhere. */
function needleOf(context: string): string | undefined {
  const visible = context.trimEnd().length;
  return visible === 0 || context.length < LEAST_BEFORE
    ? undefined
    : context.slice(Math.min(visible - 1, context.length - LEAST_BEFORE));
}

/**
 * The end of a span from `at` on, within its line, after which the text goes on most like the text after the blank;
 * undefined where little agrees.
 */
function bestEnd(text: string, at: number, after: string): { following: number; end?: number } {
  const lineEnd = endOfLine(text, at);
  if (isLineBreak(after)) {
    const following = commonAfter(text, lineEnd, after);
    return following > 0 ? { following, end: lineEnd } : { following };
  }
  let following = 0;
  let end = at;
  const first = after[0];
  const last = Math.min(lineEnd, at + LONGEST_SPAN);
  for (let i = first ? text.indexOf(first, at) : -1; i >= 0 && i <= last; i = text.indexOf(first as string, i + 1)) {
    const common = commonAfter(text, i, after);
    if (common > following) {
      following = common;
      end = i;
    }
  }
  return following >= SURE_AFTER ? { following, end } : { following };
}

function endOfLine(text: string, from: number): number {
  const found = text.indexOf('\n', from);
  if (found < 0) return text.length;
  return found > from && text[found - 1] === '\r' ? found - 1 : found;
}

function isLineBreak(text: string): boolean {
  return text.startsWith('\n') || text.startsWith('\r');
}

/** Length of the common end of `text` up to `at` and `context`. */
export function commonBefore(text: string, at: number, context: string): number {
  const most = Math.min(at, context.length);
  let length = 0;
  while (length < most && text.charCodeAt(at - 1 - length) === context.charCodeAt(context.length - 1 - length))
    length++;
  return length;
}

/** Length of the common beginning of `text` from `at` on and `after`. */
function commonAfter(text: string, at: number, after: string): number {
  const most = Math.min(LONGEST_MATCH, text.length - at, after.length);
  let length = 0;
  while (length < most && text.charCodeAt(at + length) === after.charCodeAt(length)) length++;
  return length;
}
