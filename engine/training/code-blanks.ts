/**
 * Blanks that people leave open in code, as character ranges of a text: the rest of a line, whole lines, a part of a
 * line, the inside of brackets, an indented block. They start and end anywhere in a word.
 */
import type { Random } from '../objective/random.ts';

/** Characters [start, end) of a text. */
export interface CharacterRange {
  start: number;
  end: number;
}

type Kind = 'rest of line' | 'part of line' | 'lines' | 'brackets' | 'block';

/** Relative frequencies: what an editor asks for most is the rest of a line. */
const KINDS: readonly Kind[] = ['rest of line', 'part of line', 'lines', 'brackets', 'block'];
const WEIGHTS: readonly number[] = [40, 15, 20, 12, 13];

const LONGEST_LINES = 8;
const LONGEST_BRACKETS = 240;
const LONGEST_BLOCK_LINES = 16;

/**
 * Draws blanks without overlap until they cover `share` of the text or there are `most` of them; in text order. The
 * list is shorter, or empty, where the text offers no place.
 */
export function codeBlanks(random: Random, text: string, share: number, most: number): CharacterRange[] {
  const lines = lineRanges(text);
  const chosen: CharacterRange[] = [];
  let covered = 0;
  for (let attempt = 0; attempt < most * 4 && chosen.length < most && covered < share * text.length; attempt++) {
    const range = drawBlank(random, text, lines);
    if (!range || range.end - range.start > 0.6 * text.length) continue;
    if (splitsPair(text, range.start) || splitsPair(text, range.end)) continue;
    if (chosen.some(({ start, end }) => range.start <= end && start <= range.end)) continue;
    chosen.push(range);
    covered += range.end - range.start;
  }
  return chosen.sort((a, b) => a.start - b.start);
}

/** Whether `at` lies between the two halves of a surrogate pair. */
function splitsPair(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}

interface Line extends CharacterRange {
  /** Index of the first character that is not white space; `end` on a blank line. */
  text: number;
}

function lineRanges(text: string): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start <= text.length; ) {
    const found = text.indexOf('\n', start);
    const end = found === -1 ? text.length : found;
    let first = start;
    while (first < end && /\s/.test(text[first] as string)) first++;
    lines.push({ start, end, text: first });
    start = end + 1;
  }
  return lines;
}

function drawBlank(random: Random, text: string, lines: readonly Line[]): CharacterRange | undefined {
  const index = random.below(lines.length);
  const line = lines[index] as Line;
  if (line.text >= line.end) return undefined;
  const inLine = () => line.text + random.below(line.end - line.text);
  switch (KINDS[random.weighted(WEIGHTS)] as Kind) {
    case 'rest of line':
      return { start: random.float() < 0.3 ? line.text : inLine(), end: line.end };
    case 'part of line': {
      const [a, b] = [inLine(), inLine()];
      return { start: Math.min(a, b), end: Math.max(a, b) + 1 };
    }
    case 'lines': {
      const last = lines[Math.min(lines.length - 1, index + random.below(LONGEST_LINES))] as Line;
      return last.text < last.end ? { start: line.text, end: last.end } : undefined;
    }
    case 'brackets':
      return insideBrackets(text, inLine());
    case 'block':
      return blockAfter(lines, index);
  }
}

const CLOSERS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** The inside of the first bracket at or after `from`, when it closes within reach. */
function insideBrackets(text: string, from: number): CharacterRange | undefined {
  const limit = Math.min(text.length, from + LONGEST_BRACKETS);
  let start = from;
  while (start < limit && !((text[start] as string) in CLOSERS)) start++;
  if (start >= limit) return undefined;
  const stack: string[] = [];
  for (let i = start; i < limit; i++) {
    const character = text[i] as string;
    const closer = CLOSERS[character];
    if (closer) stack.push(closer);
    else if (character === stack.at(-1)) {
      stack.pop();
      if (stack.length === 0) return i > start + 1 ? { start: start + 1, end: i } : undefined;
    }
  }
  return undefined;
}

/** The lines after `index` that are indented deeper, from the first one's text to the last one's end. */
function blockAfter(lines: readonly Line[], index: number): CharacterRange | undefined {
  const head = lines[index] as Line;
  const indentation = head.text - head.start;
  let last = index;
  for (let i = index + 1; i < lines.length && i <= index + LONGEST_BLOCK_LINES; i++) {
    const line = lines[i] as Line;
    if (line.text >= line.end) continue;
    if (line.text - line.start <= indentation) break;
    last = i;
  }
  const first = lines[index + 1];
  if (last === index || !first || first.text >= first.end) return undefined;
  return { start: first.text, end: (lines[last] as Line).end };
}
