/**
 * The text of a project as a source of places that look like a blank, in other files than the one at hand: all places
 * sorted by the text before them, read backwards (a suffix array of the reversed text: Manber and Myers 1990), so that those that
 * agree longest are found by a binary search, however large the project is.
 */
import { commonBefore, HOLE, LONGEST_MATCH, type SearchedText } from './like-places.ts';

export interface MemoryFile {
  /** Below the project, forward slashes. */
  path: string;
  text: string;
}

export interface ProjectMemory {
  /** All files, with `HOLE` before, between and after them. */
  text: string;
  /** Where each begins in `text`, in this order. */
  files: readonly { path: string; start: number }[];
  /** Offsets in `text`, by the up to `LONGEST_MATCH` characters before them, read backwards. */
  order: Uint32Array;
}

/** A memory with the weights of its trust (cache-gate.ts), fitted on this project. */
export interface TunedMemory extends ProjectMemory {
  gate: readonly number[];
}

/** Places looked at for one token: those that agree longest. */
const MOST_PLACES = 256;
/** Characters that must agree. */
const SHORTEST_MATCH = 3;

/** Characters of a memory: as many as a large project has, in 6 bytes each at most. */
const MOST_CHARACTERS = 4_000_000;

/** Bytes that a memory of so many characters takes: each is two bytes at most, and four for its place. */
export function memoryBytes(characters: number): number {
  return 6 * characters;
}

/** The memory of those of `files`, in their order, that fit into `most` characters. */
export function buildMemory(files: readonly MemoryFile[], most = MOST_CHARACTERS): ProjectMemory {
  let room = most;
  const joined = joinFiles(
    files.filter(({ text }) => {
      const fits = text.length <= room;
      if (fits) room -= text.length;
      return fits;
    }),
  );
  return { ...joined, order: orderOf(joined.text) };
}

export function joinFiles(files: readonly MemoryFile[]): Pick<ProjectMemory, 'text' | 'files'> {
  const starts: { path: string; start: number }[] = [];
  let start = HOLE.length;
  for (const { path, text } of files) {
    starts.push({ path, start });
    start += text.length + HOLE.length;
  }
  const text = HOLE + files.map((file) => file.text + HOLE).join('');
  return { text, files: starts };
}

/** Characters by which places are first put into buckets, and how many of each are told apart. */
const DIGITS = 3;
const RADIX = 128;

/** Within buckets of the last three characters, which are counted, the places are compared one by one. */
function orderOf(text: string): Uint32Array {
  const units = Uint16Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
  const unit = (at: number) => units[at] ?? 0;
  const digit = (at: number) => Math.min(RADIX - 1, unit(at));
  const bucketOf = (at: number) => (digit(at - 1) * RADIX + digit(at - 2)) * RADIX + digit(at - 3);
  const sizes = new Uint32Array(RADIX ** DIGITS);
  const places: number[] = [];
  for (let at = 1; at < units.length; at++) {
    if (!isPlace(unit(at - 1), unit(at))) continue;
    const bucket = bucketOf(at);
    sizes[bucket] = (sizes[bucket] ?? 0) + 1;
    places.push(at);
  }
  const next = new Uint32Array(sizes.length);
  for (let i = 1; i < next.length; i++) next[i] = (next[i - 1] ?? 0) + (sizes[i - 1] ?? 0);
  const order = new Uint32Array(places.length);
  for (const at of places) {
    const bucket = bucketOf(at);
    const index = next[bucket] ?? 0;
    order[index] = at;
    next[bucket] = index + 1;
  }
  const compare = (a: number, b: number) => {
    for (let depth = 1; depth <= LONGEST_MATCH; depth++) {
      const difference = unit(a - depth) - unit(b - depth);
      if (difference !== 0) return difference;
    }
    return a - b;
  };
  for (const [i, size] of sizes.entries()) {
    if (size > 1) order.subarray((next[i] ?? 0) - size, next[i]).sort(compare);
  }
  return order;
}

const TAB = 9;
const LINE_FEED = 10;
const SPACE = 32;
const HOLE_UNIT = HOLE.charCodeAt(0);

/** Not within white space, and not where a file ends. */
function isPlace(before: number, after: number): boolean {
  if (before === HOLE_UNIT || after === HOLE_UNIT) return false;
  const inside = before === SPACE || before === TAB;
  return !(inside && (after === SPACE || after === TAB || after === LINE_FEED));
}

/** The memory as searched for a blank in `path`, whose own text there, of whatever day, is left out. */
export function rememberedText({ text, files, order }: ProjectMemory, path: string): SearchedText {
  const own = files.findIndex((file) => file.path === path);
  const from = files[own]?.start ?? -1;
  const until = own < 0 ? -1 : (files[own + 1]?.start ?? text.length);
  return {
    text,
    distance: () => 0,
    *ends(needle, context) {
      const least = Math.max(SHORTEST_MATCH, needle.length);
      const agreeing = (index: number) => {
        const at = order[index];
        return at === undefined ? 0 : commonBefore(text, at, context);
      };
      let above = firstAfter(text, order, context);
      let below = above - 1;
      let [over, under] = [agreeing(above), agreeing(below)];
      for (let found = 0; found < MOST_PLACES && Math.max(over, under) >= least; ) {
        const at = (over >= under ? order[above] : order[below]) as number;
        if (over >= under) over = agreeing(++above);
        else under = agreeing(--below);
        if (at >= from && at < until) continue;
        found++;
        yield at;
      }
    },
  };
}

/** Places at which a document is compared with a memory, and how many characters around the blank they lie in. */
const PROBES = 64;
const PROBED = 4000;

/**
 * How much of the document at hand is as the project is written: the mean logarithm of the characters that agree before places
 * around the blank, with any place of another file. Text of other projects agrees in less.
 */
export function familiarity(memory: ProjectMemory, path: string, before: string, after: string): number {
  const near = before.slice(-PROBED) + after.slice(0, PROBED);
  const step = Math.max(1, Math.floor(near.length / PROBES));
  const remembered = rememberedText(memory, path);
  let [sum, count] = [0, 0];
  for (let at = step; at <= near.length; at += step) {
    const context = near.slice(Math.max(0, at - LONGEST_MATCH), at);
    if (context.trimEnd() !== context) continue;
    const [best] = remembered.ends(context.slice(-1), context);
    sum += Math.log(best === undefined ? 1 : commonBefore(memory.text, best, context));
    count++;
  }
  return count === 0 ? 0 : sum / count;
}

/** Index of the first place whose text before comes after `context`, both read backwards. */
function firstAfter(text: string, order: Uint32Array, context: string): number {
  let [low, high] = [0, order.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (comesBefore(text, order[middle] as number, context)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function comesBefore(text: string, at: number, context: string): boolean {
  const length = commonBefore(text, at, context);
  if (length === context.length) return false;
  if (length === at) return true;
  return text.charCodeAt(at - 1 - length) < context.charCodeAt(context.length - 1 - length);
}
