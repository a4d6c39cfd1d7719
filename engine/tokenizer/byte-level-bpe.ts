/**
 * The `Tokenizer` of byte-level BPE vocabularies in Hugging Face's `tokenizer.json`, on top of `@huggingface/tokenizers`.
 * The library's pieces (splitting pattern, byte level, merges) are used one by one: its own `encode` would turn the
 * characters `[MASK]` of a user's file into the special token. What a piece encodes to is remembered.
 */
import { Tokenizer as HuggingFaceTokenizer, SplitPreTokenizer } from '@huggingface/tokenizers';
import { bytesOfEntry } from './byte-alphabet.ts';
import { PieceMemory } from './piece-memory.ts';
import type { NamedTokenizer } from './tokenizer.ts';
import { findSpecialTokens, type TokenizerJson } from './tokenizer-json.ts';
import { byteTokensOf, noBytes, tableOf, tableTokenizer } from './vocabulary.ts';

/** Pieces remembered at most: half of them are forgotten when full. A piece and its ids take about 150 bytes. */
const rememberedPieces = 1 << 17;

export interface ByteLevelBpeOptions {
  /** How many pieces' encodings are remembered; more when whole corpora are encoded. */
  rememberedPieces?: number;
}

/** Builds the tokenizer from a checked `tokenizer.json` (see `parseTokenizerJson`). */
export function byteLevelBpe(json: TokenizerJson, options: ByteLevelBpeOptions = {}): NamedTokenizer {
  const library = new HuggingFaceTokenizer(json, {});
  const pattern = splitPattern(json);
  const special = findSpecialTokens(json);
  const named = new Map(json.added_tokens.map(({ content, id }) => [content, id] as const));
  const entries = Object.entries(json.model.vocab).map(([entry, id]) => [id, bytesOfEntry(entry) ?? noBytes] as const);
  const tokenBytes = tableOf(entries, named);
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

  return tableTokenizer({ tokenBytes, special, named, encode, byteTokens: byteTokensOf(tokenBytes) });
}

/** The library's translation of the file's splitting pattern to JavaScript. */
function splitPattern(json: TokenizerJson): RegExp {
  const split = json.pre_tokenizer.pretokenizers[0];
  const { pattern } = new SplitPreTokenizer({ ...split, behavior: 'Isolated' });
  if (pattern === null) throw new Error('The tokenizer has no pattern to split text by.');
  return pattern;
}
