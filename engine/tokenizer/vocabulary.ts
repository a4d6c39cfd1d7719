/** What all tokenizers with a table of bytes for each token share: everything but the encoding of text. */
import type { NamedTokenizer, SpecialTokens } from './tokenizer.ts';
import { wellFormedStretches } from './utf8-stretches.ts';

export interface TokenTable {
  /** Bytes by id; empty for special tokens. */
  tokenBytes: readonly Uint8Array[];
  special: SpecialTokens;
  named: ReadonlyMap<string, number>;
  encode(text: string): number[];
  /** Text that begins a document; as `encode` when left out. */
  encodeStart?(text: string): number[];
  /** Ids of single bytes, where all 256 have one. */
  byteTokens?: readonly number[];
}

export const noBytes = new Uint8Array();

export function tableTokenizer({
  tokenBytes,
  special,
  named,
  encode,
  encodeStart,
  byteTokens,
}: TokenTable): NamedTokenizer {
  const decodeBytes = (tokens: Iterable<number>) => {
    const parts = [...tokens].map((token) => tokenBytes[token] ?? noBytes);
    const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    return joined;
  };
  return {
    vocabSize: tokenBytes.length,
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
    bytes: (token) => tokenBytes[token] ?? noBytes,
    decodeBytes,
    decode: (tokens) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(decodeBytes(tokens)),
  };
}

/** A table for ids up to the largest, special tokens (who have no bytes) among them. */
export function tableOf(
  entries: Iterable<readonly [id: number, bytes: Uint8Array]>,
  named: ReadonlyMap<string, number>,
): Uint8Array[] {
  const table: Uint8Array[] = [];
  for (const [id, bytes] of entries) table[id] = bytes;
  for (const id of named.values()) table[id] = noBytes;
  return Array.from(table, (bytes) => bytes ?? noBytes);
}

/** The id of each byte that is a token of its own. */
export function byteTokensOf(tokenBytes: readonly Uint8Array[]): number[] {
  const tokens: number[] = [];
  for (const [id, [byte, ...more]] of tokenBytes.entries()) {
    if (byte !== undefined && more.length === 0) tokens[byte] ??= id;
  }
  return tokens;
}
