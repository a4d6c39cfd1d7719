/**
 * Passages in, spans out. The last blank stays open, so that typing inside it costs the new tokens only. No user text
 * makes it throw; a fired signal does (`AbortError`), and so do damaged weights.
 */
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { type FillHooks, fillOpenBlank } from './decode.ts';
import type { Fill, FillOptions, Model, Passage } from './fill.ts';
import { type OpenBlank, openBlank } from './open-blank.ts';
import { decodeWellFormed } from './span-text.ts';

export interface Infiller {
  /** Calls are made one after another. */
  fill(passage: Passage, options: FillOptions, hooks?: FillHooks): Promise<Fill>;
  dispose(): void;
}

/** Largest share of the model's length that forced text may take; the rest of it is moved in front of the blank. */
const FORCED_SHARE = 0.25;
/** Largest share of the model's length that is kept for generated tokens. */
const GENERATED_SHARE = 0.5;
/** `sop`, and the token that begins forced and goes on. */
const BESIDE_SPAN = 2;

/** `typing`: tokens of further typing for which an open blank has room before it must be opened anew. */
export function createInfiller(model: Model, { typing = 48 } = {}): Infiller {
  const { tokenizer, runtime } = model;
  const { maxLength } = runtime.config;
  let last: { passage: Passage; contextTokens: number | undefined; moved: string; blank: OpenBlank } | undefined;

  const close = () => {
    last?.blank.dispose();
    last = undefined;
  };
  return {
    async fill(passage, options, hooks = {}) {
      const started = performance.now();
      checkOptions(options);
      const { contextTokens } = options;
      const generated = Math.min(options.maxTokens, Math.floor(maxLength * GENERATED_SHARE)) + BESIDE_SPAN;
      const again = last && last.contextTokens === contextTokens && staysOpen(last, passage) ? last : undefined;
      const rest = passage.forced.slice(again?.moved.length ?? 0);
      let opened = { tokenize: 0, read: 0 };
      if (!again || tokenizer.encode(rest).length + generated > again.blank.places) {
        close();
        const { moved, forced } = shortenForced(tokenizer, passage.forced, Math.floor(maxLength * FORCED_SHARE));
        const reserve = tokenizer.encode(forced).length + generated + typing;
        const blank = await openBlank(
          model,
          { ...passage, before: passage.before + moved },
          contextTokens === undefined ? { reserve } : { reserve, contextTokens },
          hooks.signal,
        );
        last = { passage, contextTokens, moved, blank };
        opened = blank.timings;
      }
      const { blank, moved } = last as NonNullable<typeof last>;
      try {
        const fill = await fillOpenBlank(blank, passage.forced.slice(moved.length), options, hooks);
        const total = performance.now() - started;
        const { timings } = fill;
        return {
          ...fill,
          timings: { ...timings, tokenize: opened.tokenize + timings.tokenize, read: opened.read, total },
        };
      } catch (error) {
        // An aborted call leaves the session as it was; after anything else it is not trusted.
        if (!hooks.signal?.aborted) close();
        throw error;
      }
    },
    dispose: close,
  };
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
    infiller.dispose();
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
    next.forced.startsWith(moved) &&
    next.neighbours.length === passage.neighbours.length &&
    next.neighbours.every(({ path, text }, i) => {
      const other = passage.neighbours[i];
      return path === other?.path && text === other.text;
    })
  );
}

/** Keeps about the last `limit` tokens of forced text, cut between characters; the rest is `moved`. */
function shortenForced(tokenizer: Tokenizer, text: string, limit: number): { moved: string; forced: string } {
  const tokens = tokenizer.encode(text);
  const excess = tokens.length - limit;
  if (excess <= 0) return { moved: '', forced: text };
  const decoded = decodeWellFormed(tokenizer.decodeBytes(tokens.slice(0, excess)));
  // A tokenizer that adds or changes characters is not cut by tokens.
  const cut = text.startsWith(decoded) ? decoded.length : Math.max(0, text.length - limit);
  return { moved: text.slice(0, cut), forced: text.slice(cut) };
}

function checkOptions({ maxTokens, temperature, topP, contextTokens }: FillOptions): void {
  const wrong = (what: string, expected: string, found: number): RangeError =>
    new RangeError(`${what} must be ${expected}, but it is ${found}.`);
  if (!Number.isInteger(maxTokens) || maxTokens < 1) throw wrong('maxTokens', 'a whole number above 0', maxTokens);
  if (!(temperature >= 0)) throw wrong('temperature', '0 or more', temperature);
  if (!(topP > 0 && topP <= 1)) throw wrong('topP', 'above 0 and at most 1', topP);
  if (contextTokens !== undefined && !(contextTokens >= 1)) throw wrong('contextTokens', '1 or more', contextTokens);
}
