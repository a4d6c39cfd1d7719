/**
 * Fits a completion to what already stands right of the cursor, so that nothing is there twice after it is accepted:
 * the answer says how many characters of the line it replaces. Runs at every use, also for answers from the cache.
 */
import { isClosingBracket, isQuote, unmatchedClosers } from './brackets.ts';
import { hasWord, indentationOf, isBlank } from './lines.ts';
import type { Place } from './place.ts';

export interface Fitted {
  text: string;
  /** Characters right of the cursor that the text replaces; they are contained in it, in this order. */
  replaces: number;
}

/** `undefined` when nothing new would appear on the screen. */
export function fitToLine(completion: string, place: Pick<Place, 'left' | 'right'>): Fitted | undefined {
  const rest = place.right.trimEnd();
  const fitted = fitTo(completion, rest, place.left);
  return isBlank(fitted.text) || fitted.text === rest.slice(0, fitted.replaces) ? undefined : fitted;
}

function fitTo(text: string, rest: string, left: string): Fitted {
  const next = rest.trimStart()[0];
  if (next === undefined) return { text, replaces: 0 };
  if (isClosingBracket(next)) return coverClosers(text, rest) ?? beforeCloser(text, left);
  if (isQuote(next)) return coverClosers(text, rest) ?? { text, replaces: overlap(text, rest) };
  return { text, replaces: overlap(text, rest) };
}

/** `foo(|);` and `bar);`: the completion types over what the editor closed, and over what follows if it says the same. */
function coverClosers(text: string, rest: string): Fitted | undefined {
  const space = rest.length - rest.trimStart().length;
  const closers = rest.slice(space);
  let covered = 0;
  let start = 0;
  let end = 0;
  for (const { character, index } of unmatchedClosers(text)) {
    if (closers[covered] !== character) continue;
    if (covered === 0) start = index;
    covered++;
    end = index + 1;
  }
  if (covered === 0) return undefined;
  // An editor shows a replacement only if the replaced text reappears in it: `{ | }` cannot become `{ a}`.
  if (space > 0 && !text.slice(0, start).endsWith(rest.slice(0, space))) {
    return { text: text.slice(0, start), replaces: 0 };
  }
  const tail = text.slice(end);
  const others = closers.slice(covered);
  const shared = Math.min(tail.length, others.length);
  const same = tail.slice(0, shared) === others.slice(0, shared);
  return { text, replaces: space + covered + (same ? shared : 0) };
}

/** A closer that the completion does not type over stays: no statement ends before it, and a block puts it on a new line. */
function beforeCloser(text: string, left: string): Fitted {
  if (text.startsWith('\n')) return { text: `${text.trimEnd()}\n${indentationOf(left)}`, replaces: 0 };
  return { text: text.includes('\n') ? text : text.replace(/[;\s]+$/, ''), replaces: 0 };
}

/**
 * Length of the longest start of `rest` that the text ends with, if it is all of `rest` or ends at a word's border after
 * something that is unlikely to be there by chance.
 */
function overlap(text: string, rest: string): number {
  for (let length = Math.min(text.length, rest.length); length > 0; length--) {
    const shared = rest.slice(0, length);
    if (!text.endsWith(shared)) continue;
    if (length === rest.length) return length;
    const splitsWord = /[\p{L}\p{N}_$]{2}/u.test(rest.slice(length - 1, length + 1));
    if (length >= 3 && hasWord(shared) && !splitsWord) return length;
  }
  return 0;
}
