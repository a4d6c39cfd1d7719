/** Closing brackets and quotes: which of them in a completion close something that was opened before it. */

const closerOf: Record<string, string> = { '(': ')', '[': ']', '{': '}' };
const QUOTES = `"'\``;

export interface Closer {
  character: string;
  index: number;
}

export function isClosingBracket(character: string): boolean {
  return character === ')' || character === ']' || character === '}';
}

export function isQuote(character: string): boolean {
  return QUOTES.includes(character);
}

/**
 * Brackets and quotes of a text that have no partner in it, so that they close something before it. A quote's partner
 * must be on the same line; what stands between two quotes is a string and is skipped.
 */
export function unmatchedClosers(text: string): Closer[] {
  const open: string[] = [];
  const found: Closer[] = [];
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === '\\') index++;
    else if (isQuote(character)) {
      const end = closingQuote(text, index);
      if (end < 0) found.push({ character, index });
      else index = end;
    } else if (closerOf[character]) open.push(closerOf[character]);
    else if (isClosingBracket(character)) {
      if (open.at(-1) === character) open.pop();
      else found.push({ character, index });
    }
  }
  return found;
}

function closingQuote(text: string, start: number): number {
  const quote = text.charAt(start);
  for (let index = start + 1; index < text.length && text[index] !== '\n'; index++) {
    if (text[index] === '\\') index++;
    else if (text[index] === quote) return index;
  }
  return -1;
}
