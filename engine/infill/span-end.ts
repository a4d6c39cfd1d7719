/**
 * Where a span ends against the text after its blank: token healing at its end, in bytes. A model that was about to end a span
 * may take a token that reaches into what follows, and then goes on reading that out; the page would hold it twice. A
 * span that says at its end what follows is one of two whole spans, with that text and without it: the model gives both a
 * probability, and the more probable one is taken. Where a limit cut the span the model chose no end, and all that it
 * wrote stands on the page either way: it ends before what it read out.
 */
import type { FinishReason } from './fill.ts';
import type { OpenBlank } from './open-blank.ts';
import type { SpanWriter } from './span-writer.ts';

/** A place where a span could have ended. */
export interface PossibleEnd {
  /** Tokens of the span before it that were written. */
  tokens: number;
  /** Tokens after those, where it lies within the next one that was written. */
  more: readonly { id: number; logProbability: number }[];
  /** Its own bytes before it: those that were not forced. */
  bytes: number;
  /** Natural logarithms of the probabilities: of what was predicted before it, and of an end there. */
  sum: number;
  ending: number;
  /** The token that would end it. */
  end: number;
}

/** Characters of the text after a blank that a span is held against: more than any span holds. */
export const FOLLOWING = 4096;

/** How many of a span's last bytes, at most, are the first of what follows. */
export function readOut(span: readonly number[], following: Uint8Array): number {
  for (let length = Math.min(span.length, following.length); length > 0; length--) {
    let same = 0;
    while (same < length && span[span.length - length + same] === following[same]) same++;
    if (same === length) return length;
  }
  return 0;
}

/** The most probable end after which a span only reads out what follows; undefined where there is none. */
export function likeliestEnd(
  span: readonly number[],
  ends: readonly PossibleEnd[],
  following: Uint8Array,
): PossibleEnd | undefined {
  let best: PossibleEnd | undefined;
  for (const end of ends) {
    const read = span.length - end.bytes;
    if (read <= 0 || read > following.length || (best && end.sum + end.ending <= best.sum + best.ending)) continue;
    if (span.slice(end.bytes).every((byte, index) => byte === following[index])) best = end;
  }
  return best;
}

/** Ends that no model chose. */
const CUT: readonly FinishReason[] = ['length', 'time', 'capacity'];

/**
 * Ends a span that is over where it better ends, see above; the blank then holds what is left of it.
 */
export async function healEnd(
  blank: OpenBlank,
  writer: SpanWriter,
  finish: FinishReason,
  signal?: AbortSignal,
): Promise<void> {
  const { following } = blank;
  const { bytes, ends } = writer.own;
  const read = readOut(bytes, following);
  // What ends at a stop string, or is given up, is not shown to its end.
  if (read === 0 || finish === 'stop' || finish === 'unsure') return;
  const start = bytes.length - read;
  const within = ends.some((end) => end.bytes === start) ? undefined : await endWithin(blank, writer, start, signal);
  const cut = CUT.includes(finish);
  const all = within ? [...ends, within] : ends;
  const end = likeliestEnd(bytes, cut ? all.filter((each) => each.bytes === start) : all, following);
  const better = end && (cut || end.sum + end.ending > writer.sum) ? end : undefined;
  if (better) writer.endAt(better);
  if (!better && !within) return;
  const held = writer.tokens.slice(0, -1).map(({ id }) => id);
  await blank.feed(held, signal);
}

/** An end after so many bytes, within a token: what the model says where it reads the token's first bytes alone. */
async function endWithin(
  blank: OpenBlank,
  writer: SpanWriter,
  bytes: number,
  signal?: AbortSignal,
): Promise<PossibleEnd | undefined> {
  const before = writer.own.ends.findLast((end) => end.bytes < bytes);
  if (!before) return undefined;
  const own = Uint8Array.from(writer.own.bytes.slice(0, bytes));
  const rest = blank.model.tokenizer.encodeBytes(own.subarray(before.bytes));
  const tokens = [...writer.tokens.slice(0, before.tokens).map(({ id }) => id), ...rest];
  if (tokens.length >= blank.places) return undefined;
  const { logits, logProbabilities } = await blank.feed(tokens, signal);
  const more = rest.map((id, index) => {
    return { id, logProbability: logProbabilities[before.tokens + index] as number };
  });
  const { end, ending } = writer.endAfter(logits, own);
  return {
    tokens: before.tokens,
    more,
    bytes,
    sum: more.reduce((sum, { logProbability }) => sum + logProbability, before.sum),
    ending,
    end,
  };
}
