/**
 * A span as it grows, for those who show it while it is drawn: whole characters only, and nothing that may turn out to
 * be the beginning of a stop string. What has been given out is always a beginning of the final text.
 */
import { decodeWellFormed } from './span-text.ts';

export interface SpanStream {
  /** Takes the bytes of the next token; returns the text that is now certain, often empty. */
  take(bytes: Uint8Array): string;
  /** The span up to the first stop string, once one has come. */
  readonly stopped: string | undefined;
}

/** `stops` are strings that end the span and are left out of it; empty ones are ignored. */
export function createSpanStream(stops: readonly string[] = []): SpanStream {
  const filter = createStopFilter(stops);
  let pending: Uint8Array = new Uint8Array();
  return {
    get stopped() {
      return filter.stopped;
    },
    take(bytes) {
      if (filter.stopped !== undefined) return '';
      pending = Buffer.concat([pending, bytes]);
      const fresh = decodeWellFormed(pending);
      pending = pending.subarray(Buffer.byteLength(fresh));
      return filter.take(fresh);
    },
  };
}

export interface StopFilter {
  /** Takes the next text; returns what is now certain, often nothing. */
  take(text: string): string;
  /** What was held back for nothing, when no more text comes. */
  rest(): string;
  /** All text up to the first stop string, once one has come. */
  readonly stopped: string | undefined;
}

/** Lets text through but for what may be the beginning of one of `stops`, and nothing from the first stop string on. */
export function createStopFilter(stops: readonly string[] = []): StopFilter {
  const wanted = stops.filter((stop) => stop !== '');
  const longest = Math.max(0, ...wanted.map((stop) => stop.length));
  let text = '';
  let given = 0;
  let stopped: string | undefined;
  const give = (until: number) => {
    const piece = text.slice(given, until);
    given = until;
    return piece;
  };
  return {
    get stopped() {
      return stopped;
    },
    take(fresh) {
      if (stopped !== undefined) return '';
      const searched = Math.max(0, text.length - longest + 1);
      text += fresh;
      const found = wanted.map((stop) => text.indexOf(stop, searched)).filter((index) => index >= 0);
      if (found.length === 0) return give(text.length - begun(text, wanted, longest));
      stopped = text.slice(0, Math.min(...found));
      return give(stopped.length);
    },
    rest: () => (stopped === undefined ? give(text.length) : ''),
  };
}

/** Length of the longest end of `text` with which a stop string begins. */
function begun(text: string, stops: readonly string[], longest: number): number {
  for (let length = Math.min(longest - 1, text.length); length > 0; length--) {
    const end = text.slice(text.length - length);
    if (stops.some((stop) => stop.startsWith(end))) return length;
  }
  return 0;
}
