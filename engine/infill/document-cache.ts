/**
 * What the document itself says comes next: places that look like the blank vote for what stands there, and the model's
 * distribution is mixed with the votes. A cache model (Grave et al. 2017, arXiv 1612.04426) that looks up text instead
 * of hidden states: it reaches the whole document, not only what Part A holds.
 */
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { type LikePlace, LONGEST_MATCH, likePlaces, type SearchedText, scannedText } from './like-places.ts';
import { familiarity, rememberedText, type TunedMemory } from './project-memory.ts';

/** Characters of the document looked at on each side of the blank. */
const REACH = 60_000;
/** Characters of a place's continuation that are cut into tokens for its first one. */
const CONTINUATION = 24;
/** A place this much less like the blank than the likest counts e times less. */
const SHARPNESS = 3;
/** Votes that weigh less than this share of the likest place's are not counted. */
const NEGLIGIBLE = 0.01;

export interface CachePassage {
  before: string;
  after: string;
  neighbours: readonly { text: string }[];
}

/** What the trust in votes depends on (cache-gate.ts). */
export interface Evidence {
  /** Characters that agree before the likest place, and after a span from there. */
  matched: number;
  following: number;
  /** Places that voted. */
  places: number;
  /** Whether the span already holds text. */
  started: boolean;
  /** Whether it holds a line break: then lines above may be copies themselves. */
  later: boolean;
  /** Whether most votes are for the end of the span. */
  ends: boolean;
  /** Of a project's memory: how much of the document is as the project is written (project-memory.ts). */
  familiarity?: number;
}

export interface CacheVotes {
  /** Tokens with the share of the votes that each has; together 1. */
  tokens: ReadonlyMap<number, number>;
  evidence: Evidence;
}

export interface TextCache {
  /** Whose text it is. */
  of: 'document' | 'project';
  /** Weights of its trust (cache-gate.ts); the document's where left out. */
  gate?: readonly number[];
  /**
   * Votes after `written`, all that the span holds so far; undefined where nothing matches. Tokens begin with `pending`:
   * the last characters of `written` that have not been fed yet.
   */
  votes(written: string, pending: string): CacheVotes | undefined;
}

/** All texts that are asked about a blank, in the order in which they are mixed with the model. */
export function textCaches(
  tokenizer: Tokenizer,
  passage: CachePassage & { path: string },
  memory: TunedMemory | undefined,
): TextCache[] {
  const document = createDocumentCache(tokenizer, passage);
  return memory ? [document, createMemoryCache(tokenizer, passage, memory)] : [document];
}

export function createDocumentCache(tokenizer: Tokenizer, passage: CachePassage): TextCache {
  const before = passage.before.slice(-REACH);
  const after = passage.after.slice(0, REACH);
  const votes = votesOf(tokenizer, before, after, [
    scannedText(before, (at) => before.length - at),
    scannedText(after, (at) => at),
    ...passage.neighbours.map(({ text }) => scannedText(text, () => REACH)),
  ]);
  return { of: 'document', votes };
}

/** What the project's other files say. */
export function createMemoryCache(
  tokenizer: Tokenizer,
  { before, after, path }: CachePassage & { path: string },
  memory: TunedMemory,
): TextCache {
  const ask = votesOf(tokenizer, before, after, [rememberedText(memory, path)]);
  let familiar: number | undefined;
  return {
    of: 'project',
    gate: memory.gate,
    votes(written, pending) {
      const votes = ask(written, pending);
      if (!votes) return undefined;
      familiar ??= familiarity(memory, path, before, after);
      return { ...votes, evidence: { ...votes.evidence, familiarity: familiar } };
    },
  };
}

function votesOf(
  tokenizer: Tokenizer,
  before: string,
  after: string,
  texts: readonly SearchedText[],
): TextCache['votes'] {
  const end = before.slice(-LONGEST_MATCH);
  return (written, pending) => {
    const places = likePlaces(texts, (end + written).slice(-LONGEST_MATCH), after, CONTINUATION);
    return places.length > 0 ? count(tokenizer, places, pending, written) : undefined;
  };
}

function count(
  tokenizer: Tokenizer,
  places: readonly LikePlace[],
  pending: string,
  written: string,
): CacheVotes | undefined {
  const { eop } = tokenizer.special;
  const likest = places.reduce((best, place) => (place.likeness > best.likeness ? place : best));
  const endings = new Map<string, number>();
  let ending = 0;
  for (const { rest, ends, likeness } of places) {
    const weight = Math.exp((likeness - likest.likeness) / SHARPNESS);
    if (weight < NEGLIGIBLE) continue;
    if (ends) ending += weight;
    else endings.set(rest, (endings.get(rest) ?? 0) + weight);
  }
  const tokens = new Map<number, number>();
  const add = (token: number, weight: number) => tokens.set(token, (tokens.get(token) ?? 0) + weight);
  if (ending > 0) add(eop, ending);
  for (const [rest, weight] of endings) {
    const token = tokenizer.encode(pending + rest)[0];
    if (token !== undefined) add(token, weight);
  }
  const total = [...tokens.values()].reduce((sum, weight) => sum + weight, 0);
  if (total === 0) return undefined;
  for (const [token, weight] of tokens) tokens.set(token, weight / total);
  const { matched, following } = likest;
  return {
    tokens,
    evidence: {
      matched,
      following,
      places: places.length,
      started: written !== '',
      later: written.includes('\n'),
      ends: firstVote(tokens) === eop,
    },
  };
}

/** The token with most votes. */
export function firstVote(tokens: ReadonlyMap<number, number>): number {
  let first = -1;
  let most = 0;
  for (const [token, share] of tokens) {
    if (share > most) {
      most = share;
      first = token;
    }
  }
  return first;
}
