/**
 * The `Tokenizer` of byte-level BPE vocabularies in Hugging Face's `tokenizer.json`, on top of `@huggingface/tokenizers`.
 * The library's pieces (splitting pattern, byte level, merges) are used one by one: its own `encode` would turn the
 * characters `[MASK]` of a user's file into the special token. What a piece encodes to is remembered.
 */
import { Tokenizer as HuggingFaceTokenizer, SplitPreTokenizer } from '@huggingface/tokenizers';
import { bytesOfEntry } from './byte-alphabet.ts';
import type { Tokenizer } from './tokenizer.ts';
import { findSpecialTokens, type TokenizerJson } from './tokenizer-json.ts';
import { wellFormedStretches } from './utf8-stretches.ts';

/** Pieces remembered at most: half of them are forgotten when full. A piece and its ids take about 150 bytes. */
const rememberedPieces = 1 << 17;

export interface ByteLevelBpeOptions {
  /** How many pieces' encodings are remembered; more when whole corpora are encoded. */
  rememberedPieces?: number;
}

/** Builds the tokenizer from a checked `tokenizer.json` (see `parseTokenizerJson`). */
export function byteLevelBpe(json: TokenizerJson, options: ByteLevelBpeOptions = {}): Tokenizer {
  const library = new HuggingFaceTokenizer(json, {});
  const pattern = splitPattern(json);
  const special = findSpecialTokens(json);
  const tokenBytes = bytesOfTokens(json);
  const byteTokens = tokensOfBytes(tokenBytes);
  const memory = new PieceMemory(options.rememberedPieces ?? rememberedPieces);

  function encodePiece(piece: string): readonly number[] {
    const entries = library.model?.(library.pre_tokenizer?.([piece]) ?? []) ?? [];
    return entries.map((entry) => library.token_to_id(entry) ?? special.eos);
  }

  function encode(text: string): number[] {
    const ids: number[] = [];
    for (const piece of text.match(pattern) ?? []) {
      let found = memory.get(piece);
      if (found === undefined) {
        found = encodePiece(piece);
        memory.set(piece, found);
      }
      for (const id of found) ids.push(id);
    }
    return ids;
  }

  function decodeBytes(tokens: Iterable<number>): Uint8Array {
    const parts = [...tokens].map(bytes);
    const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    return joined;
  }

  function bytes(token: number): Uint8Array {
    return tokenBytes[token] ?? noBytes;
  }

  return {
    vocabSize: tokenBytes.length,
    special,
    encode,
    encodeBytes(input) {
      const ids: number[] = [];
      for (const stretch of wellFormedStretches(input)) {
        const part = typeof stretch === 'string' ? encode(stretch) : [byteTokens[stretch] ?? special.eos];
        for (const id of part) ids.push(id);
      }
      return ids;
    },
    bytes,
    decodeBytes,
    decode: (tokens) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(decodeBytes(tokens)),
  };
}

const noBytes = new Uint8Array();

/** The library's translation of the file's splitting pattern to JavaScript. */
function splitPattern(json: TokenizerJson): RegExp {
  const split = json.pre_tokenizer.pretokenizers[0];
  const { pattern } = new SplitPreTokenizer({ ...split, behavior: 'Isolated' });
  if (pattern === null) throw new Error('The tokenizer has no pattern to split text by.');
  return pattern;
}

/** Indexed by id; special tokens have no bytes. */
function bytesOfTokens(json: TokenizerJson): Uint8Array[] {
  const size = Math.max(...Object.values(json.model.vocab), ...json.added_tokens.map((token) => token.id)) + 1;
  const table: Uint8Array[] = new Array(size).fill(noBytes);
  for (const [entry, id] of Object.entries(json.model.vocab)) table[id] = bytesOfEntry(entry) ?? noBytes;
  for (const { id } of json.added_tokens) table[id] = noBytes;
  return table;
}

function tokensOfBytes(tokenBytes: readonly Uint8Array[]): number[] {
  const tokens: number[] = [];
  for (const [id, [byte, ...more]] of tokenBytes.entries()) {
    if (byte !== undefined && more.length === 0) tokens[byte] = id;
  }
  return tokens;
}

/** Two generations of a map: when the younger is full the older is forgotten, and what is asked for moves up. */
class PieceMemory {
  readonly #capacity: number;
  #younger = new Map<string, readonly number[]>();
  #older = new Map<string, readonly number[]>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(piece: string): readonly number[] | undefined {
    const found = this.#younger.get(piece);
    if (found !== undefined) return found;
    const earlier = this.#older.get(piece);
    if (earlier !== undefined) this.set(piece, earlier);
    return earlier;
  }

  set(piece: string, ids: readonly number[]): void {
    if (this.#younger.size >= this.#capacity / 2) {
      this.#older = this.#younger;
      this.#younger = new Map();
    }
    this.#younger.set(piece, ids);
  }
}
