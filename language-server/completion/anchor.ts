/**
 * The anchored blank. A GLM reads Part A in both directions, so any change in it voids the whole reading. Therefore a
 * blank is anchored when it opens: the passage around it stays as it was, and what is typed inside becomes its forced
 * start, which costs the new tokens only. The anchor holds for one place in one document.
 */
import type { Passage } from '../../engine/infill/fill.ts';
import { wordAtEnd } from './lines.ts';
import type { Place } from './place.ts';

export interface Anchor {
  uri: string;
  /** The whole text before the blank and after the cursor when it was anchored. */
  before: string;
  after: string;
  /** What the engine reads: unchanged while the anchor holds. */
  passage: Omit<Passage, 'forced'>;
}

/** Beyond this the forced part itself deserves to be read in both directions (about 48 tokens of code). */
const MAX_FORCED = 160;
/** A longer run of word characters is data, not a name that is being typed. */
const MAX_WORD = 64;

/**
 * How many of the last characters before the cursor belong to a new blank: the word that is being typed, together with
 * the single space before it, because tokenizers join a space to the word that follows. Indentation stays outside.
 */
export function blankOpening(left: string): number {
  const word = wordAtEnd(left.slice(-MAX_WORD - 1));
  if (word.length > MAX_WORD) return 0;
  const rest = left.slice(0, left.length - word.length);
  return /\S $/.test(rest) ? word.length + 1 : word.length;
}

/** What was typed in the blank so far, or `undefined` if the place is not inside it any more. */
export function typedSince(anchor: Anchor, place: Place): string | undefined {
  const typed = place.before.length - anchor.before.length;
  if (anchor.uri !== place.uri || typed < 0 || typed > MAX_FORCED) return undefined;
  const forced = place.before.slice(anchor.before.length);
  if (forced.includes('\n') || place.after !== anchor.after) return undefined;
  return place.before.startsWith(anchor.before) ? forced : undefined;
}
