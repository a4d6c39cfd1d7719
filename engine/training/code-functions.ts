/**
 * Functions and commented lines of a source text, found by lines and indentation alone, in TypeScript, JavaScript and
 * Python. What is laid out in another way than formatters do is not found: a corpus has enough of the rest.
 */
import type { CharacterRange } from './code-blanks.ts';

export interface CodeFunction {
  /** From its comment or, without one, its first line, to its end. */
  whole: CharacterRange;
  name: CharacterRange;
  /** The describing comment with its delimiters. */
  description?: CharacterRange;
  /** What is inside: after `{` or after the description, from its first character that is not white space. */
  body: CharacterRange;
}

export interface CommentedLines {
  /** Line comments with their signs, from the first sign on. */
  comment: CharacterRange;
  /** The lines that they stand above. */
  lines: CharacterRange;
}

export interface Line extends CharacterRange {
  text: string;
  /** Characters of white space at its start; -1 on a blank line. */
  indentation: number;
}

export function linesOf(text: string): Line[] {
  let start = 0;
  return text.split('\n').map((raw) => {
    const content = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    const line = { start, end: start + content.length, text: content, indentation: content.search(/\S/) };
    start += raw.length + 1;
    return line;
  });
}

const MOST_HEADER_LINES = 8;
const NO_NAMES = new Set([
  'if',
  'for',
  'while',
  'switch',
  'catch',
  'function',
  'return',
  'with',
  'constructor',
  'super',
]);

