/**
 * Passages in, spans out. The last blank stays open, so that typing inside it costs the new tokens only; so does one more
 * that a draw aside has opened, until the next call shows which of the two is wanted. No user text makes it throw; a fired
 * signal does (`AbortError`), and so do damaged weights.
 */
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { type FillHooks, fillCandidates, fillOpenBlank } from './decode.ts';
import { type Fill, type FillOptions, MOST_BEAMS, type Model, type Passage } from './fill.ts';
import { type OpenBlank, openBlank } from './open-blank.ts';
import { decodeWellFormed } from './span-text.ts';

export interface Infiller {
  /** Calls are made one after another. */
  fill(passage: Passage, options: FillOptions, hooks?: FillHooks): Promise<Fill>;
  /** The greedy span and the most probable others; see `fillCandidates`. */
  fillCandidates(
    passage: Passage,
    count: number,
    options: FillOptions,
    hooks?: Omit<FillHooks, 'onToken'>,
  ): Promise<Fill[]>;
  /** Whether Part A is there already, or about to be read. */
  isOpenFor(passage: Passage, options: Pick<FillOptions, 'contextTokens'>): boolean;
  /** Stops a reading that is under way and frees the open blanks. */
  dispose(): Promise<void>;
}

/** Largest share of the model's length that forced text may take; the rest of it is moved in front of the blank. */
export const FORCED_SHARE = 0.25;
/** Largest share of the model's length that is kept for generated tokens. */
export const GENERATED_SHARE = 0.5;
/** `sop`, and the token that begins forced and goes on. */
export const BESIDE_SPAN = 2;

/** A blank that is being read or has been. */
interface Opening {
  passage: Passage;
  contextTokens: number | undefined;
  /** What of the forced text was moved in front of the blank. */
  moved: string;
  blank: Promise<OpenBlank>;
  /** Whether Part A has been read. */
  read: boolean;
  stop: AbortController;
}

/** `typing`: tokens of further typing for which an open blank has room before it must be opened anew. */
export function createInfiller(model: Model, { typing = 48 } = {}): Infiller {
  const { tokenizer, runtime } = model;
  const { maxLength } = runtime.config;
  let last: Opening | undefined;
  let aside: Opening | undefined;

  function close(closing: Opening | undefined): Promise<void> {
    if (closing === last) last = undefined;
    if (closing === aside) aside = undefined;
    closing?.stop.abort();
    return Promise.resolve(closing?.blank).then(
      (blank) => blank?.dispose(),
      () => undefined,
    );
  }

  async function closeAll(): Promise<void> {
    await Promise.all([close(last), close(aside)]);
  }

  function open(passage: Passage, contextTokens: number | undefined, generated: number): Opening {
    const { moved, forced } = shortenForced(tokenizer, passage.forced, Math.floor(maxLength * FORCED_SHARE));
    const reserve = tokenizer.encode(forced).length + generated + typing;
    const stop = new AbortController();
    const blank = openBlank(
      model,
      { ...passage, before: passage.before + moved },
      contextTokens === undefined ? { reserve } : { reserve, contextTokens },
      stop.signal,
    );
    const opening: Opening = { passage, contextTokens, moved, blank, read: false, stop };
    const done = () => {
      opening.read = true;
    };
    blank.then(done, done);
    return opening;
  }

  function find(passage: Passage, contextTokens: number | undefined): Opening | undefined {
    return [last, aside].find((each) => each && each.contextTokens === contextTokens && staysOpen(each, passage));
  }

  /** The blank that is open for a passage becomes the one that is kept, unless the call is aside. */
  function openFor(passage: Passage, { contextTokens, aside: besides }: FillOptions): Opening | undefined {
    const found = find(passage, contextTokens);
    if (besides) return found;
    if (found !== undefined && found === aside) {
      aside = undefined;
      void close(last);
      last = found;
    } else if (!aside?.read) void close(aside);
    return found;
  }

  function openAnew(passage: Passage, { contextTokens, aside: besides }: FillOptions, generated: number): Opening {
    const opening = () => open(passage, contextTokens, generated);
    if (besides && last) {
      void close(aside);
      aside = opening();
      return aside;
    }
    void closeAll();
    last = opening();
    return last;
  }

  /** Runs `work` on the open blank, with what of the forced text is left of it; timings count from the call. */
  async function onBlank(
    passage: Passage,
    options: FillOptions,
    hooks: FillHooks,
    work: (blank: OpenBlank, forced: string) => Promise<Fill[]>,
  ): Promise<Fill[]> {
    const started = performance.now();
    checkOptions(options);
    hooks.signal?.throwIfAborted();
    const generated = Math.min(options.maxTokens, Math.floor(maxLength * GENERATED_SHARE)) + BESIDE_SPAN;
    let opening = openFor(passage, options);
    let opened = { tokenize: 0, read: 0 };
    try {
      if (opening) {
        const { places } = await unlessAborted(opening.blank, hooks.signal);
        if (tokenizer.encode(passage.forced.slice(opening.moved.length)).length + generated > places) {
          void close(opening);
          opening = undefined;
        }
      }
      if (!opening) {
        opening = openAnew(passage, options, generated);
        opened = (await unlessAborted(opening.blank, hooks.signal)).timings;
      }
      const fills = await work(await opening.blank, passage.forced.slice(opening.moved.length));
      const total = performance.now() - started;
      return fills.map((fill) => {
        const { timings } = fill;
        return {
          ...fill,
          timings: { ...timings, tokenize: opened.tokenize + timings.tokenize, read: opened.read, total },
        };
      });
    } catch (error) {
      // An aborted call leaves the blank as it was; after anything else it is not trusted.
      if (!hooks.signal?.aborted || hooks.stopsReading) void closeAll();
      throw error;
    }
  }

  return {
    async fill(passage, options, hooks = {}) {
      const work = async (blank: OpenBlank, forced: string) => [await fillOpenBlank(blank, forced, options, hooks)];
      const [fill] = await onBlank(passage, options, hooks, work);
      return fill as Fill;
    },
    fillCandidates: (passage, count, options, hooks = {}) =>
      onBlank(passage, options, hooks, (blank, forced) => fillCandidates(blank, forced, count, options, hooks.signal)),
    isOpenFor: (passage, { contextTokens }) => find(passage, contextTokens) !== undefined,
    dispose: closeAll,
  };
}

