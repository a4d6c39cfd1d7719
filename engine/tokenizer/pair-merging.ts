/**
 * The merging of byte pair encoding: of all neighbours the pair of lowest rank becomes one, the leftmost where ranks are
 * equal, until no pair has a rank. A heap keeps it at n log n, so that hostile text costs no more than other text.
 */

/** `rankOf` says when a pair is merged, the lowest first; undefined for never. */
export function mergePairs(
  symbols: readonly string[],
  rankOf: (left: string, right: string) => number | undefined,
): string[] {
  const text: (string | undefined)[] = [...symbols];
  const next = text.map((_, index) => index + 1);
  const previous = text.map((_, index) => index - 1);
  const heap = new Heap();
  const offer = (at: number): void => {
    const [left, right] = [text[at], text[next[at] as number]];
    const rank = left === undefined || right === undefined ? undefined : rankOf(left, right);
    if (rank !== undefined) heap.push({ rank, at, length: (left as string).length, merged: `${left}${right}` });
  };
  for (let at = 0; at + 1 < text.length; at++) offer(at);
  for (let pair = heap.pop(); pair; pair = heap.pop()) {
    const { at, merged, length } = pair;
    const second = next[at] as number;
    // What was merged since no longer stands there in these lengths.
    if (text[at]?.length !== length || text[second]?.length !== merged.length - length) continue;
    text[at] = merged;
    text[second] = undefined;
    next[at] = next[second] as number;
    if ((next[at] as number) < text.length) previous[next[at] as number] = at;
    offer(at);
    if ((previous[at] as number) >= 0) offer(previous[at] as number);
  }
  return text.filter((symbol) => symbol !== undefined);
}

interface Pair {
  rank: number;
  /** Index of the left symbol. */
  at: number;
  /** Of the left symbol. */
  length: number;
  merged: string;
}

class Heap {
  readonly #pairs: Pair[] = [];

  push(pair: Pair): void {
    const pairs = this.#pairs;
    let at = pairs.push(pair) - 1;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!precedes(pair, pairs[parent] as Pair)) break;
      pairs[at] = pairs[parent] as Pair;
      at = parent;
    }
    pairs[at] = pair;
  }

  pop(): Pair | undefined {
    const pairs = this.#pairs;
    const first = pairs[0];
    const last = pairs.pop();
    if (pairs.length === 0 || last === undefined) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= pairs.length) break;
      if (child + 1 < pairs.length && precedes(pairs[child + 1] as Pair, pairs[child] as Pair)) child++;
      if (!precedes(pairs[child] as Pair, last)) break;
      pairs[at] = pairs[child] as Pair;
      at = child;
    }
    pairs[at] = last;
    return first;
  }
}

function precedes(one: Pair, other: Pair): boolean {
  return one.rank < other.rank || (one.rank === other.rank && one.at < other.at);
}
