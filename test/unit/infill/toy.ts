/**
 * A toy model for the tests of infilling: a byte tokenizer with a few longer tokens, and a runtime that recites. It
 * checks what every runtime would rely on: order of calls, lengths, positions within range.
 */
import type { Model } from '../../../engine/infill/fill.ts';
import type { GlmConfig } from '../../../engine/model/config.ts';
import type { Runtime, Session, TokenRows } from '../../../engine/runtime/runtime.ts';
import type { Tokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import { extendOneByOne } from '../runtime/one-by-one.ts';

const special = {
  eos: 0,
  mask: 1,
  sentenceMask: 2,
  documentMask: 3,
  sop: 4,
  eop: 5,
  enc: 6,
  path: 7,
  neighbour: 8,
  code: 9,
  instruction: 10,
};
const FIRST_BYTE = 16;

export type ToyTokenizer = Tokenizer & { special: typeof special };

/** Ids 0 to 10 are special, 16 to 271 single bytes, then `words`; text is encoded by the longest match. */
export function toyTokenizer(words: readonly string[] = []): ToyTokenizer {
  const encoder = new TextEncoder();
  const table: Uint8Array[] = Array.from({ length: FIRST_BYTE }, () => new Uint8Array());
  for (let byte = 0; byte < 256; byte++) table.push(Uint8Array.of(byte));
  for (const word of words) table.push(encoder.encode(word));
  const byLength = table.map((bytes, id) => ({ bytes, id })).sort((x, y) => y.bytes.length - x.bytes.length);

  const encodeBytes = (bytes: Uint8Array): number[] => {
    const tokens: number[] = [];
    for (let at = 0; at < bytes.length; ) {
      const match = byLength.find(
        (entry) => entry.bytes.length > 0 && entry.bytes.every((b, i) => bytes[at + i] === b),
      );
      if (!match) throw new Error('no token');
      tokens.push(match.id);
      at += match.bytes.length;
    }
    return tokens;
  };
  const decodeBytes = (tokens: Iterable<number>) => Uint8Array.from([...tokens].flatMap((t) => [...(table[t] ?? [])]));
  return {
    vocabSize: table.length,
    special,
    encode: (text) => encodeBytes(encoder.encode(text)),
    encodeBytes,
    bytes: (token) => table[token] ?? new Uint8Array(),
    decodeBytes,
    decode: (tokens) => new TextDecoder().decode(decodeBytes(tokens)),
  };
}

/** What the toy says after the bytes of Part B so far: preferred tokens, best first. */
export type Voice = (soFar: Uint8Array, tokens: readonly number[]) => readonly number[];

/** Recites a text whatever Part A says, by its longest matching tokens, then ends the span; lost, it says `?`. */
export function reciting(tokenizer: ToyTokenizer, text: string): Voice {
  const bytes = new TextEncoder().encode(text);
  return (soFar) => {
    if (!soFar.every((byte, index) => bytes[index] === byte)) return tokenizer.encode('?');
    const rest = bytes.subarray(soFar.length);
    if (rest.length === 0) return [tokenizer.special.eop];
    const fitting = Array.from({ length: tokenizer.vocabSize }, (_, id) => id).filter((id) => {
      const own = tokenizer.bytes(id);
      return own.length > 0 && own.length <= rest.length && own.every((byte, index) => byte === rest[index]);
    });
    return fitting.sort((x, y) => tokenizer.bytes(y).length - tokenizer.bytes(x).length);
  };
}

export interface Toy extends Model {
  runtime: Runtime;
  tokenizer: ToyTokenizer;
  /** Every call on a session, e.g. `read 12`, `extend 3 all`, `rewind 12`, `dispose`. */
  calls: string[];
  /** Rows of the newest session that is no fork, Part A and Part B. */
  rows: { token: number; position: number; blockPosition: number }[];
  /** Sessions not yet disposed. */
  open: number;
}

export interface ToyOptions {
  words?: readonly string[];
  voice?: (tokenizer: ToyTokenizer) => Voice;
  config?: Partial<GlmConfig>;
  /** False: what may never be drawn takes no probability, so that all of it goes to the voice. */
  tempting?: boolean;
  /** Runs before each call answers; for cancellation and clocks. */
  onCall?: (call: string) => void;
}

export function toy(options: ToyOptions = {}): Toy {
  const tokenizer = toyTokenizer(options.words);
  const voice = options.voice?.(tokenizer) ?? reciting(tokenizer, '');
  const config: GlmConfig = {
    vocabSize: tokenizer.vocabSize + 8,
    hiddenSize: 8,
    innerSize: 8,
    layers: 1,
    heads: 1,
    maxLength: 256,
    positions: 'rotary-2d',
    norm: 'deepnorm',
    residualAlpha: 1,
    activation: 'geglu',
    qkvLayout: 'per-head',
    tiedEmbedding: true,
    layerNormEpsilon: 1e-5,
    rotaryFloat16: true,
    ...options.config,
  };
  const result: Toy = {
    tokenizer,
    calls: [],
    rows: [],
    open: 0,
    runtime: {
      config,
      device: 'toy',
      open: (capacity) => openSession(capacity),
      extendTogether: extendOneByOne,
      dispose: () => undefined,
    },
  };

  function logitsAfter(partB: readonly number[]): Float32Array {
    const preferred = voice(tokenizer.decodeBytes(partB.slice(1)), partB.slice(1));
    const logits = new Float32Array(config.vocabSize).fill(-4);
    if (options.tempting ?? true) {
      // Padding and special tokens tempt the sampler: none of them may ever be drawn.
      logits.fill(50, tokenizer.vocabSize);
      for (const id of [special.mask, special.sop, special.enc, special.path, special.code]) logits[id] = 40;
    }
    for (const [rank, id] of preferred.entries()) logits[id] = 10 - rank;
    return logits;
  }

  function openSession(capacity: number, from?: { rows: Toy['rows']; partA: number }): Session {
    if (capacity > config.maxLength) throw new Error(`capacity ${capacity} beyond ${config.maxLength}`);
    const rows: Toy['rows'] = [...(from?.rows ?? [])];
    if (!from) result.rows = rows;
    result.open++;
    let partA = from?.partA ?? -1;
    let disposed = false;
    const put = ({ tokens, positions, blockPositions }: TokenRows) => {
      if (disposed) throw new Error('disposed');
      if (rows.length + tokens.length > capacity) throw new Error('beyond capacity');
      for (const [i, token] of tokens.entries()) {
        rows.push({ token, position: positions[i] as number, blockPosition: blockPositions[i] as number });
      }
    };
    const call = (name: string, signal?: AbortSignal) => {
      result.calls.push(name);
      options.onCall?.(name);
      signal?.throwIfAborted();
    };
    return {
      get length() {
        return rows.length;
      },
      async read(rowsOfA, signal) {
        if (rows.length > 0) throw new Error('not empty');
        call(`read ${rowsOfA.tokens.length}`, signal);
        put(rowsOfA);
        partA = rows.length;
      },
      async extend(rowsOfB, { logits = 'last', signal } = {}) {
        if (partA < 0) throw new Error('Part A not read');
        call(`extend ${rowsOfB.tokens.length} ${logits}`, signal);
        const from = rows.length;
        put(rowsOfB);
        const spoken = rows.slice(partA).map(({ token }) => token);
        const first = logits === 'all' ? from - partA + 1 : spoken.length;
        const all: number[] = [];
        for (let n = first; n <= spoken.length; n++) all.push(...logitsAfter(spoken.slice(0, n)));
        return Float32Array.from(all);
      },
      rewind(length) {
        if (length < partA || length > rows.length) throw new Error(`rewind to ${length}`);
        rows.length = length;
      },
      fork() {
        result.calls.push('fork');
        return openSession(capacity, { rows, partA });
      },
      dispose() {
        if (disposed) throw new Error('disposed twice');
        disposed = true;
        result.open--;
      },
    };
  }
  return result;
}
