/**
 * What the document itself says comes next: places whose text before them ends as the text before the cursor does vote
 * for what stands there, and the model's distribution is mixed with the votes. A cache model (Grave et al. 2017, arXiv
 * 1612.04426) that looks up text instead of hidden states: it reaches the whole document, not only what Part A holds.
 */
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { logSumExp } from './sampling.ts';

/** Characters of the document looked at on each side of the blank. */
const REACH = 60_000;
/** Characters compared before a place; more make it no surer. */
const LONGEST_MATCH = 64;
const SHORTEST_MATCH = 3;
/** Characters of a place's continuation that are cut into tokens for its first one. */
const CONTINUATION = 24;
/** A match this many characters shorter than the longest counts e times less. */
const SHARPNESS = 3;
/** Places looked at; a text that repeats more often than this is known well enough. */
const MOST_PLACES = 400;
/** Votes that weigh less in all are not counted. */
const NEGLIGIBLE = 0.01;
/** Characters of agreement with the text after the blank that end the span, unless a line ends there. */
const SURE_END = 6;

/**
 * How far votes are trusted, by matched characters: a little less than the share of them that was right in documents of
 * the training split (`npm run bench -- document-cache`), so that a model that knows better is heard.
 */
const TRUST: readonly (readonly [matched: number, share: number])[] = [
  [3, 0.25],
  [4, 0.35],
  [6, 0.4],
  [9, 0.45],
  [12, 0.52],
  [16, 0.58],
  [24, 0.7],
  [36, 0.8],
  [64, 0.86],
];

/** Stands for a blank that is not filled yet: nothing is copied from there. */
export const HOLE = '\uFFFC';

export interface CachePassage {
  before: string;
  after: string;
  neighbours: readonly { text: string }[];
}

export interface CacheVotes {
  /** Tokens with the probability that each gets from the document; together below 1, the rest being the model's. */
  tokens: ReadonlyMap<number, number>;
  /** Characters before the cursor that agree with those before the best place. */
  matched: number;
}

export interface DocumentCache {
  /**
   * Votes after `written`, all that the span holds so far; undefined where nothing matches. Tokens begin with `pending`:
   * the last characters of `written` that have not been fed yet.
   */
  votes(written: string, pending: string): CacheVotes | undefined;
}

export function createDocumentCache(tokenizer: Tokenizer, passage: CachePassage): DocumentCache {
  const before = passage.before.slice(-REACH);
  const after = passage.after.slice(0, REACH);
  const texts = [before, after, ...passage.neighbours.map(({ text }) => text)];
  const { eop } = tokenizer.special;
  return {
    votes(written, pending) {
      const line = written.lastIndexOf('\n') + 1;
      // Lines of the span above this one may be copies themselves: they are no evidence for the next.
      const context = (line > 0 ? written.slice(line) : before.slice(-LONGEST_MATCH) + written).slice(-LONGEST_MATCH);
      const places = matches(texts, context)
        .map(({ text, at, length }) => ({ rest: continuation(text, at), length }))
        .filter(({ rest }) => rest !== '' && (!isLineBreak(rest) || endsAt(rest, after)));
      if (places.length === 0) return undefined;
      const matched = Math.max(...places.map(({ length }) => length));
      const continuations = new Map<string, number>();
      for (const { rest, length } of places) {
        continuations.set(rest, (continuations.get(rest) ?? 0) + Math.exp((length - matched) / SHARPNESS));
      }
      const tokens = new Map<number, number>();
      let total = 0;
      for (const [rest, weight] of continuations) {
        if (weight < NEGLIGIBLE) continue;
        const token = endsAt(rest, after) ? eop : tokenizer.encode(pending + rest)[0];
        if (token === undefined) continue;
        tokens.set(token, (tokens.get(token) ?? 0) + weight);
        total += weight;
      }
      const trust = TRUST.findLast(([least]) => matched >= least)?.[1] ?? 0;
      for (const [token, weight] of tokens) tokens.set(token, (trust * weight) / total);
      return { tokens, matched };
    },
  };
}

interface Place {
  text: string;
  at: number;
  /** Characters that agree before it. */
  length: number;
}

/** The last places first: what is near before the cursor is found even when there are too many. */
function matches(texts: readonly string[], context: string): Place[] {
  const needle = context.slice(-SHORTEST_MATCH);
  const places: Place[] = [];
  if (needle.length < SHORTEST_MATCH || needle.trim() === '') return places;
  for (const text of texts) {
    let from = text.length - SHORTEST_MATCH - 1;
    for (let found = 0; found < MOST_PLACES && from >= 0; found++) {
      const start = text.lastIndexOf(needle, from);
      if (start < 0) break;
      from = start - 1;
      const at = start + SHORTEST_MATCH;
      places.push({ text, at, length: commonEnd(text, at, context) });
    }
  }
  return places;
}

function commonEnd(text: string, at: number, context: string): number {
  let length = 0;
  while (
    length < context.length &&
    length < at &&
    text.charCodeAt(at - 1 - length) === context.charCodeAt(context.length - 1 - length)
  )
    length++;
  return length;
}

function continuation(text: string, at: number): string {
  return text.slice(at, at + CONTINUATION).split(HOLE)[0] as string;
}

/** Whether the span goes on in another line is left to the model. */
function isLineBreak(rest: string): boolean {
  return rest.startsWith('\n') || rest.startsWith('\r');
}

/** Whether a continuation goes on as the text after the blank does, so that the span would end here. */
function endsAt(rest: string, after: string): boolean {
  if (after === '') return false;
  const sure = Math.min(SURE_END, rest.length);
  const lineEnd = /^\r?\n/.exec(after)?.[0];
  return lineEnd ? rest.startsWith(lineEnd) : after.startsWith(rest.slice(0, sure));
}

/** Logits [V] of the model and the votes together; `logits` [V] stay the model's own. */
export function mixVotes(logits: Float32Array, { tokens }: CacheVotes): Float32Array {
  const mixed = logits.slice();
  const total = logSumExp(logits);
  let given = 0;
  for (const vote of tokens.values()) given += vote;
  // The others keep their logits: all of them would be lowered by the same log(1 - given).
  for (const [token, vote] of tokens) {
    const own = Math.exp((logits[token] as number) - total);
    mixed[token] = total + Math.log(own + vote / (1 - given));
  }
  return mixed;
}
