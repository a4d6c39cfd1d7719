/**
 * What an encoder-decoder (GlmConfig `decoderLayers`) is trained on: the encoder reads Part A, the decoder writes Part B
 * from left to right, every row of it a target, positions counted in each part from 0. Two objectives: T5's span
 * corruption (Raffel et al. 2020, arXiv 1910.10683, section 3.1.4) and BART's text infilling (Lewis et al. 2020,
 * arXiv 1910.13461, section 2.2). Which spans: `tokenSpans`, `textInfillingSpans`. No random choice here.
 */
import { type InfillingSample, partA, type Span } from './blank-infilling.ts';

export interface SentinelIds {
  /** One token for each span, in the order of the text. */
  sentinels: readonly number[];
  /** Begins Part B. */
  sop: number;
  /** Ends it; the paper's last sentinel. */
  eop: number;
}

/**
 * T5: each span becomes a sentinel of its own; Part B lists them in the order of the text, each followed by its span.
 * The sample has `text.length + 2 * spans.length + 1` rows. Throws RangeError as `partA`, and for more spans than
 * sentinels.
 */
export function spanCorruption(text: ArrayLike<number>, spans: readonly Span[], ids: SentinelIds): InfillingSample {
  if (spans.length > ids.sentinels.length)
    throw new RangeError(`${spans.length} spans need as many sentinels; there are ${ids.sentinels.length}.`);
  const ordered = [...spans].sort((a, b) => a.start - b.start || a.end - b.end);
  const { tokens, masks } = partA(text, ordered, 0);
  const written: number[] = [];
  for (const [index, { start, end }] of ordered.entries()) {
    const sentinel = ids.sentinels[index] as number;
    tokens[masks[index] as number] = sentinel;
    written.push(sentinel, ...Array.prototype.slice.call(text, start, end));
  }
  return encodedAndDecoded(tokens, [ids.sop, ...written, ids.eop]);
}

export interface TextInfillingIds {
  /** Stands for a span, whatever its length; for none too. */
  mask: number;
  sop: number;
  eop: number;
}

/**
 * BART: each span becomes the one mask, and Part B is the whole text. The sample has as many rows as Part A and the text
 * have tokens, and one more. Throws RangeError as `partA`.
 */
export function textInfilling(text: ArrayLike<number>, spans: readonly Span[], ids: TextInfillingIds): InfillingSample {
  const whole: number[] = Array.prototype.slice.call(text);
  return encodedAndDecoded(partA(text, spans, ids.mask).tokens, [ids.sop, ...whole, ids.eop]);
}

/** Each token of `written` but the last is fed, each but the first a target that counts. */
export function encodedAndDecoded(read: ArrayLike<number>, written: readonly number[]): InfillingSample {
  if (read.length === 0 || written.length < 2)
    throw new RangeError(
      `An encoder-decoder reads a token at least and writes one: ${read.length} to read and ${written.length - 1} to write are too few.`,
    );
  const sep = read.length;
  const rows = sep + written.length - 1;
  const sample: InfillingSample = {
    tokens: new Int32Array(rows),
    targets: new Int32Array(rows),
    lossMask: new Uint8Array(rows).fill(1, sep),
    positions: Int32Array.from({ length: rows }, (_, row) => (row < sep ? row : row - sep)),
    blockPositions: new Int32Array(rows),
    sep,
  };
  sample.tokens.set(read);
  sample.tokens.set(written.slice(0, -1), sep);
  sample.targets.set(read);
  sample.targets.set(written.slice(1), sep);
  return sample;
}

/** BART's way to the states of a text: the decoder is fed what the encoder reads. `lossMask` marks rows of Part B. */
export function readTwice(tokens: Int32Array, lossMask: Uint8Array): InfillingSample {
  const sample = encodedAndDecoded(tokens, [...tokens, 0]);
  sample.lossMask.set(lossMask, sample.sep);
  return sample;
}
