/**
 * Counts, in training text, how lines go on after given text. The contexts are those of the tasks only, kept as a tree of
 * reversed text, so one pass over hundreds of megabytes answers for contexts of every length at once.
 */
import type { Random } from '../objective/random.ts';
import { linesOf } from './lines.ts';

/** `cursor`: at every place between two visible characters of a line. `line`: where a line's visible text begins. */
export type EndingPlace = 'cursor' | 'line';

export interface EndingCounts {
  /** Counts a text of the training split. */
  add(text: string): void;
  /**
   * The most frequent rest of line after the longest end of `before` that was followed by its favourite at least
   * `least` times; after anything when there is no such. White space at the end is not part of a rest.
   */
  predict(before: string, least: number): string;
}

interface Node {
  children: Map<number, Node>;
  visits: number;
  counts: Map<string, number>;
}

/** Characters of context. */
const LONGEST_CONTEXT = 64;
/**
 * Shorter contexts are common everywhere: they are counted at one place of each line, drawn as the tasks' cursors are;
 * longer ones at every place.
 */
const RARE_CONTEXT = 4;
/** A context met this often has told enough: documents of a packed corpus come in random order. */
const ENOUGH = 20_000;

/** `contexts`: the texts before the blanks for which `predict` will be asked. */
export function countEndings(contexts: Iterable<string>, place: EndingPlace, random: Random): EndingCounts {
  const root = emptyNode();
  // A first look at a place, quicker than the walk: false means that no context ends in these four characters.
  const mayBeRare = new Uint8Array(SIGNS);
  for (const context of contexts) {
    if (context.length >= RARE_CONTEXT) mayBeRare[signOf(context, context.length)] = 1;
    let node = root;
    for (let i = context.length - 1; i >= Math.max(0, context.length - LONGEST_CONTEXT); i--) {
      const unit = context.charCodeAt(i);
      const child = node.children.get(unit) ?? emptyNode();
      node.children.set(unit, child);
      node = child;
    }
  }

  const countAt = (text: string, at: number, last: number, shallow: boolean): void => {
    let node: Node | undefined = root;
    let rest: string | undefined;
    for (let depth = 0; node && depth <= LONGEST_CONTEXT; depth++) {
      if ((shallow || depth >= RARE_CONTEXT) && node.visits < ENOUGH) {
        rest ??= text.slice(at, last);
        count(node, rest);
      }
      node = depth < at ? node.children.get(text.charCodeAt(at - depth - 1)) : undefined;
    }
  };
  return {
    add(text) {
      for (const { first, last } of linesOf(text)) {
        if (place === 'line') {
          if (last > first) countAt(text, first, last, true);
          continue;
        }
        if (last - first < 2) continue;
        const drawn = first + 1 + random.below(last - first - 1);
        for (let at = first + 1; at < last; at++) {
          if (at === drawn) countAt(text, at, last, true);
          else if (at >= RARE_CONTEXT && mayBeRare[signOf(text, at)] === 1) countAt(text, at, last, false);
        }
      }
    },
    predict(before, least) {
      let node: Node | undefined = root;
      let found = '';
      for (let depth = 0; node && depth <= LONGEST_CONTEXT; depth++) {
        const [rest, times] = favourite(node.counts);
        if (depth === 0 || times >= least) found = rest;
        node = depth < before.length ? node.children.get(before.charCodeAt(before.length - depth - 1)) : undefined;
      }
      return found;
    },
  };
}

const SIGNS = 1 << 18;

/** A hash of the four characters before `at`. */
function signOf(text: string, at: number): number {
  let sign = 0;
  for (let i = at - RARE_CONTEXT; i < at; i++) sign = (sign * 107 + text.charCodeAt(i)) % SIGNS;
  return sign;
}

function emptyNode(): Node {
  return { children: new Map(), visits: 0, counts: new Map() };
}

function count(node: Node, rest: string): void {
  node.visits++;
  const times = node.counts.get(rest);
  // A slice kept as a key would keep the whole document in memory.
  if (times === undefined) node.counts.set(Buffer.from(rest, 'utf16le').toString('utf16le'), 1);
  else node.counts.set(rest, times + 1);
}

function favourite(counts: Map<string, number>): [rest: string, times: number] {
  let best: [string, number] = ['', 0];
  for (const entry of counts) if (entry[1] > best[1]) best = entry;
  return best;
}
