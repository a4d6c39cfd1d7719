/**
 * Fills a blank that is open: forced text first, then tokens are drawn until the model ends the span or a limit is
 * reached. Neither opens nor closes anything.
 */
import { createRandom } from '../objective/random.ts';
import { type BeamOptions, byProbability, type Found, lengthNormalized, searchBeams } from './beams.ts';
import { guessNext } from './drafts.ts';
import type { Fill, FilledToken, FillOptions, FinishReason } from './fill.ts';
import { splitForced } from './healing.ts';
import type { OpenBlank } from './open-blank.ts';
import { drawToken, logProbabilityOf } from './sampling.ts';
import { healEnd, readOut } from './span-end.ts';
import { type Forced, writeSpan } from './span-writer.ts';

export interface FillHooks {
  signal?: AbortSignal;
  /** The signal ends the reading of the passage too; else that goes on for the next call, which may want the same. */
  stopsReading?: boolean;
  /**
   * Called for every token after the forced ones as it is drawn, `eop` not included. `text` is what the span has gained
   * for certain: whole characters, nothing forced, no part of a stop string. All of these are a beginning of the fill's
   * text, unless `singleLine` cuts within the last token. Not called in a beam search, where nothing is certain before
   * the end.
   */
  onToken?: (token: FilledToken, text: string) => void;
}

/**
 * Fills a blank that is already open, with `forced` at the start of its span. It may be called again with other text:
 * only what differs is computed. Throws RangeError when `forced` no longer fits.
 */
export async function fillOpenBlank(
  blank: OpenBlank,
  forced: string,
  options: FillOptions,
  hooks: FillHooks = {},
): Promise<Fill> {
  return decode(blank, await begin(blank, forced, hooks.signal), options, hooks);
}

/**
 * At most `count` spans of a blank, each with a text of its own: first the greedy one, then the most probable whole spans, the
 * most probable first. `least` does not count; draws by chance there are none. The blank then holds the first of them.
 */
export async function fillCandidates(
  blank: OpenBlank,
  forced: string,
  count: number,
  options: FillOptions,
  signal?: AbortSignal,
): Promise<Fill[]> {
  const beginning = await begin(blank, forced, signal);
  const wanted = { beams: count, count, ranking: byProbability, greedyFirst: true };
  const found = await search(blank, beginning, wanted, options, signal);
  return found.map((each) => fillOf(blank, beginning, each));
}

/** A span with its forced text in it, and the logits [V] after that. */
interface Beginning {
  forced: Forced;
  logits: Float32Array;
  /** When it began, and when text was tokens, in milliseconds. */
  started: number;
  tokenized: number;
}

async function begin(blank: OpenBlank, text: string, signal?: AbortSignal): Promise<Beginning> {
  const started = performance.now();
  const { fed, healed } = splitForced(blank.model.tokenizer, text);
  const tokenized = performance.now();
  signal?.throwIfAborted();
  const { logits, logProbabilities } = await blank.feed(fed, signal);
  return { forced: { text, fed, healed, logProbabilities }, logits, started, tokenized };
}

async function decode(blank: OpenBlank, beginning: Beginning, options: FillOptions, hooks: FillHooks): Promise<Fill> {
  const { beams = 1 } = options;
  const found =
    beams > 1
      ? (await search(blank, beginning, { beams, count: 1, ranking: lengthNormalized }, options, hooks.signal))[0]
      : await draw(blank, beginning, options, hooks);
  return fillOf(blank, beginning, found as Found);
}

function search(
  blank: OpenBlank,
  { forced, logits, tokenized }: Beginning,
  wanted: Omit<BeamOptions, 'maxTokens' | 'deadline'>,
  options: FillOptions,
  signal: AbortSignal | undefined,
): Promise<Found[]> {
  const writer = writeSpan(blank, forced, { ...options, least: 0 });
  const { maxTokens } = options;
  return searchBeams(blank, writer, logits, { ...wanted, maxTokens, deadline: deadlineOf(options, tokenized) }, signal);
}

function deadlineOf({ timeLimit }: FillOptions, began: number): number {
  return timeLimit > 0 ? began + timeLimit : Number.POSITIVE_INFINITY;
}

function fillOf(blank: OpenBlank, { started, tokenized }: Beginning, { writer, finish }: Found): Fill {
  const ended = performance.now();
  const { tokens, predicted, sum } = writer;
  return {
    text: writer.text(),
    tokens: [...tokens],
    finish,
    confidence: predicted.length > 0 ? Math.exp(sum / predicted.length) : 0,
    timings: { tokenize: tokenized - started, read: 0, extend: ended - tokenized, total: ended - started },
    partA: blank.partA,
    partB: blank.partB,
    device: blank.model.runtime.device,
  };
}

/** One token after the other until the span ends. */
async function draw(
  blank: OpenBlank,
  { forced, logits: first, tokenized }: Beginning,
  options: FillOptions,
  { signal, onToken }: FillHooks,
): Promise<Found> {
  const writer = writeSpan(blank, forced, options);
  const deadline = deadlineOf(options, tokenized);
  const random = createRandom(options.seed);
  const { surroundings, model } = blank;
  const drafts = surroundings && model.runtime.exact && (options.drafts ?? model.drafts ?? false);
  const guess = drafts
    ? () => {
        const span = writer.tokens.map((token) => token.id);
        return guessNext(surroundings, span);
      }
    : undefined;
  const { own } = writer;
  /** What may still turn out to be what follows the blank anyway. */
  let held: { token: FilledToken; text: string }[] = [];
  const tell = () => {
    for (const { token, text } of held) if (writer.tokens.includes(token)) onToken?.(token, text);
    held = [];
  };
  const over = async (finish: FinishReason): Promise<Found> => {
    await healEnd(blank, writer, finish, signal);
    tell();
    return { writer, finish: writer.finish ?? finish };
  };
  let logits = first;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const outlook = writer.look(logits);
      const id = drawToken(outlook.logits, outlook.allowed, options, random);
      const gained = writer.take(outlook, id);
      if (gained) held.push(gained);
      if (onToken && readOut(own.bytes, blank.following) === 0) tell();
      if (writer.finish !== undefined) return await over(writer.finish);
      if (blank.room === 0) return await over('capacity');
      if (performance.now() >= deadline) return await over('time');
      logits = await blank.append(id, logProbabilityOf(logits, id), signal, guess);
    }
  } finally {
    blank.settle();
  }
}
