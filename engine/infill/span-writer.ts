/**
 * A span as it is written, token by token: which tokens may come next and how probable they are, and what ends it.
 * Knows nothing of sessions, so that the same span can be written on in several ways.
 */
import { endTokens } from '../tokenizer/tokenizer.ts';
import { mixCaches } from './cache-gate.ts';
import { chosenLogProbability } from './certainty.ts';
import type { FilledToken, FillOptions, FinishReason, TokenRival } from './fill.ts';
import { vocabularyOf } from './healing.ts';
import type { OpenBlank } from './open-blank.ts';
import { logProbabilityOf, logShareOf, mostProbable, mostProbableOf } from './sampling.ts';
import type { PossibleEnd } from './span-end.ts';
import { createSpanStream } from './span-stream.ts';
import { decodeWellFormed, endOfLine } from './span-text.ts';

/** A blank's forced text, as far as it is fed. */
export interface Forced {
  text: string;
  fed: readonly number[];
  /** Log probability of each token that was fed. */
  logProbabilities: readonly number[];
  /** Its last bytes, which the next tokens must agree with. */
  healed: Uint8Array;
}

/** What may come next. */
export interface Outlook {
  /** Logits [V], the document cache's votes mixed in. */
  logits: Float32Array;
  /** What the document votes for: its share of all probability, and of each token the probability that comes from there. */
  fromDocument: { trust: number; shares: ReadonlyMap<number, number> } | undefined;
  /** Tokens that may be chosen. */
  allowed: Int32Array;
}

export interface SpanWriter {
  /** The tokens after `sop`, forced ones included. */
  readonly tokens: readonly FilledToken[];
  /** Log probabilities of the predicted tokens where they were chosen, an end included. */
  readonly predicted: readonly number[];
  /** Natural logarithm of the probability of all predicted tokens. */
  readonly sum: number;
  readonly finish: FinishReason | undefined;
  /** The span without its forced part. */
  text(): string;
  /** From the model's logits [V] after what was written. */
  look(logits: Float32Array): Outlook;
  /** Natural logarithm of a token's probability among those that may be chosen; of all where nothing is forced. */
  chosen(outlook: Outlook, id: number): number;
  /** Writes a token, which may end the span; gives what was gained, unless it was forced or is the end itself. */
  take(outlook: Outlook, id: number): { token: FilledToken; text: string } | undefined;
  /** The span's own bytes, and where it could have ended so far. */
  readonly own: { bytes: readonly number[]; ends: readonly PossibleEnd[] };
  /** The likeliest end, from the model's logits [V] after these bytes of its own. */
  endAfter(logits: Float32Array, own: Uint8Array): Pick<PossibleEnd, 'end' | 'ending'>;
  /** Ends the span at an earlier place. */
  endAt(place: PossibleEnd): void;
  /** Another that goes on from here. */
  fork(): SpanWriter;
}

type Limits = Pick<FillOptions, 'stop' | 'singleLine' | 'lines' | 'least' | 'maxTokens' | 'documentCache' | 'rivals'>;

interface Written {
  tokens: FilledToken[];
  span: number[];
  predicted: number[];
  possible: PossibleEnd[];
  unmatched: Uint8Array;
}

