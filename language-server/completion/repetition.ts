/** Guards against a model that says what is already there, or says the same thing again and again. */
import { hasWord, isBlank, linesAfter, linesBefore } from './lines.ts';
import type { Place } from './place.ts';

/** The longest cycle of lines that is looked for inside a completion. */
const MAX_CYCLE = 4;

/**
 * Cuts a completion where it begins to repeat the lines that follow the cursor. Lines are compared with their
 * indentation, so that the `}` of an inner block is not taken for that of the outer one.
 */
export function cutAtFollowing(text: string, place: Pick<Place, 'left' | 'after'>): string {
  const lines = fullLines(text, place.left);
  const following = linesAfter(place, lines.length);
  if (following.length === 0) return text;
  for (let at = 0; at < lines.length; at++) {
    if (isBlank(lines[at] ?? '')) continue;
    const tail = lines.slice(at).filter((line) => !isBlank(line));
    const shared = Math.min(tail.length, following.length);
    const repeats = tail.slice(0, shared).every((line, i) => line.trimEnd() === following[i]?.trimEnd());
    const sameStatement = hasWord(tail[0] ?? '') && tail[0]?.trim() === following[0]?.trim();
    if (repeats || sameStatement) return text.split('\n').slice(0, at).join('\n').trimEnd();
  }
  return text;
}

/** Whether a completion, with what stands left of it, is once more the lines just before the cursor's. */
export function repeatsPrevious(text: string, place: Pick<Place, 'left' | 'before'>): boolean {
  const lines = fullLines(text, place.left)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (!lines.some(hasWord)) return false;
  const previous = linesBefore(place, lines.length).map((line) => line.trim());
  return previous.length === lines.length && previous.every((line, i) => line === lines[i]);
}

/** Keeps the first turn of lines that repeat three times, and of words that repeat four times within a line. */
export function cutCycles(text: string): string {
  const lines = text.split('\n').map(cutCycleInLine);
  for (let cycle = 1; cycle <= MAX_CYCLE; cycle++) {
    for (let at = 0; at + 3 * cycle <= lines.length; at++) {
      const first = lines.slice(at, at + cycle);
      if (!first.some(hasWord)) continue;
      const again = (turn: number) => first.every((line, i) => line === lines[at + turn * cycle + i]);
      if (again(1) && again(2)) return lines.slice(0, at + cycle).join('\n');
    }
  }
  return lines.join('\n');
}

function cutCycleInLine(line: string): string {
  const cycle = /(\S.{3,40}?)\1{3,}/.exec(line);
  if (!cycle?.[1] || !hasWord(cycle[1])) return line;
  return line.slice(0, cycle.index + cycle[1].length).trimEnd();
}

/** Lines as they will stand in the document: the first one begins with what is left of the cursor. */
function fullLines(text: string, left: string): string[] {
  return `${left}${text}`.split('\n');
}
