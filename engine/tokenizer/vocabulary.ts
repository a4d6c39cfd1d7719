/** What all tokenizers with a table of bytes for each token share: everything but the encoding of text. */
import type { NamedTokenizer, SpecialTokens } from './tokenizer.ts';
import { wellFormedStretches } from './utf8-stretches.ts';

export interface TokenTable {
  tokenBytes: TokenBytes;
  special: SpecialTokens;
  named: ReadonlyMap<string, number>;
  encode(text: string): number[];
  /** Text that begins a document; as `encode` when left out. */
  encodeStart?(text: string): number[];
  /** Ids of single bytes, where all 256 have one. */
  byteTokens?: readonly number[];
}

export const noBytes = new Uint8Array();

/** The bytes of all tokens in one piece of memory: an array for each would take longer to make than all the rest. */
export interface TokenBytes {
  /** V: ids are below it. */
  readonly size: number;
  /** Not to be changed; none for special tokens and for ids that there are not. */
  of(id: number): Uint8Array;
}

/** `lengths` by id; `write` puts a token's bytes, those that have any, into `bytes` at `at`. */
export function packTokens(
  lengths: ArrayLike<number>,
  write: (id: number, bytes: Uint8Array, at: number) => void,
): TokenBytes {
  const size = lengths.length;
  const starts = new Uint32Array(size + 1);
  for (let id = 0; id < size; id++) starts[id + 1] = (starts[id] as number) + (lengths[id] as number);
  const all = new Uint8Array(starts[size] as number);
  for (let id = 0; id < size; id++) if ((lengths[id] as number) > 0) write(id, all, starts[id] as number);
  return { size, of: (id) => (id >= 0 && id < size ? all.subarray(starts[id], starts[id + 1]) : noBytes) };
}

export function tableTokenizer({
  tokenBytes,
  special,
  named,
  encode,
  encodeStart,
  byteTokens,
}: TokenTable): NamedTokenizer {
  const decodeBytes = (tokens: Iterable<number>) => {
    const parts = [...tokens].map(tokenBytes.of);
    const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    return joined;
  };
  return {
    vocabSize: tokenBytes.size,
    special,
    named,
    encode,
    encodeStart: encodeStart ?? encode,
    encodeBytes(input) {
      if (!byteTokens) return encode(new TextDecoder('utf-8', { ignoreBOM: true }).decode(input));
      const ids: number[] = [];
      for (const stretch of wellFormedStretches(input)) {
        const part = typeof stretch === 'string' ? encode(stretch) : [byteTokens[stretch] as number];
        for (const id of part) ids.push(id);
      }
      return ids;
    },
    bytes: tokenBytes.of,
    decodeBytes,
    decode: (tokens) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(decodeBytes(tokens)),
  };
}

/** A table for ids up to the largest, special tokens (who have no bytes) among them. */
export function tableOf(
  entries: Iterable<readonly [id: number, bytes: Uint8Array]>,
  named: ReadonlyMap<string, number>,
): TokenBytes {
  const table: Uint8Array[] = [];
  for (const [id, bytes] of entries) table[id] = bytes;
  for (const id of named.values()) table[id] = noBytes;
  const lengths = Uint32Array.from(table, (bytes) => bytes?.length ?? 0);
  return packTokens(lengths, (id, bytes, at) => bytes.set(table[id] as Uint8Array, at));
}

/** The id of each byte that is a token of its own. */
export function byteTokensOf(tokenBytes: TokenBytes): number[] {
  const tokens: number[] = [];
  for (let id = 0; id < tokenBytes.size; id++) {
    const bytes = tokenBytes.of(id);
    if (bytes.length === 1) tokens[bytes[0] as number] ??= id;
  }
  return tokens;
}
