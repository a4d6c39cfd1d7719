/**
 * Byte-pair encoding learnt from counted pieces (Sennrich, Haddow and Birch 2016; byte level as in GPT-2): again and
 * again the most frequent pair of neighbouring tokens becomes a token. A pure function of the counts: ties go to the
 * pair with the lower ids, so the order of the map does not matter.
 */
export interface LearntMerge {
  left: number;
  right: number;
  count: number;
}

/** No token is longer than this many bytes: a line of 47 spaces is worth one, a longer rule of dashes is not. */
const longestToken = 48;

/**
 * Learns up to `mergeCount` merges; token 256 + i is merge i. Pieces are UTF-8 encoded. Ends early when no pair occurs
 * twice.
 */
export function learnMerges(
  pieceCounts: ReadonlyMap<string, number>,
  mergeCount: number,
  progress: (merges: number) => void = () => {},
): LearntMerge[] {
  const words = wordsOf(pieceCounts);
  const pairs = new PairTable(words);
  const lengths: number[] = new Array(256).fill(1);
  const merges: LearntMerge[] = [];
  while (merges.length < mergeCount) {
    const best = pairs.takeMostFrequent();
    if (best === undefined || best.count < 2) break;
    const left = Math.floor(best.key / pairBase);
    const right = best.key % pairBase;
    const length = (lengths[left] ?? 0) + (lengths[right] ?? 0);
    if (length > longestToken) continue;
    const token = 256 + merges.length;
    lengths.push(length);
    merges.push({ left, right, count: best.count });
    for (const word of pairs.wordsWith(best.key)) pairs.mergeInWord(word, left, right, token);
    pairs.forget(best.key);
    if (merges.length % 500 === 0) progress(merges.length);
  }
  return merges;
}

const pairBase = 65536;

interface Words {
  /** Tokens of each word as it stands now. */
  tokens: Uint16Array[];
  /** How often each word occurs. */
  counts: number[];
}

function wordsOf(pieceCounts: ReadonlyMap<string, number>): Words {
  const encoder = new TextEncoder();
  const words: Words = { tokens: [], counts: [] };
  for (const [piece, count] of pieceCounts) {
    const bytes = encoder.encode(piece);
    if (bytes.length < 2) continue;
    words.tokens.push(Uint16Array.from(bytes));
    words.counts.push(count);
  }
  return words;
}

interface HeapEntry {
  key: number;
  count: number;
}

/** Counts of pairs, the words they occur in, and a heap of pairs by count whose entries are corrected when taken. */
class PairTable {
  readonly #counts = new Map<number, number>();
  readonly #occurrences = new Map<number, Set<number>>();
  readonly #heap: HeapEntry[] = [];
  /** Pairs that have come to occur more often since the last one was taken. */
  readonly #raised = new Set<number>();
  readonly #words: Words;

  constructor(words: Words) {
    this.#words = words;
    for (const [word, tokens] of words.tokens.entries()) {
      for (let i = 0; i + 1 < tokens.length; i++) this.#add(pairKey(tokens, i), word, words.counts[word] ?? 0);
    }
    for (const [key, count] of this.#counts) this.#push({ key, count });
  }

  takeMostFrequent(): HeapEntry | undefined {
    for (let top = this.#pop(); top !== undefined; top = this.#pop()) {
      const count = this.#counts.get(top.key) ?? 0;
      if (count === top.count) return top;
      if (count > 0) this.#push({ key: top.key, count });
    }
    return undefined;
  }

  wordsWith(key: number): number[] {
    return [...(this.#occurrences.get(key) ?? [])];
  }

  forget(key: number): void {
    this.#counts.delete(key);
    this.#occurrences.delete(key);
  }

  mergeInWord(word: number, left: number, right: number, token: number): void {
    const before = this.#words.tokens[word];
    const count = this.#words.counts[word] ?? 0;
    if (before === undefined) return;
    const after = mergePair(before, left, right, token);
    if (after.length === before.length) return;
    for (let i = 0; i + 1 < before.length; i++) this.#subtract(pairKey(before, i), count);
    for (let i = 0; i + 1 < after.length; i++) {
      const key = pairKey(after, i);
      this.#add(key, word, count);
      // A pair without the new token only gets back what was just taken from it, so its heap entry stays right.
      if (after[i] === token || after[i + 1] === token) this.#raised.add(key);
    }
    this.#words.tokens[word] = after;
  }

  #pushRaised(): void {
    for (const key of this.#raised) this.#push({ key, count: this.#counts.get(key) ?? 0 });
    this.#raised.clear();
  }

  #add(key: number, word: number, count: number): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
    const words = this.#occurrences.get(key);
    if (words === undefined) this.#occurrences.set(key, new Set([word]));
    else words.add(word);
  }

  #subtract(key: number, count: number): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) - count);
  }

  #push(entry: HeapEntry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !precedes(entry, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): HeapEntry | undefined {
    this.#pushRaised();
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const first = heap[child];
      if (first === undefined) break;
      const second = heap[child + 1];
      const smaller = second !== undefined && precedes(second, first) ? second : first;
      if (smaller === second) child++;
      if (!precedes(smaller, last)) break;
      heap[at] = smaller;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

function precedes(a: HeapEntry, b: HeapEntry): boolean {
  return a.count > b.count || (a.count === b.count && a.key < b.key);
}

function pairKey(tokens: Uint16Array, at: number): number {
  return (tokens[at] ?? 0) * pairBase + (tokens[at + 1] ?? 0);
}

function mergePair(tokens: Uint16Array, left: number, right: number, token: number): Uint16Array {
  const merged = new Uint16Array(tokens.length);
  let length = 0;
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i] === left && tokens[i + 1] === right) {
      merged[length++] = token;
      i++;
    } else {
      merged[length++] = tokens[i] ?? 0;
    }
  }
  return merged.slice(0, length);
}
