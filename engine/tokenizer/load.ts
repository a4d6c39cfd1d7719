/** A `tokenizer.json` from disk, ready to use, with the hash by which a model knows its own tokenizer. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type ByteLevelBpeOptions, byteLevelBpe } from './byte-level-bpe.ts';
import type { Tokenizer } from './tokenizer.ts';
import { parseTokenizerJson } from './tokenizer-json.ts';

export interface LoadedTokenizer {
  tokenizer: Tokenizer;
  /** Of the file's bytes, hexadecimal. */
  sha256: string;
}

/** Throws an error that names the path when it is missing or not such a file. */
export async function loadTokenizer(path: string, options?: ByteLevelBpeOptions): Promise<LoadedTokenizer> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new Error(`Cannot read the tokenizer ${path}: ${(error as Error).message}. Is the model complete?`);
  }
  return {
    tokenizer: byteLevelBpe(parseTokenizerJson(bytes.toString('utf8'), path), options),
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}
