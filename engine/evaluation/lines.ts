/** The lines of a text with the borders of what is visible in them, as offsets into the text. */
export interface Line {
  start: number;
  /** First character that is not white space; `end` on a blank line. */
  first: number;
  /** After the last character that is not white space; `first` on a blank line. */
  last: number;
  /** The line break, or the end of the text. */
  end: number;
}

export function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start <= text.length; ) {
    const found = text.indexOf('\n', start);
    const end = found === -1 ? text.length : found;
    let first = start;
    while (first < end && isSpace(text.charCodeAt(first))) first++;
    let last = end;
    while (last > first && isSpace(text.charCodeAt(last - 1))) last--;
    lines.push({ start, first, last, end });
    start = end + 1;
  }
  return lines;
}

function isSpace(unit: number): boolean {
  return unit === 32 || (unit >= 9 && unit <= 13) || unit === 0xa0 || unit === 0xfeff;
}
