/**
 * Fills a blank that is open: forced text first, then tokens are drawn until the model ends the span or a limit is
 * reached. Neither opens nor closes anything.
 */
import { createRandom } from '../objective/random.ts';
import { endTokens } from '../tokenizer/tokenizer.ts';
import { mixVotes } from './cache-gate.ts';
import { chosenLogProbability } from './certainty.ts';
import type { Fill, FilledToken, FillOptions, FinishReason } from './fill.ts';
import { splitForced, vocabularyOf } from './healing.ts';
import type { OpenBlank } from './open-blank.ts';
import { drawToken, logProbabilityOf, logShareOf } from './sampling.ts';
import { createSpanStream } from './span-stream.ts';
import { decodeWellFormed, endOfLine } from './span-text.ts';

export interface FillHooks {
  signal?: AbortSignal;
  /** The signal ends the reading of the passage too; else that goes on for the next call, which may want the same. */
  stopsReading?: boolean;
  /**
   * Called for every token after the forced ones as it is drawn, `eop` not included. `text` is what the span has gained
   * for certain: whole characters, nothing forced, no part of a stop string. All of these are a beginning of the fill's
   * text, unless `singleLine` cuts within the last token.
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
    const decoding = options.map((own, index) =>
      decode(blanks[index] as OpenBlank, beginning, own, signal ? { signal } : {}),
    );
    // A blank is disposed of when nothing works on it any more.
    await Promise.allSettled(decoding);
    return await Promise.all(decoding);
  } finally {
    for (const fork of blanks.slice(1)) fork.dispose();
  }
}

/** A span with its forced text in it. */
interface Beginning {
  forced: string;
  fed: readonly number[];
  /** The last bytes of the forced text, which the next tokens must agree with. */
  healed: Uint8Array;
  logits: Float32Array;
  logProbabilities: readonly number[];
  /** When it began, and when text was tokens, in milliseconds. */
  started: number;
  tokenized: number;
}

async function begin(blank: OpenBlank, forced: string, signal?: AbortSignal): Promise<Beginning> {
  const started = performance.now();
  const { fed, healed } = splitForced(blank.model.tokenizer, forced);
  const tokenized = performance.now();
  signal?.throwIfAborted();
  return { forced, fed, healed, ...(await blank.feed(fed, signal)), started, tokenized };
}

async function decode(
  blank: OpenBlank,
  { forced, fed, healed, started, tokenized, logProbabilities, logits: first }: Beginning,
  options: FillOptions,
  { signal, onToken }: FillHooks,
): Promise<Fill> {
  const { tokenizer, runtime } = blank.model;
  const ends = endTokens(tokenizer.special);
  const vocabulary = vocabularyOf(tokenizer);
  const cache = (options.documentCache ?? blank.model.documentCache) ? blank.cache : undefined;
  const random = createRandom(options.seed);
  const deadline = options.timeLimit > 0 ? tokenized + options.timeLimit : Number.POSITIVE_INFINITY;
  let logits = first;
  const textOf = (id: number) => tokenizer.decode([id]);
  const tokens: FilledToken[] = fed.map((id, index) => ({
    id,
    text: textOf(id),
    logProbability: logProbabilities[index] as number,
    forced: true,
  }));
  let unmatched = healed;
  const span: number[] = [];
  const stream = createSpanStream(options.stop);
  const predicted: number[] = [];
  let given = 0;
  let sum = 0;
  let finish: FinishReason | undefined;
  const lines = options.singleLine ? 1 : options.lines;
  let lineEnd: number | undefined;

  while (finish === undefined) {
    signal?.throwIfAborted();
    const votes = cache?.votes(forced + decodeWellFormed(Uint8Array.from(span)), decodeWellFormed(unmatched));
    const mixture = votes && mixVotes(logits, votes);
    const mixed = mixture?.logits ?? logits;
    let allowed = unmatched.length > 0 ? vocabulary.agreeing(unmatched) : vocabulary.drawable;
    if (allowed.length === 0) {
      // A vocabulary without bytes of its own cannot write this text: the span goes on as if it had been read.
      unmatched = new Uint8Array();
      allowed = vocabulary.drawable;
    }
    const id = drawToken(mixed, allowed, options, random);
    const logProbability = logProbabilityOf(mixed, id);
    const share = votes?.tokens.get(id);
    const source = mixture && share !== undefined ? { fromDocument: mixture.trust * share } : {};
    if (ends.includes(id)) {
      tokens.push({ id, text: '', logProbability, ...source, forced: false });
      predicted.push(logProbability);
      finish = 'eop';
      break;
    }
    const bytes = tokenizer.bytes(id);
    const isForced = unmatched.length > 0 && bytes.length <= unmatched.length;
    const token: FilledToken = { id, text: textOf(id), logProbability, ...source, forced: isForced };
    if (!isForced && unmatched.length > 0) {
      token.forcedBytes = unmatched.length;
      token.logShare = logShareOf(mixed, allowed, id);
    }
    tokens.push(token);
    if (!isForced) {
      predicted.push(chosenLogProbability(token));
      sum += chosenLogProbability(token);
      span.push(...bytes.subarray(unmatched.length));
      const text = stream.take(bytes.subarray(unmatched.length));
      given += text.length;
      token.end = given;
      onToken?.(token, text);
    }
    unmatched = unmatched.subarray(Math.min(bytes.length, unmatched.length));

    lineEnd = lines === undefined ? undefined : endOfLine(span, lines);
    if (lineEnd !== undefined) finish = 'line';
    else if (stream.stopped !== undefined) finish = 'stop';
    else if (Math.exp(sum) < (options.least ?? 0)) finish = 'unsure';
    else if (predicted.length >= options.maxTokens) finish = 'length';
    else if (blank.room === 0) finish = 'capacity';
    else if (performance.now() >= deadline) finish = 'time';
    else logits = await blank.append(id, votes ? logProbabilityOf(logits, id) : logProbability, signal);
  }
  const ended = performance.now();
  return {
    text: finish === 'stop' ? (stream.stopped ?? '') : decodeWellFormed(Uint8Array.from(span.slice(0, lineEnd))),
    tokens,
    finish,
    confidence: predicted.length > 0 ? Math.exp(predicted.reduce((sum, x) => sum + x, 0) / predicted.length) : 0,
    timings: { tokenize: tokenized - started, read: 0, extend: ended - tokenized, total: ended - started },
    partA: blank.partA,
    partB: blank.partB,
    device: runtime.device,
  };
}
