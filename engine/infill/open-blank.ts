/**
 * A blank whose Part A has been read: the session stays, and each fill feeds only the tokens in which Part B differs from
 * what the session already holds. Typing inside an open blank thus costs the new tokens, not the passage.
 */
import { partA, type SpanPositions, spanPositions, spanRows } from '../objective/blank-infilling.ts';
import type { Session, TokenRows } from '../runtime/runtime.ts';
import type { SpecialTokens } from '../tokenizer/tokenizer.ts';
import { type TextCache, textCaches } from './document-cache.ts';
import type { Surroundings } from './drafts.ts';
import type { BlankKind, Model, Passage } from './fill.ts';
import { passageTokens } from './passage.ts';
import { logProbabilityOf } from './sampling.ts';
import { FOLLOWING } from './span-end.ts';

/** Fewest tokens of Part A that any reserve for Part B leaves. */
export const LEAST_PART_A = 32;

export interface OpenBlank {
  readonly model: Model;
  /** Tokens of Part A. */
  readonly partA: number;
  /** Tokens of this span now held, `sop` included. */
  readonly partB: number;
  /** Tokens that the span can hold. */
  readonly places: number;
  /** Tokens that can still be appended. */
  readonly room: number;
  /** What the passage's text and its project's say comes next, where that is asked for. */
  readonly caches: readonly TextCache[];
  /** Milliseconds spent on opening. */
  readonly timings: { tokenize: number; read: number };
  /** Makes the span `sop` + `tokens`; gives each token's log probability and the logits [V] after the last. */
  feed(tokens: readonly number[], signal?: AbortSignal): Promise<{ logits: Float32Array; logProbabilities: number[] }>;
  /** The tokens of Part A on either side of the blank, where they are known. */
  readonly surroundings: Surroundings | undefined;
  /** The beginning of the text after the blank in UTF-8; empty where it is not known. */
  readonly following: Uint8Array;
  /**
   * Appends one token, whose log probability by the model's own account the caller knows; gives the logits [V] after it.
   * `guess` may tell tokens that are likely to be appended next: they are computed in the same step, and appending them
   * takes none of its own.
   */
  append(
    token: number,
    logProbability: number,
    signal?: AbortSignal,
    guess?: () => readonly number[],
  ): Promise<Float32Array>;
  /** Lets go of guessed tokens that were not appended: the session ends with the span again. */
  settle(): void;
  /** Another with the same span so far, to go on otherwise; Part A is not read again. Only of a session's last span. */
  fork(): OpenBlank;
  dispose(): void;
}

/**
 * Lays the passage out, reads Part A and keeps `reserve` tokens free for Part B (at most what leaves room for a short
 * Part A). `contextTokens` limits Part A further.
 */
export async function openBlank(
  model: Model,
  passage: Passage,
  { reserve, contextTokens }: { reserve: number; contextTokens?: number },
  signal?: AbortSignal,
): Promise<OpenBlank> {
  const { runtime, tokenizer } = model;
  const started = performance.now();
  const { maxLength, vocabSize } = runtime.config;
  if (tokenizer.vocabSize > vocabSize) {
    throw new Error(
      `The tokenizer has ${tokenizer.vocabSize} tokens, but the model knows ${vocabSize}: it belongs to another model.`,
    );
  }
  const free = Math.max(1, Math.min(reserve, maxLength - LEAST_PART_A));
  const budget = Math.min(Math.max(LEAST_PART_A, contextTokens ?? maxLength), maxLength - free);
  const { rows, ...place } = model.prompt
    ? promptRows(model.prompt.tokens(passage, budget))
    : blankRows(model, passage, budget);
  const tokenized = performance.now();

  const length = rows.tokens.length;
  const session = runtime.open(length + free);
  try {
    signal?.throwIfAborted();
    await session.read(rows, signal);
  } catch (error) {
    session.dispose();
    throw error;
  }
  const timings = { tokenize: tokenized - started, read: performance.now() - tokenized };
  const caches = textCaches(tokenizer, passage, model.memory);
  const surroundings = model.prompt ? promptBefore(rows.tokens, place.start) : around(rows.tokens, place.mask);
  const following = followingBytes(passage.after);
  return openSpan(model, session, { partA: length, places: free, timings, caches, surroundings, following, ...place });
}

export function followingBytes(after: string): Uint8Array {
  return new TextEncoder().encode(after.slice(0, FOLLOWING));
}

export function around(tokens: Int32Array, mask: number): Surroundings {
  return { before: tokens.subarray(0, mask), after: tokens.subarray(mask + 1) };
}

/** Of a causal model all stands before its span. */
export function promptBefore(tokens: Int32Array, start: number): Surroundings {
  return { before: Int32Array.of(...tokens, start), after: new Int32Array(0) };
}

type OpeningRows = { rows: TokenRows } & Pick<SpanOpening, 'mask' | 'positions' | 'start'>;