const SCRIPT_HEADS = [
  /^\s*(?:export\s+)?(?:default\s+)?(?:async\s+)?function\s*\*?\s+([A-Za-z_$][\w$]*)\s*[(<]/d,
  /^\s*(?:export\s+)?const\s+([A-Za-z_$][\w$]*)\s*=\s*(?:async\s*)?(?:\([^()]*\)|[\w$]+)\s*(?::[^=]+)?=>\s*\{$/d,
  /^\s+(?:(?:public|private|protected|static|async|override)\s+)*([A-Za-z_$][\w$]*)\s*\([^()]*\)\s*(?::[^{]+)?\{$/d,
];
const PYTHON_HEAD = /^\s*(?:async\s+)?def\s+([A-Za-z_]\w*)\s*\(/d;

/** In the order of the text; a function inside another is found too. */
export function codeFunctions(language: string, text: string): CodeFunction[] {
  const lines = linesOf(text);
  const find = language === 'python' ? pythonFunction : scriptFunction;
  return lines.flatMap((_, index) => find(lines, index) ?? []);
}

function scriptFunction(lines: readonly Line[], at: number): CodeFunction | undefined {
  const head = lines[at] as Line;
  const name = nameIn(head, SCRIPT_HEADS);
  if (!name) return undefined;
  const opening = headerEnd(lines, at, (line) => line.text.endsWith('{'));
  if (opening === undefined) return undefined;
  const closing = lines.findIndex(
    (line, index) => index > opening && line.indentation >= 0 && line.indentation <= head.indentation,
  );
  const last = lines[closing];
  if (!last || last.indentation !== head.indentation || !last.text.trimStart().startsWith('}')) return undefined;
  const body = bodyRange(lines, opening + 1, closing);
  if (!body) return undefined;
  const description = commentAbove(lines, at);
  const start = description?.start ?? head.start + head.indentation;
  return { whole: { start, end: last.end }, name, body, ...(description ? { description } : {}) };
}

/** A comment with two asterisks that ends on the line above. */
function commentAbove(lines: readonly Line[], at: number): CharacterRange | undefined {
  const last = lines[at - 1];
  if (!last?.text.endsWith('*/')) return undefined;
  for (let index = at - 1; index >= 0 && index >= at - 40; index--) {
    const { text, start, indentation } = lines[index] as Line;
    if (text.trimStart().startsWith('/**')) return { start: start + indentation, end: last.end };
    if (index < at - 1 && text.includes('*/')) return undefined;
  }
  return undefined;
}

function pythonFunction(lines: readonly Line[], at: number): CodeFunction | undefined {
  const head = lines[at] as Line;
  const name = nameIn(head, [PYTHON_HEAD]);
  if (!name) return undefined;
  const opening = headerEnd(lines, at, (line) => /:\s*(#.*)?$/.test(line.text));
  if (opening === undefined) return undefined;
  let after = lines.findIndex(
    (line, index) => index > opening && line.indentation >= 0 && line.indentation <= head.indentation,
  );
  if (after < 0) after = lines.length;
  const quoted = docstring(lines, opening + 1, after);
  const body = bodyRange(lines, quoted ? quoted.next : opening + 1, after);
  if (!body) return undefined;
  const whole = { start: head.start + head.indentation, end: body.end };
  return { whole, name, body, ...(quoted ? { description: quoted.range } : {}) };
}

function docstring(
  lines: readonly Line[],
  from: number,
  to: number,
): { range: CharacterRange; next: number } | undefined {
  const first = lines[from];
  const quote = /^\s*[rR]?("""|''')/.exec(first?.text ?? '')?.[1];
  if (!first || !quote || from >= to) return undefined;
  for (let index = from; index < to; index++) {
    const { text, start } = lines[index] as Line;
    const searched = index === from ? text.indexOf(quote) + quote.length : 0;
    if (text.indexOf(quote, searched) < 0) continue;
    const trimmed = text.trimEnd();
    // A string that goes on into an expression describes nothing.
    if (!trimmed.endsWith(quote)) return undefined;
    return { range: { start: first.start + first.indentation, end: start + trimmed.length }, next: index + 1 };
  }
  return undefined;
}

function nameIn(line: Line, patterns: readonly RegExp[]): CharacterRange | undefined {
  for (const pattern of patterns) {
    const place = pattern.exec(line.text)?.indices?.[1];
    if (!place || NO_NAMES.has(line.text.slice(...place))) continue;
    return { start: line.start + place[0], end: line.start + place[1] };
  }
  return undefined;
}

function headerEnd(lines: readonly Line[], at: number, ends: (line: Line) => boolean): number | undefined {
  const found = lines.slice(at, at + MOST_HEADER_LINES).findIndex(ends);
  return found < 0 ? undefined : at + found;
}

/** From the first to the last character of lines [from, to) that is not white space. */
function bodyRange(lines: readonly Line[], from: number, to: number): CharacterRange | undefined {
  const own = lines.slice(from, to).filter(({ indentation }) => indentation >= 0);
  const [first, last] = [own[0], own.at(-1)];
  if (!first || !last) return undefined;
  return { start: first.start + first.indentation, end: last.start + last.text.trimEnd().length };
}

const MOST_COMMENT_LINES = 6;
const LEAST_LINES = 2;
const MOST_LINES = 10;

/** Line comments that stand alone above two lines of code or more, of the same or a deeper indentation. */
export function commentedLines(language: string, text: string): CommentedLines[] {
  const sign = language === 'python' ? '#' : '//';
  const lines = linesOf(text);
  const isComment = (line: Line | undefined) => line?.text.trimStart().startsWith(sign) ?? false;
  return lines.flatMap((first, at) => {
    if (!isComment(first) || isComment(lines[at - 1])) return [];
    let below = at + 1;
    while (isComment(lines[below]) && lines[below]?.indentation === first.indentation) below++;
    let end = below;
    for (let line = lines[end]; line && line.indentation >= first.indentation && !isComment(line); line = lines[end]) {
      if (++end - below === MOST_LINES) break;
    }
    if (below - at > MOST_COMMENT_LINES || end - below < LEAST_LINES) return [];
    const [last, from, to] = [lines[below - 1], lines[below], lines[end - 1]] as [Line, Line, Line];
    return {
      comment: { start: first.start + first.indentation, end: last.start + last.text.trimEnd().length },
      lines: { start: from.start, end: to.end },
    };
  });
}
