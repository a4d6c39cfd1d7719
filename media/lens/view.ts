/** What the page shows, apart from how: pure functions of a trace, a paradigm and a step. */
import type { Arrangement, InfilledPassage, RowSource } from '../../engine/objective/paradigms.ts';
import type { FillTrace, PartAToken, PartBToken } from '../../language-server/protocol.ts';

/** A token by its part and its index there. */
export type Selected = Pick<RowSource, 'part' | 'index'>;

export function passageOf({ partB, separator, causal, spans: traced }: FillTrace): InfilledPassage {
  const spans = traced.map(({ blank: mask }) => {
    const own = partB.flatMap((token, index) => (token.blank === mask ? [{ token, index }] : []));
    return {
      mask,
      fed: own.filter(({ token }) => token.row !== 'unfed').map(({ index }) => index),
      text: own.filter(isText).map(({ index }) => index),
    };
  });
  return { separator, ...(causal ? { causal } : {}), spans };
}

/** Of a token that was cut the text holds what was read in its place. */
function isText(
  { token: { origin, ends, row } }: { token: PartBToken },
  _: number,
  own: { token: PartBToken }[],
): boolean {
  return origin !== 'start' && !ends && !(row === 'unfed' && own.some(({ token }) => token.origin === 'cut'));
}

export function tokenAt({ partA, partB }: FillTrace, { part, index }: Selected): PartAToken | PartBToken | undefined {
  return part === 'A' ? partA[index] : partB[index];
}

/** Steps of the generation: in step k token k of Part B is chosen. The last step; 0 where nothing was chosen. */
export function lastStep({ partB }: FillTrace): number {
  return Math.max(0, partB.length - 1);
}

/** Stretches of columns [from, to) that row `i` sees, none of them over a border between Part A and Part B. */
export function seenStretches(
  { rows, visible }: Arrangement,
  i: number,
  first = 0,
  end = rows.length,
): { part: RowSource['part']; from: number; to: number }[] {
  const stretches: { part: RowSource['part']; from: number; to: number }[] = [];
  for (let j = first; j < end; j++) {
    if (!visible(i, j)) continue;
    const part = (rows[j] as RowSource).part;
    const last = stretches.at(-1);
    if (last && last.to === j && last.part === part) last.to = j + 1;
    else stretches.push({ part, from: j, to: j + 1 });
  }
  return stretches;
}

/** Where a blank stands and what became of it, in tokens. */
export interface Place {
  before: number;
  after: number;
  /** Of the text that was written. */
  span: number;
}

/** Of the blank to which a token of Part B belongs. */
export function placeOf(trace: FillTrace, index: number): Place {
  const blank = trace.partB[index]?.blank ?? 0;
  const span = passageOf(trace).spans.find(({ mask }) => mask === blank);
  return { before: blank, after: trace.separator - blank - 1, span: span?.text.length ?? 0 };
}

export interface Counts {
  tokens: number;
  /** Fewest and most tokens that one of them sees, itself included. */
  fewest: number;
  most: number;
}

/** For the rows of each part, how many tokens they see. */
export function countSeen(arrangement: Arrangement): Record<RowSource['part'], Counts> {
  const counts = { A: { tokens: 0, fewest: 0, most: 0 }, B: { tokens: 0, fewest: 0, most: 0 } };
  for (const [i, { part }] of arrangement.rows.entries()) {
    const seen = seenStretches(arrangement, i).reduce((sum, { from, to }) => sum + to - from, 0);
    const own = counts[part];
    own.fewest = own.tokens === 0 ? seen : Math.min(own.fewest, seen);
    own.most = Math.max(own.most, seen);
    own.tokens++;
  }
  return counts;
}

/** Tokens of each part that have a row which row `i` does not see; none where there is no such row. */
export function unseenFrom(
  { rows, visible }: Arrangement,
  i: number | undefined,
): Record<RowSource['part'], Set<number>> {
  const unseen = { A: new Set<number>(), B: new Set<number>() };
  if (i === undefined) return unseen;
  for (const [j, { part, index }] of rows.entries()) if (!visible(i, j)) unseen[part].add(index);
  return unseen;
}
