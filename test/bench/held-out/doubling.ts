/** Whether a completion says at its end what stands after the cursor already. */
import { unmatchedClosers } from '../../../language-server/completion/brackets.ts';

/** Shorter agreement without a bracket or quote is chance. */
const LEAST_WORDS = 3;
const BRACKET_OR_QUOTE = /[)\]}'"`]/;

/**
 * `expected` is what stood there. Text is doubled where the completion's end agrees with what follows: in words and lines,
 * more of it than of the expected text's; in a bracket or quote, where it closes more than the expected text does.
 */
export function isDoubled(completion: string, expected: string, after: string): boolean {
  const shared = overlap(completion, after);
  if (shared.trim() === '') return false;
  const words = /[\p{L}\p{N}]/u.test(shared) && shared.trim().length >= LEAST_WORDS;
  if (words) return shared.length > overlap(expected, after).length;
  if (!BRACKET_OR_QUOTE.test(shared)) return false;
  // What the completion closes beyond its own brackets was opened before it: more than what stood there is too much.
  return unmatchedClosers(completion).length > unmatchedClosers(expected).length;
}

/** The longest end of a text with which another begins. */
function overlap(text: string, after: string): string {
  for (let length = Math.min(text.length, after.length); length > 0; length--) {
    if (text.endsWith(after.slice(0, length))) return after.slice(0, length);
  }
  return '';
}