function blankRows({ tokenizer, runtime }: Model, passage: Passage, budget: number): OpeningRows {
  const { text, blank } = passageTokens(tokenizer, passage, budget);
  const rows = partA(text, [{ start: blank, end: blank }], maskToken(tokenizer.special, passage.kind));
  const positions = spanPositions(runtime.config.positions, passage.kind);
  return { rows, mask: blank, positions, start: tokenizer.special.sop };
}

/** The last token of a prompt is fed with the span: the logits after it are those of the span's first token. */
export function promptRows(prompt: readonly number[]): OpeningRows {
  const start = prompt.at(-1) as number;
  return { rows: partA(prompt.slice(0, -1), [], start), mask: prompt.length - 2, positions: 'running', start };
}

const NOTHING = new Uint8Array();

export interface SpanOpening {
  /** Tokens of Part A. */
  partA: number;
  /** Index of the span's mask in Part A; of the token before `start` where there is no mask. */
  mask: number;
  /** The token that begins the span: `sop`, or the last of a causal model's prompt. */
  start: number;
  /** Tokens that the span may take, `sop` included. */
  places: number;
  positions: SpanPositions;
  caches: readonly TextCache[];
  surroundings?: Surroundings;
  following?: Uint8Array;
  timings: OpenBlank['timings'];
}

/**
 * Begins a span where the session now ends: after Part A, or after the span before. Of all spans of a session only the
 * last may still be fed or extended.
 */
export function openSpan(model: Model, session: Session, place: SpanOpening): OpenBlank {
  return spanOf(model, session, place, session.length, []);
}

/** A token of a span, with its log probability (0 for the first one, which is given). */
interface HeldToken {
  token: number;
  logProbability: number;
}

/** The span that begins at `begin` in a session, which has `held` of it. */
function spanOf(model: Model, session: Session, place: SpanOpening, begin: number, held: HeldToken[]): OpenBlank {
  /** Guessed tokens that the session holds after the span, with the logits after each. */
  let ahead: { token: number; logits: Float32Array }[] = [];
  const extend = async (tokens: readonly number[], logits: 'last' | 'all', signal?: AbortSignal) => {
    const at = { mask: place.mask, fed: held.length, length: session.length, positions: place.positions };
    return session.extend(spanRows(tokens, at), signal ? { logits, signal } : { logits });
  };
  const room = () => place.places - held.length;
  const settle = () => {
    if (ahead.length > 0) session.rewind(begin + held.length);
    ahead = [];
  };
  return {
    model,
    partA: place.partA,
    places: place.places,
    caches: place.caches,
    timings: place.timings,
    surroundings: place.surroundings,
    following: place.following ?? NOTHING,
    get partB() {
      return held.length;
    },
    get room() {
      return room();
    },
    settle,
    async feed(tokens, signal) {
      const wanted = [place.start, ...tokens];
      if (wanted.length > place.places) {
        throw new RangeError(
          `${tokens.length} forced tokens do not fit into a blank with room for ${place.places - 1}: open it anew, nearer to the cursor.`,
        );
      }
      let common = 0;
      while (common < held.length && held[common]?.token === wanted[common]) common++;
      // The last common token is fed again: the logits after it give the probability of what follows.
      const keep = Math.max(0, common - 1);
      const known = held[keep];
      session.rewind(begin + keep);
      ahead = [];
      held.length = keep;
      const fresh = wanted.slice(keep);
      const all = await extend(fresh, fresh.length > 1 ? 'all' : 'last', signal);
      const width = all.length / fresh.length;
      held.push({ token: fresh[0] as number, logProbability: common > 0 ? (known?.logProbability as number) : 0 });
      for (let i = 1; i < fresh.length; i++) {
        const logits = all.subarray((i - 1) * width, i * width);
        const token = fresh[i] as number;
        held.push({ token, logProbability: logProbabilityOf(logits, token) });
      }
      return {
        logits: all.subarray(all.length - width),
        logProbabilities: held.slice(1).map(({ logProbability }) => logProbability),
      };
    },
    async append(token, logProbability, signal, guess) {
      const [guessed, ...others] = ahead;
      if (guessed?.token === token) {
        ahead = others;
        held.push({ token, logProbability });
        return guessed.logits;
      }
      settle();
      const fed = [token, ...(guess?.().slice(0, Math.max(0, room() - 1)) ?? [])];
      const all = await extend(fed, fed.length > 1 ? 'all' : 'last', signal);
      const width = all.length / fed.length;
      const [first, ...rows] = fed.map((_, row) => all.subarray(row * width, (row + 1) * width));
      held.push({ token, logProbability });
      ahead = rows.map((logits, index) => ({ token: fed[index + 1] as number, logits }));
      return first as Float32Array;
    },
    fork() {
      settle();
      return spanOf(model, session.fork(), place, begin, [...held]);
    },
    dispose: () => session.dispose(),
  };
}

export function maskToken(special: SpecialTokens, kind: BlankKind): number {
  switch (kind) {
    case 'token':
      return special.mask;
    case 'sentence':
      return special.sentenceMask;
    case 'document':
      return special.documentMask;
  }
}