/**
 * Rejects as soon as the signal fires, while the work goes on: a keystroke overtakes the call that began to read the
 * passage, but the passage is still what the next call needs.
 */
function unlessAborted<R>(work: Promise<R>, signal: AbortSignal | undefined): Promise<R> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** One blank, opened, filled and closed again. */
export async function fillBlank(
  model: Model,
  passage: Passage,
  options: FillOptions,
  hooks: FillHooks = {},
): Promise<Fill> {
  const infiller = createInfiller(model, { typing: 0 });
  try {
    return await infiller.fill(passage, options, hooks);
  } finally {
    await infiller.dispose();
  }
}

/** Whether only the forced text differs, so that Part A is the same. */
function staysOpen(last: { passage: Passage; moved: string }, next: Passage): boolean {
  const { passage, moved } = last;
  return (
    next.before === passage.before &&
    next.after === passage.after &&
    next.path === passage.path &&
    next.kind === passage.kind &&
    next.reachesEnd === passage.reachesEnd &&
    next.beforeShare === passage.beforeShare &&
    next.forced.startsWith(moved) &&
    next.neighbours.length === passage.neighbours.length &&
    next.neighbours.every(({ path, text }, i) => {
      const other = passage.neighbours[i];
      return path === other?.path && text === other.text;
    })
  );
}

/** Keeps about the last `limit` tokens of forced text, cut between characters; the rest is `moved`. */
export function shortenForced(tokenizer: Tokenizer, text: string, limit: number): { moved: string; forced: string } {
  const tokens = tokenizer.encode(text);
  const excess = tokens.length - limit;
  if (excess <= 0) return { moved: '', forced: text };
  const decoded = decodeWellFormed(tokenizer.decodeBytes(tokens.slice(0, excess)));
  // A tokenizer that adds or changes characters is not cut by tokens.
  const cut = text.startsWith(decoded) ? decoded.length : Math.max(0, text.length - limit);
  return { moved: text.slice(0, cut), forced: text.slice(cut) };
}

export function checkOptions({ maxTokens, temperature, topP, contextTokens, beams = 1 }: FillOptions): void {
  const wrong = (what: string, expected: string, found: number): RangeError =>
    new RangeError(`${what} must be ${expected}, but it is ${found}.`);
  if (!Number.isInteger(maxTokens) || maxTokens < 1) throw wrong('maxTokens', 'a whole number above 0', maxTokens);
  if (!(temperature >= 0)) throw wrong('temperature', '0 or more', temperature);
  if (!(topP > 0 && topP <= 1)) throw wrong('topP', 'above 0 and at most 1', topP);
  if (!Number.isInteger(beams) || beams < 1 || beams > MOST_BEAMS)
    throw wrong('beams', `a whole number from 1 to ${MOST_BEAMS}`, beams);
  if (beams > 1 && temperature > 0) throw wrong('temperature', '0 in a beam search', temperature);
  if (contextTokens !== undefined && !(contextTokens >= 1)) throw wrong('contextTokens', '1 or more', contextTokens);
}
