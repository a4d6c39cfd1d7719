/**
 * The `Tokenizer` of byte-level BPE vocabularies in Hugging Face's `tokenizer.json`. How the file splits text is translated by
 * `@huggingface/tokenizers`; that library's own tokenizer takes long to set up, and its `encode` would turn the characters
 * `[MASK]` of a user's file into the special token. What a piece encodes to is remembered.
 */
import { SplitPreTokenizer } from '@huggingface/tokenizers';
import { byteToChar, entryOfBytes, writeEntry } from './byte-alphabet.ts';
import { mergePairs } from './pair-merging.ts';
import { PieceMemory } from './piece-memory.ts';
import type { NamedTokenizer } from './tokenizer.ts';
import { type CheckedTokenizer, findSpecialTokens, type TokenizerJson } from './tokenizer-json.ts';
import { packTokens, type TokenBytes, tableTokenizer } from './vocabulary.ts';

/** Pieces remembered at most: half of them are forgotten when full. A piece and its ids take about 150 bytes. */
const rememberedPieces = 1 << 17;

export interface ByteLevelBpeOptions {
  /** How many pieces' encodings are remembered; more when whole corpora are encoded. */
  rememberedPieces?: number;
}

/** Builds the tokenizer from a checked `tokenizer.json` (see `parseTokenizerJson`). */
export function byteLevelBpe(json: CheckedTokenizer, options: ByteLevelBpeOptions = {}): NamedTokenizer {
  const pattern = splitPattern(json);
  const special = findSpecialTokens(json);
  const named = new Map(json.added_tokens.map(({ content, id }) => [content, id] as const));
  const { ids } = json;
  const tokenBytes = bytesOf(json);
  const rankOf = ranksOf(json.model.merges, ids);
  const byteTokens = byteToChar.map((entry) => ids.get(entry) as number);
  const memory = new PieceMemory(options.rememberedPieces ?? rememberedPieces);

  function encodePiece(piece: string): readonly number[] {
    const entry = entryOfBytes(Buffer.from(piece));
    const whole = json.model.ignore_merges ? ids.get(entry) : undefined;
    if (whole !== undefined) return [whole];
    return mergePairs([...entry], rankOf).map((symbol) => ids.get(symbol) as number);
  }

  function encode(text: string): number[] {
    const found: number[] = [];
    for (const piece of text.match(pattern) ?? []) {
      let tokens = memory.get(piece);
      if (tokens === undefined) {
        tokens = encodePiece(piece);
        memory.set(piece, tokens);
      }
      for (const id of tokens) found.push(id);
    }
    return found;
  }

  return tableTokenizer({ tokenBytes, special, named, encode, byteTokens });
}

/** What a special token is written as stays text. */
function bytesOf({ ids, added_tokens: added }: CheckedTokenizer): TokenBytes {
  const entries: string[] = new Array(ids.size).fill('');
  for (const { id } of added) entries[id] = '';
  for (const [entry, id] of ids) entries[id] = entry;
  const lengths = Uint32Array.from(entries, ({ length }) => length);
  return packTokens(lengths, (id, bytes, at) => writeEntry(entries[id] as string, bytes, at));
}

/** When a pair of entries is merged: as early as the file names it. A pair that makes no token is never merged. */
function ranksOf(merges: readonly unknown[], ids: ReadonlyMap<string, number>) {
  // Pairs of ids below 2^20 are numbers that are told apart exactly.
  const pairOf = (left: string, right: string) =>
    (ids.get(left) ?? Number.NaN) * 2 ** 20 + (ids.get(right) ?? Number.NaN);
  const ranks = new Map<number, number>();
  // A plain loop: this runs once, before anything is compiled, over all that the file has.
  for (let rank = 0; rank < merges.length; rank++) {
    const merge = merges[rank];
    // Older files have both in one text.
    const pair: unknown = typeof merge === 'string' ? merge.split(' ', 2) : merge;
    if (!isPair(pair)) throw new Error(`merge ${rank} is no pair of tokens: ${JSON.stringify(merge)}`);
    ranks.set(pairOf(pair[0], pair[1]), rank);
  }
  return (left: string, right: string): number | undefined => {
    const pair = pairOf(left, right);
    const rank = Number.isNaN(pair) ? undefined : ranks.get(pair);
    return rank !== undefined && ids.has(left + right) ? rank : undefined;
  };
}

function isPair(value: unknown): value is [string, string] {
  return Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'string';
}

/** The library's translation of the file's splitting pattern to JavaScript. */
function splitPattern(json: TokenizerJson): RegExp {
  const split = json.pre_tokenizer.pretokenizers[0];
  const { pattern } = new SplitPreTokenizer({ ...split, behavior: 'Isolated' });
  if (pattern === null) throw new Error('The tokenizer has no pattern to split text by.');
  return pattern;
}
