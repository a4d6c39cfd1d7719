/** Puts the pieces of a remote answer together to a fill, and says when no more of them are wanted. */
import type { FillHooks } from '../infill/decode.ts';
import type { Fill, FilledToken, FillOptions, FinishReason } from '../infill/fill.ts';
import { createSpanStream } from '../infill/span-stream.ts';
import { decodeWellFormed, endOfLine } from '../infill/span-text.ts';
import type { RemotePiece } from './styles.ts';

export interface Receiver {
  /** Whether the answer has come to its end; what comes then is of no matter. */
  readonly finished: boolean;
  /** Whether text has been handed to the caller. */
  readonly handedOn: boolean;
  /** Returns false when the rest is not wanted: the span ends here, though the server goes on. */
  take(piece: RemotePiece): boolean;
  /** The fill as far as it has come; `started` on the clock of `performance`. */
  toFill(finish: FinishReason, started: number, device: string): Fill;
}

export function createReceiver(
  options: FillOptions,
  stops: readonly string[],
  onToken: FillHooks['onToken'],
): Receiver {
  const stream = createSpanStream([...stops, ...(options.stop ?? [])]);
  const tokens: FilledToken[] = [];
  let text = '';
  let finish: FinishReason | undefined;
  let promptTokens = 0;
  let first: number | undefined;
  return {
    get finished() {
      return finish !== undefined;
    },
    get handedOn() {
      return onToken !== undefined && tokens.length > 0;
    },
    take(piece) {
      promptTokens = piece.promptTokens ?? promptTokens;
      if (finish === undefined && piece.text !== '') {
        first ??= performance.now();
        text += piece.text;
        const certain = stream.take(Buffer.from(piece.text));
        const told = piece.tokens.length > 0 ? piece.tokens : [{ text: piece.text, logProbability: Number.NaN }];
        for (const [index, { text: own, logProbability }] of told.entries()) {
          const token = { id: -1, text: own, logProbability, forced: false };
          tokens.push(token);
          onToken?.(token, index === told.length - 1 ? certain : '');
        }
      }
      const line = options.singleLine ? endOfLine([...Buffer.from(text)]) : undefined;
      if (line !== undefined) {
        text = decodeWellFormed(Buffer.from(text).subarray(0, line));
        finish = 'line';
      } else if (stream.stopped !== undefined) {
        const { length } = stream.stopped;
        // A control token of the model that the server let through is the end that the model chose.
        finish = stops.some((stop) => text.startsWith(stop, length)) ? 'eop' : 'stop';
        text = stream.stopped;
      } else {
        finish ??= piece.finish;
        return true;
      }
      return false;
    },
    toFill(otherwise, started, device) {
      const ended = performance.now();
      const begun = first ?? ended;
      const reason = finish ?? otherwise;
      const known = tokens.map(({ logProbability }) => logProbability).filter((value) => !Number.isNaN(value));
      const eop: FilledToken = { id: -1, text: '', logProbability: Number.NaN, forced: false };
      return {
        text,
        tokens: reason === 'eop' ? [...tokens, eop] : tokens,
        finish: reason,
        confidence: known.length > 0 ? Math.exp(known.reduce((sum, value) => sum + value, 0) / known.length) : 0,
        timings: { tokenize: 0, read: begun - started, extend: ended - begun, total: ended - started },
        partA: promptTokens,
        partB: tokens.length,
        device,
      };
    },
  };
}
