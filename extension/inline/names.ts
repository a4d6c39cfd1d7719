/** The names in the lines before a place, of which it may be useful to know how they are declared. */

const LINES = 8;
const MOST_NAMES = 12;
/** A name of three letters or more that is not within a string of one line, roughly. */
const NAME = /[\p{L}_$][\p{L}\p{N}_$]{2,}/gu;
const QUOTED = /(["'`])(?:\\.|(?!\1).)*\1/gu;
const WORDS = new Set(
  (
    'and any async await bool boolean break case catch class const continue def default elif else enum except export ' +
    'extends false finally for from func function global implements import int interface lambda let new nil none not ' +
    'null number pass private protected public raise return self static string struct super switch this throw true try ' +
    'type typeof undefined use var void while with yield True False None'
  ).split(' '),
);

interface Place {
  line: number;
  character: number;
}

export interface Named<P extends Place> {
  name: string;
  position: P;
}

/** Each once, that nearest to the place first. */
export function namesBefore<P extends Place>(
  document: { lineAt(line: number): { text: string } },
  place: P & { with(line: number, character: number): P },
): Named<P>[] {
  const found = new Map<string, Named<P>>();
  for (let line = place.line; line >= Math.max(0, place.line - LINES); line--) {
    const text = document.lineAt(line).text.slice(0, line === place.line ? place.character : undefined);
    const plain = text.replace(QUOTED, (quoted) => ' '.repeat(quoted.length));
    for (const { 0: name, index } of [...plain.matchAll(NAME)].reverse()) {
      if (WORDS.has(name) || found.has(name)) continue;
      found.set(name, { name, position: place.with(line, index) });
      if (found.size === MOST_NAMES) return [...found.values()];
    }
  }
  return [...found.values()];
}
