/**
 * Token healing: text that must come first is matched in bytes, not tokens, so that `retu` may become the one token
 * `return`. Only the end of the forced text is healed; what no token can reach beyond is fed as ordinary tokens.
 */
import { endTokens, type Tokenizer } from '../tokenizer/tokenizer.ts';

/** A tokenizer's text tokens ordered by their bytes; special tokens have none and are not in it. */
export interface Vocabulary {
  /** Tokens that may be drawn in a span: all with bytes, and those that end it. */
  readonly drawable: Int32Array;
  /** Whether some token begins with these bytes (or is them). */
  reaches(bytes: Uint8Array): boolean;
  /** Tokens that agree with `forced`: those that are a prefix of it, and those of which it is a prefix. */
  agreeing(forced: Uint8Array): Int32Array;
}

const built = new WeakMap<Tokenizer, Vocabulary>();

/** Built once for a tokenizer. */
export function vocabularyOf(tokenizer: Tokenizer): Vocabulary {
  let vocabulary = built.get(tokenizer);
  if (!vocabulary) {
    vocabulary = buildVocabulary(tokenizer);
    built.set(tokenizer, vocabulary);
  }
  return vocabulary;
}

function buildVocabulary(tokenizer: Tokenizer): Vocabulary {
  const text: number[] = [];
  for (let token = 0; token < tokenizer.vocabSize; token++) if (tokenizer.bytes(token).length > 0) text.push(token);
  // Most blanks are asked for before anything was typed into them.
  let built: Index | undefined;
  const index = () => {
    built ??= sortedIndex(tokenizer, text);
    return built;
  };
  return {
    drawable: Int32Array.from([...text, ...endTokens(tokenizer.special), ...(tokenizer.special.thoughts ?? [])]),
    reaches(bytes) {
      const { keys, longest } = index();
      if (bytes.length > longest) return false;
      const key = latin1(bytes);
      return keys[firstNotBelow(keys, key)]?.startsWith(key) ?? false;
    },
    agreeing(forced) {
      const { keys, tokens, longest } = index();
      const key = latin1(forced.subarray(0, longest + 1));
      const found: number[] = [];
      for (let length = 1; length < key.length; length++) {
        const prefix = key.slice(0, length);
        for (let i = firstNotBelow(keys, prefix); keys[i] === prefix; i++) found.push(tokens[i] as number);
      }
      for (let i = firstNotBelow(keys, key); keys[i]?.startsWith(key); i++) found.push(tokens[i] as number);
      return Int32Array.from(found);
    },
  };
}

/** Tokens by their bytes: Latin-1 strings compare by byte, which is what a search needs. */
interface Index {
  keys: readonly string[];
  tokens: readonly number[];
  /** Bytes of the longest token. */
  longest: number;
}

/** Bytes by which tokens are sorted as numbers before those that share them are compared. */
const LEADING = 4;

function sortedIndex(tokenizer: Tokenizer, text: readonly number[]): Index {
  const keyOf = new Map<number, string>();
  let longest = 0;
  const leading = Float64Array.from(text, (token) => {
    const bytes = tokenizer.bytes(token);
    keyOf.set(token, latin1(bytes));
    longest = Math.max(longest, bytes.length);
    let number = 0;
    for (let i = 0; i < LEADING; i++) number = number * 256 + (bytes[i] ?? 0);
    return number * 2 ** 20 + token;
  }).sort();
  const tokens = Array.from(leading, (number) => number % 2 ** 20);
  const key = (token: number) => keyOf.get(token) as string;
  const compare = (one: number, other: number) =>
    key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : one - other;
  for (let from = 0, to = 0; from < tokens.length; from = to) {
    const shared = Math.floor((leading[from] as number) / 2 ** 20);
    while (to < tokens.length && Math.floor((leading[to] as number) / 2 ** 20) === shared) to++;
    if (to - from > 1) tokens.splice(from, to - from, ...tokens.slice(from, to).sort(compare));
  }
  return { keys: tokens.map(key), tokens, longest };
}

function firstNotBelow(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Forced text in two parts: tokens to feed as they are, then bytes to be matched by tokens that the model chooses. */
export interface ForcedText {
  fed: number[];
  healed: Uint8Array;
}

/**
 * Cuts at the first token boundary from which one token of the vocabulary could reach the end of the text or beyond:
 * before it no continuation can change the tokens, after it any may. The last token is always among the healed.
 */
export function splitForced(tokenizer: Tokenizer, text: string): ForcedText {
  const bytes = new TextEncoder().encode(text);
  const tokens = tokenizer.encode(text);
  const vocabulary = vocabularyOf(tokenizer);
  // A tokenizer that adds or changes characters cannot be fed a part of its tokens; then every byte is matched.
  if (!sameBytes(tokenizer.decodeBytes(tokens), bytes)) return { fed: [], healed: bytes };
  let offset = 0;
  for (const [index, token] of tokens.entries()) {
    if (vocabulary.reaches(bytes.subarray(offset)))
      return { fed: tokens.slice(0, index), healed: bytes.subarray(offset) };
    offset += tokenizer.bytes(token).length;
  }
  return { fed: tokens, healed: new Uint8Array() };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.from(one.buffer, one.byteOffset, one.byteLength).equals(other);
}
