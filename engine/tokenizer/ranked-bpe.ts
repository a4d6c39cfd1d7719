/**
 * Byte pair encoding from files other than `tokenizer.json`: tiktoken's ranks (GLM-4) and GPT-2's vocabulary with merges
 * (GLM 2021). Bytes are written as Latin-1 characters inside. Facts: tiktoken/core.py, encoder.py of GPT-2.
 */
import { bytesOfEntry } from './byte-alphabet.ts';
import { mergePairs } from './pair-merging.ts';
import { PieceMemory } from './piece-memory.ts';
import type { NamedTokenizer, SpecialTokens } from './tokenizer.ts';
import { byteTokensOf, tableOf, tableTokenizer } from './vocabulary.ts';

/** Longer pieces are rare and not worth remembering. */
const LONGEST_REMEMBERED = 64;
const REMEMBERED = 1 << 16;

/** Rust's and Oniguruma's `\s`, which JavaScript's differs from by two characters. */
const S = '\\p{White_Space}';

/** How GLM-4 splits text (tokenization_chatglm.py); the endings of English words in either case, `ſ` folding to `s`. */
export const GLM4_PATTERN = new RegExp(
  `'(?:[sSſ]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^${S}\\p{L}\\p{N}]+[\\r\\n]*|${S}*[\\r\\n]+|${S}+(?!\\P{White_Space})|${S}+`,
  'gu',
);

export const GPT2_PATTERN = new RegExp(
  `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^${S}\\p{L}\\p{N}]+|${S}+(?!\\P{White_Space})|${S}+`,
  'gu',
);

export interface RankedBpe {
  /** Ids by bytes. */
  ids: ReadonlyMap<string, number>;
  rankOf(left: string, right: string): number | undefined;
  pattern: RegExp;
  /** A piece that is a token is that token, whether merges lead to it or not. */
  takesWholePieces: boolean;
}

export function rankedBpeTokenizer(
  { ids, rankOf, pattern, takesWholePieces }: RankedBpe,
  special: SpecialTokens,
  named: ReadonlyMap<string, number>,
): NamedTokenizer {
  const memory = new PieceMemory(REMEMBERED);
  const encodePiece = (piece: string): readonly number[] => {
    const bytes = Buffer.from(piece).toString('latin1');
    const whole = takesWholePieces ? ids.get(bytes) : undefined;
    if (whole !== undefined) return [whole];
    return mergePairs([...bytes], rankOf).map((token) => ids.get(token) as number);
  };
  const tokenBytes = tableOf(
    [...ids].map(([bytes, id]) => [id, Buffer.from(bytes, 'latin1')] as const),
    named,
  );
  return tableTokenizer({
    tokenBytes,
    special,
    named,
    byteTokens: byteTokensOf(tokenBytes),
    encode(text) {
      const tokens: number[] = [];
      for (const piece of text.match(pattern) ?? []) {
        let found = memory.get(piece);
        if (found === undefined) {
          found = encodePiece(piece);
          if (piece.length <= LONGEST_REMEMBERED) memory.set(piece, found);
        }
        for (const id of found) tokens.push(id);
      }
      return tokens;
    },
  });
}

/** A file of lines, each a token in base64 and its rank, which is its id. `name` stands for it in errors. */
export function parseTiktoken(text: string, name: string): RankedBpe {
  const ids = new Map<string, number>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const [, base64, rank] = /^([A-Za-z0-9+/]+={0,2}) (\d{1,8})\r?$/.exec(line) ?? [];
    if (base64 === undefined)
      throw new Error(
        `The tokenizer ${name}, line ${index + 1}, is no token in base64 with its rank: ${JSON.stringify(line.slice(0, 60))}.`,
      );
    ids.set(Buffer.from(base64, 'base64').toString('latin1'), Number(rank));
  }
  checkIds(ids, name);
  return { ids, rankOf: (left, right) => ids.get(left + right), pattern: GLM4_PATTERN, takesWholePieces: true };
}

/** GPT-2's `vocab.json` (as parsed) and `merges.txt`. Entries of other characters are special tokens, left out here. */
export function parseGpt2(vocabulary: Readonly<Record<string, unknown>>, merges: string, name: string): RankedBpe {
  const ids = new Map<string, number>();
  for (const [entry, id] of Object.entries(vocabulary)) {
    if (!Number.isSafeInteger(id) || (id as number) < 0 || (id as number) > MOST_TOKENS)
      throw new Error(`The tokenizer ${name} gives ${JSON.stringify(entry)} the id ${JSON.stringify(id)}.`);
    const bytes = /^<.*>$/.test(entry) && entry.length > 2 ? undefined : bytesOfEntry(entry);
    if (bytes !== undefined && bytes.length > 0) ids.set(Buffer.from(bytes).toString('latin1'), id as number);
  }
  checkBytes(ids, name);
  const ranks = new Map<string, number>();
  for (const line of merges.split('\n')) {
    if (line.startsWith('#version') || line.trim() === '') continue;
    const pair = line.trimEnd().split(' ').map(bytesOfEntry);
    const [left, right] = pair.map((bytes) => bytes && Buffer.from(bytes).toString('latin1'));
    if (pair.length !== 2 || !left || !right || !ids.has(left + right))
      throw new Error(
        `The merges of ${name} hold ${JSON.stringify(line.slice(0, 60))}, which is no pair of its tokens.`,
      );
    // Two entries cannot be mistaken for others: the length of the left one is part of the key.
    ranks.set(`${left.length} ${left}${right}`, ranks.size);
  }
  const rankOf = (left: string, right: string) => ranks.get(`${left.length} ${left}${right}`);
  return { ids, rankOf, pattern: GPT2_PATTERN, takesWholePieces: false };
}

/** As many as a model may have rows of its embedding. */
const MOST_TOKENS = 2 ** 20;

function checkIds(ids: ReadonlyMap<string, number>, name: string): void {
  const seen = new Set(ids.values());
  const largest = [...seen].reduce((most, id) => Math.max(most, id), -1);
  if (seen.size !== ids.size || largest !== seen.size - 1)
    throw new Error(
      `The tokenizer ${name} has ${ids.size} tokens with ${seen.size} ranks up to ${largest}; each must have its own, from 0 on.`,
    );
  checkBytes(ids, name);
}

/** GLM-4's longest token has 128 bytes. */
const LONGEST_TOKEN = 1024;

function checkBytes(ids: ReadonlyMap<string, number>, name: string): void {
  for (const token of ids.keys()) {
    if (token.length > LONGEST_TOKEN)
      throw new Error(`The tokenizer ${name} has a token of ${token.length} bytes, which is too long.`);
  }
  const bytes = [...ids.keys()].filter((token) => token.length === 1).length;
  if (bytes !== 256) throw new Error(`The tokenizer ${name} has a token for only ${bytes} of the 256 bytes.`);
}
