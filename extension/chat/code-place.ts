/**
 * Where in a text a block of code belongs: what is selected; else what it is a new version of, by its first and last
 * lines or by the name it declares; else the cursor. Offsets are UTF-16; nothing here knows the editor.
 */
export interface CodePlace {
  start: number;
  end: number;
  /** The code, indented as its place is. */
  text: string;
}

interface Span {
  start: number;
  end: number;
}

interface Line extends Span {
  text: string;
}

export function placeOfCode(document: string, code: string, selection: Span): CodePlace {
  const clean = code.replace(/\s+$/, '');
  if (selection.start !== selection.end) return { ...selection, text: textInPlace(document, clean, selection) };
  const lines = linesOf(document);
  const replaced = sameBorders(lines, clean) ?? sameDeclaration(lines, clean);
  const first = replaced && lines[replaced.start];
  const last = replaced && lines[replaced.end];
  if (first && last) {
    return { start: first.start, end: last.end, text: indented(clean, indentationOf(first.text), true) };
  }
  return { ...selection, text: textInPlace(document, clean, selection) };
}

/**
 * The code in place of what is selected, indented as its line is. Before a line, at its begin or within its indentation,
 * the code gets lines of its own.
 */
export function textInPlace(document: string, code: string, { start, end }: Span): string {
  const text = indented(code.replace(/\s+$/, ''), indentationBefore(document, start), false);
  const before = document.slice(document.lastIndexOf('\n', start - 1) + 1, start);
  const isBeforeLine = start === end && before.trim() === '' && /^[ \t]*[^ \t\r\n]/.test(document.slice(end));
  return isBeforeLine ? `${text}\n${before}` : text;
}

function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  let start = 0;
  for (const line of text.split('\n')) {
    const shown = line.endsWith('\r') ? line.slice(0, -1) : line;
    lines.push({ text: shown, start, end: start + shown.length });
    start += line.length + 1;
  }
  return lines;
}

/** The one stretch that begins and ends with the same lines as the code, on the same level. */
function sameBorders(lines: readonly Line[], code: string): Span | undefined {
  const own = code.split('\n').filter((line) => line.trim() !== '');
  const first = own[0]?.trim();
  const last = own.at(-1)?.trim();
  if (own.length < 2 || first === undefined) return undefined;
  const starts = lines.flatMap(({ text }, index) => (text.trim() === first ? [index] : []));
  const [start] = starts;
  if (start === undefined || starts.length > 1) return undefined;
  const level = indentationOf(lines[start]?.text ?? '').length;
  const deeper = indentationOf(own.at(-1) ?? '').length - indentationOf(own[0] ?? '').length;
  const end = lines.findIndex(
    ({ text }, index) => index > start && text.trim() === last && indentationOf(text).length === level + deeper,
  );
  return end < 0 ? undefined : { start, end };
}

const COMMENT = /^\s*(?:\/\/|\/\*|\*|#(?!\w)|--|@)/;

/** The one declaration that opens as the code does up to its name, with all that is indented below it. */
function sameDeclaration(lines: readonly Line[], code: string): Span | undefined {
  const own = code.split('\n');
  const opening = own.find((line) => line.trim() !== '' && !COMMENT.test(line));
  const key = opening && nameIn(opening);
  if (!key || declarations(own) > 1) return undefined;
  const matches = lines.flatMap(({ text }, index) => (nameIn(text) === key ? [index] : []));
  const [start] = matches;
  if (start === undefined || matches.length > 1) return undefined;
  const level = indentationOf(lines[start]?.text ?? '').length;
  let end = start;
  for (let index = start + 1; index < lines.length; index++) {
    const text = lines[index]?.text ?? '';
    if (text.trim() === '') continue;
    const closes = indentationOf(text).length === level && /^\s*[)\]}]/.test(text);
    if (indentationOf(text).length <= level && !closes) break;
    end = index;
    if (closes && /^\s*[)\]}]+[;,]?\s*$/.test(text)) break;
  }
  return { start: withComments(lines, start, own), end };
}

/** A comment above is replaced when the code brings one. */
function withComments(lines: readonly Line[], start: number, own: readonly string[]): number {
  if (!COMMENT.test(own.find((line) => line.trim() !== '') ?? '')) return start;
  let first = start;
  while (first > 0 && COMMENT.test(lines[first - 1]?.text ?? '')) first--;
  return first;
}

const DECLARATION =
  /^\s*(?:export\s+|default\s+|public\s+|private\s+|protected\s+|static\s+|async\s+|abstract\s+|pub\s+)*(function\*?|class|interface|type|enum|def|fn|func|struct|const|let|var)\s+([\w$]+)/;
const METHOD =
  /^\s*(?:public\s+|private\s+|protected\s+|static\s+|async\s+|get\s+|set\s+|readonly\s+)*([\w$]+)\s*\([^;]*\{\s*$/;
const VARIABLES = ['const', 'let', 'var'];
const KEYWORDS = ['if', 'for', 'while', 'switch', 'catch', 'return', 'function'];

/** A variable is not what a method of the same name declares. */
function nameIn(line: string): string | undefined {
  const [, kind = '', name] = DECLARATION.exec(line) ?? [];
  if (name !== undefined) return `${VARIABLES.includes(kind) ? 'variable ' : ''}${name}`;
  const method = METHOD.exec(line)?.[1];
  return method !== undefined && KEYWORDS.includes(method) ? undefined : method;
}

function declarations(own: readonly string[]): number {
  const level = Math.min(...own.filter((line) => line.trim() !== '').map((line) => indentationOf(line).length));
  return own.filter((line) => indentationOf(line).length === level && nameIn(line) !== undefined).length;
}

function indentationOf(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

/** What stands before the place on its line, where that is white space only. */
function indentationBefore(document: string, at: number): string {
  const before = document.slice(document.lastIndexOf('\n', at - 1) + 1, at);
  return before.trim() === '' ? before : indentationOf(before);
}

/** Takes the code's own indentation away and gives it another; the first line gets it only where it begins one. */
function indented(code: string, indentation: string, firstToo: boolean): string {
  const lines = code.split('\n');
  const own = lines.filter((line) => line.trim() !== '').map(indentationOf);
  const common = own.reduce((least, each) => (each.length < least.length ? each : least), own[0] ?? '');
  return lines
    .map((line, index) => {
      if (line.trim() === '') return '';
      const bare = line.startsWith(common) ? line.slice(common.length) : line;
      return index > 0 || firstToo ? indentation + bare : bare;
    })
    .join('\n');
}