/** `options` say what ends the span. */
export function writeSpan({ model, caches: asked }: OpenBlank, forced: Forced, options: Limits): SpanWriter {
  const { tokenizer } = model;
  const ends = Int32Array.from(endTokens(tokenizer.special));
  const vocabulary = vocabularyOf(tokenizer);
  const caches = (options.documentCache ?? model.documentCache) ? asked : [];
  const lines = options.singleLine ? 1 : options.lines;
  const textOf = (id: number) => tokenizer.decode([id]);

  function likelyEnd(logits: Float32Array): Pick<PossibleEnd, 'end' | 'ending'> {
    const end = mostProbableOf(logits, ends, 1)[0] as number;
    return { end, ending: logProbabilityOf(logits, end) };
  }

  function writer(written: Written): SpanWriter {
    const { tokens, span, predicted, possible } = written;
    let { unmatched } = written;
    const stream = createSpanStream(options.stop);
    let given = stream.take(Uint8Array.from(span)).length;
    let sum = predicted.reduce((total, each) => total + each, 0);
    let finish: FinishReason | undefined;
    let lineEnd: number | undefined;

    /** Notes a token's probability and where it came from. */
    function described(outlook: Outlook, id: number): FilledToken {
      const { logits, fromDocument, allowed } = outlook;
      const source = {
        ...documentShare(outlook, id),
        ...(fromDocument && { trust: fromDocument.trust }),
        ...(options.rivals ? { rivals: rivalsOf(outlook, id, options.rivals) } : {}),
      };
      const logProbability = logProbabilityOf(logits, id);
      if (ends.includes(id)) return { id, text: '', logProbability, ...source, forced: false };
      const forced = unmatched.length > 0 && tokenizer.bytes(id).length <= unmatched.length;
      const token: FilledToken = { id, text: textOf(id), logProbability, ...source, forced };
      if (!forced && unmatched.length > 0) {
        token.forcedBytes = unmatched.length;
        token.logShare = logShareOf(logits, allowed, id);
      }
      return token;
    }

    function count(token: FilledToken): void {
      const chosen = chosenLogProbability(token);
      predicted.push(chosen);
      sum += chosen;
    }

    return {
      tokens,
      predicted,
      get sum() {
        return sum;
      },
      get finish() {
        return finish;
      },
      text: () =>
        finish === 'stop' ? (stream.stopped ?? '') : decodeWellFormed(Uint8Array.from(span.slice(0, lineEnd))),
      look(own) {
        const written = forced.text + decodeWellFormed(Uint8Array.from(span));
        const pending = decodeWellFormed(unmatched);
        let allowed = unmatched.length > 0 ? vocabulary.agreeing(unmatched) : vocabulary.drawable;
        if (allowed.length === 0) {
          // A vocabulary without bytes of its own cannot write this text: the span goes on as if it had been read.
          unmatched = new Uint8Array();
          allowed = vocabulary.drawable;
        }
        return { ...mixCaches(own, caches, written, pending), allowed };
      },
      chosen: (outlook, id) =>
        unmatched.length > 0 ? logShareOf(outlook.logits, outlook.allowed, id) : logProbabilityOf(outlook.logits, id),
      take(outlook, id) {
        const token = described(outlook, id);
        if (unmatched.length === 0) {
          possible.push({ tokens: tokens.length, more: [], bytes: span.length, sum, ...likelyEnd(outlook.logits) });
        }
        tokens.push(token);
        if (ends.includes(id)) {
          count(token);
          finish = 'eop';
          return undefined;
        }
        const bytes = tokenizer.bytes(id);
        let gained: string | undefined;
        if (!token.forced) {
          count(token);
          span.push(...bytes.subarray(unmatched.length));
          gained = stream.take(bytes.subarray(unmatched.length));
          given += gained.length;
          token.end = given;
        }
        unmatched = unmatched.subarray(Math.min(bytes.length, unmatched.length));
        lineEnd = lines === undefined ? undefined : endOfLine(span, lines);
        if (lineEnd !== undefined) finish = 'line';
        else if (stream.stopped !== undefined) finish = 'stop';
        else if (Math.exp(sum) < (options.least ?? 0)) finish = 'unsure';
        else if (predicted.length >= options.maxTokens) finish = 'length';
        return gained === undefined ? undefined : { token, text: gained };
      },
      own: { bytes: span, ends: possible },
      endAfter: (logits, own) => likelyEnd(mixCaches(logits, caches, forced.text + decodeWellFormed(own), '').logits),
      endAt({ tokens: length, more, bytes, sum: before, ending, end }) {
        const kept = predicted.length - (tokens.length - length);
        span.length = bytes;
        const whole = decodeWellFormed(Uint8Array.from(span)).length;
        const rest = more.map((each) => ({ ...each, text: textOf(each.id), forced: false, end: whole }));
        tokens.splice(length, tokens.length, ...rest, { id: end, text: '', logProbability: ending, forced: false });
        predicted.splice(kept, predicted.length, ...more.map(({ logProbability }) => logProbability), ending);
        sum = before + ending;
        lineEnd = undefined;
        finish = 'eop';
      },
      fork: () =>
        writer({
          tokens: [...tokens],
          span: [...span],
          predicted: [...predicted],
          possible: [...possible],
          unmatched,
        }),
    };
  }

  const given = forced.fed.map((id, index) => ({
    id,
    text: textOf(id),
    logProbability: forced.logProbabilities[index] as number,
    forced: true,
  }));
  return writer({ tokens: given, span: [], predicted: [], possible: [], unmatched: forced.healed });
}

function documentShare({ fromDocument }: Outlook, id: number): { fromDocument?: number } {
  const share = fromDocument?.shares.get(id);
  return share === undefined ? {} : { fromDocument: share };
}

/** From the same distribution as the chosen token, so that all of them together reach 1 at most. */
function rivalsOf(outlook: Outlook, chosen: number, count: number): TokenRival[] {
  const likely = mostProbable(outlook.logits, count + 1).filter(({ id }) => id !== chosen);
  return likely.slice(0, count).map((each) => ({ ...each, ...documentShare(outlook, each.id) }));
}
