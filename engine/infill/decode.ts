/**
 * Fills a blank that is open: forced text first, then tokens are drawn until the model ends the span or a limit is
 * reached. Neither opens nor closes anything.
 */
import { createRandom } from '../objective/random.ts';
import { type Found, searchBeams } from './beams.ts';
import { guessNext } from './drafts.ts';
import type { Fill, FilledToken, FillOptions } from './fill.ts';
import { splitForced } from './healing.ts';
import type { OpenBlank } from './open-blank.ts';
import { drawToken, logProbabilityOf } from './sampling.ts';
import { type Forced, type SpanWriter, writeSpan } from './span-writer.ts';

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
 * Fills a blank several times, once for each of the options; the blank then holds what the first of them gave. Where the
 * runtime gathers calls, all pass the weights together, token by token, until each comes to its own end.
 */
export async function fillSeveralTimes(
  blank: OpenBlank,
  forced: string,
  options: readonly FillOptions[],
  signal?: AbortSignal,
): Promise<Fill[]> {
  const beginning = await begin(blank, forced, signal);
  const blanks = options.map((_, index) => (index === 0 ? blank : blank.fork()));
  try {
    // They share their steps already.
    const decoding = options.map((own, index) =>
      decode(blanks[index] as OpenBlank, beginning, { ...own, drafts: false }, signal ? { signal } : {}),
    );
    // A blank is disposed of when nothing works on it any more.
    await Promise.allSettled(decoding);
    return await Promise.all(decoding);
  } finally {
    for (const fork of blanks.slice(1)) fork.dispose();
  }
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

async function decode(
  blank: OpenBlank,
  { forced, logits, started, tokenized }: Beginning,
  options: FillOptions,
  hooks: FillHooks,
): Promise<Fill> {
  const { beams = 1, maxTokens, timeLimit } = options;
  const deadline = timeLimit > 0 ? tokenized + timeLimit : Number.POSITIVE_INFINITY;
  const found =
    beams > 1
      ? await searchBeams(
          blank,
          writeSpan(blank, forced, { ...options, least: 0 }),
          logits,
          { beams, maxTokens, deadline },
          hooks.signal,
        )
      : await draw(blank, writeSpan(blank, forced, options), logits, options, deadline, hooks);
  const { writer, finish } = found;
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
  writer: SpanWriter,
  first: Float32Array,
  options: FillOptions,
  deadline: number,
  { signal, onToken }: FillHooks,
): Promise<Found> {
  const random = createRandom(options.seed);
  const { surroundings, model } = blank;
  const drafts = surroundings && model.runtime.exact && (options.drafts ?? model.drafts ?? false);
  const guess = drafts
    ? () => {
        const span = writer.tokens.map((token) => token.id);
        return guessNext(surroundings, span);
      }
    : undefined;
  let logits = first;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const outlook = writer.look(logits);
      const id = drawToken(outlook.logits, outlook.allowed, options, random);
      const gained = writer.take(outlook, id);
      if (gained) onToken?.(gained.token, gained.text);
      if (writer.finish !== undefined) return { writer, finish: writer.finish };
      if (blank.room === 0) return { writer, finish: 'capacity' };
      if (performance.now() >= deadline) return { writer, finish: 'time' };
      logits = await blank.append(id, logProbabilityOf(logits, id), signal, guess);
    }
  } finally {
    blank.settle();
  }
}
