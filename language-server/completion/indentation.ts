/** Writes the indentation of new lines as the document does: tabs, or its own number of spaces; in a new one as the editor does. */

/** `\t`, or the spaces of one level. */
export type IndentUnit = string;

const SAMPLE = 20_000;

/** The unit of the text nearest to the cursor; `undefined` where nothing is indented. */
export function indentUnit(before: string, after: string): IndentUnit | undefined {
  const lines = `${before.slice(-SAMPLE)}\n${after.slice(0, SAMPLE)}`.split('\n');
  let tabs = 0;
  let spaced = 0;
  const steps = new Map<number, number>();
  let last = 0;
  for (const line of lines) {
    if (line.trim() === '') continue;
    if (line.startsWith('\t')) tabs++;
    const spaces = /^ */.exec(line)?.[0].length ?? 0;
    if (spaces > 1) spaced++;
    const step = spaces - last;
    // A step of one column is alignment (` * ` in a comment), not a level.
    if (step > 1 && step <= 8) steps.set(step, (steps.get(step) ?? 0) + 1);
    last = spaces;
  }
  if (tabs > spaced) return '\t';
  if (spaced === 0) return undefined;
  const [step] = [...steps].sort((a, b) => b[1] - a[1])[0] ?? [4];
  return ' '.repeat(step);
}

/** Rewrites the leading white space of every line after the first; lines already in the document's way are kept. */
export function reindent(text: string, unit: IndentUnit | undefined): string {
  if (!unit || !text.includes('\n')) return text;
  const [first = '', ...others] = text.split('\n');
  const own = unit === '\t' ? smallestIndent(others) : 0;
  const rewritten = others.map((line) => {
    const white = /^[ \t]*/.exec(line)?.[0] ?? '';
    if (unit !== '\t') return white.replaceAll('\t', unit) + line.slice(white.length);
    if (own === 0) return line;
    return white.replace(new RegExp(` {${own}}`, 'g'), '\t') + line.slice(white.length);
  });
  return [first, ...rewritten].join('\n');
}

/** The text for a document in which nothing is indented yet: level by level as the editor does it. */
export function indentAs(text: string, unit: IndentUnit | undefined): string {
  if (!unit || !text.includes('\n')) return text;
  const [first = '', ...others] = text.split('\n');
  const own = others.some((line) => line.startsWith('\t')) ? '\t' : ' '.repeat(smallestIndent(others));
  if (own === '') return text;
  const rewritten = others.map((line) => {
    let at = 0;
    while (line.startsWith(own, at)) at += own.length;
    return unit.repeat(at / own.length) + line.slice(at);
  });
  return [first, ...rewritten].join('\n');
}

/** Spaces of the least indented line that has any: the level of a text that is indented with spaces. */
function smallestIndent(lines: string[]): number {
  const counts = lines.map((line) => /^( {2,})\S/.exec(line)?.[1]?.length ?? 0).filter((count) => count > 0);
  return counts.length === 0 ? 0 : Math.min(...counts);
}
