/**
 * The tokenizer of a model folder, whichever files it comes in: tokenizer.json, a SentencePiece model, ranks as tiktoken
 * has them, GPT-2's vocabulary and merges, or BERT's vocabulary.
 */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { byteLevelBpe } from './byte-level-bpe.ts';
import { parseGpt2, parseTiktoken, rankedBpeTokenizer } from './ranked-bpe.ts';
import { type SentencePieceLayout, sentencePieceTokenizer } from './sentencepiece.ts';
import { parseSentencePiece, type SentencePieceModel } from './sentencepiece-model.ts';
import { chatglm2Ids, chatglm6bIds, chineseIds, glm4Ids, glm130bIds, gpt2Ids, wordPieceIds } from './special-ids.ts';
import type { NamedTokenizer } from './tokenizer.ts';
import { parseTokenizerJson } from './tokenizer-json.ts';
import { parseWordPieces, wordPieceTokenizer } from './word-piece.ts';

export interface FolderTokenizer {
  tokenizer: NamedTokenizer;
  path: string;
  /** Of the file's bytes, hexadecimal. */
  sha256: string;
}

/** What the tokenizer's files leave open: they do not say whose they are. */
export interface TokenizerOwner {
  /** Name of a checkpoint family. */
  family: string;
  /** Rows of the model's embedding. */
  vocabSize: number;
}

/** GLM-4's are about 20 MB. */
const LARGEST_FILE = 128 << 20;
/** Files in the order in which they are looked for; GPT-2's merges are read beside its vocabulary. */
const FILES = [
  'tokenizer.json',
  'ice_text.model',
  'tokenizer.model',
  'cog-pretrain.model',
  'vocab.json',
  'vocab.txt',
] as const;
/** All that a model's tokenizer may be read from. */
export const TOKENIZER_FILES: readonly string[] = [...FILES, 'merges.txt', 'tokenizer_config.json'];
/** GLM-4.5 adds 35. */
const MOST_ADDED = 4096;
/** Ids of icetk that stand for images. */
const IMAGE_TOKENS = 20000;

/** Throws an error that names the path when none is there or it is no such file. */
export async function loadTokenizerFolder(folder: string, owner: TokenizerOwner): Promise<FolderTokenizer> {
  for (const file of FILES) {
    const path = join(folder, file);
    const bytes = await readTokenizer(path);
    if (!bytes) continue;
    const tokenizer = await parse(file, bytes, folder, owner);
    return { tokenizer, path, sha256: createHash('sha256').update(bytes).digest('hex') };
  }
  throw new Error(`Cannot read the tokenizer of ${folder}: it has none of ${FILES.join(', ')}. Is the model complete?`);
}

async function parse(
  file: (typeof FILES)[number],
  bytes: Uint8Array<ArrayBuffer>,
  folder: string,
  owner: TokenizerOwner,
): Promise<NamedTokenizer> {
  const path = join(folder, file);
  const text = () => new TextDecoder().decode(bytes);
  switch (file) {
    case 'tokenizer.json': {
      const json = parseTokenizerJson(text(), path);
      try {
        return byteLevelBpe(json);
      } catch (error) {
        throw new Error(`The tokenizer ${path} cannot be used: ${(error as Error).message}`, { cause: error });
      }
    }
    case 'vocab.txt': {
      const pieces = parseWordPieces(text(), path);
      const { special, named } = wordPieceIds(pieces);
      return wordPieceTokenizer(pieces, special, named);
    }
    case 'vocab.json': {
      const vocabulary = objectOf(text(), path);
      const mergesPath = join(folder, 'merges.txt');
      const merges = await readTokenizer(mergesPath);
      if (!merges) throw new Error(`${mergesPath} does not exist, but ${path} needs it. Is the model complete?`);
      const bpe = parseGpt2(vocabulary, new TextDecoder().decode(merges), path);
      const { special, named } = gpt2Ids(new Map(Object.entries(vocabulary) as [string, number][]));
      return rankedBpeTokenizer(bpe, special, named);
    }
    case 'tokenizer.model':
      if (/^[A-Za-z0-9+/]+={0,2} \d+\r?\n/.test(new TextDecoder().decode(bytes.subarray(0, 200)))) {
        const bpe = parseTiktoken(text(), path);
        const { special, named } = glm4Ids(bpe.ids.size, await addedTokens(folder, owner.vocabSize));
        return rankedBpeTokenizer(bpe, special, named);
      }
  }
  const model = parseSentencePiece(bytes, path);
  return sentencePieceTokenizer(model, sentencePieceLayout(model, owner));
}

function sentencePieceLayout(
  { pieces }: SentencePieceModel,
  { family, vocabSize }: TokenizerOwner,
): SentencePieceLayout {
  const offset = vocabSize >= 130000 + IMAGE_TOKENS ? IMAGE_TOKENS : 0;
  switch (family) {
    case 'glm-130b':
      return { offset, spaces: 'symbols', ...glm130bIds() };
    case 'chatglm-6b':
      return { offset, spaces: 'symbols', ...chatglm6bIds(offset) };
    case 'glm-2021':
      return { offset: 0, spaces: 'plain', ...chineseIds(pieces.length) };
    default:
      return { offset: 0, spaces: 'plain', ...chatglm2Ids(pieces.length) };
  }
}

/** Names and ids of `added_tokens_decoder` in tokenizer_config.json, where there is one. */
async function addedTokens(folder: string, vocabSize: number): Promise<Map<string, number>> {
  const path = join(folder, 'tokenizer_config.json');
  const bytes = await readTokenizer(path);
  const decoder = bytes && objectOf(new TextDecoder().decode(bytes), path).added_tokens_decoder;
  const added = new Map<string, number>();
  for (const [key, entry] of Object.entries((decoder as object | undefined) ?? {})) {
    const id = Number(key);
    const content = (entry as { content?: unknown } | null)?.content;
    if (!Number.isSafeInteger(id) || id < 0 || id >= vocabSize || typeof content !== 'string' || content === '')
      throw new Error(
        `${path}: "added_tokens_decoder" must map ids below ${vocabSize} to tokens, not ${JSON.stringify(key)} to ${JSON.stringify(entry)}.`,
      );
    added.set(content, id);
    if (added.size > MOST_ADDED)
      throw new Error(`${path}: more than ${MOST_ADDED} tokens are added, which is too many.`);
  }
  return added;
}

function objectOf(text: string, path: string): Record<string, unknown> {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    throw new Error(`${path} is not JSON: ${(error as Error).message}. The file is damaged: fetch it again.`);
  }
  if (typeof root !== 'object' || root === null || Array.isArray(root))
    throw new Error(`${path} is not a JSON object.`);
  return root as Record<string, unknown>;
}

/** The file's bytes, or undefined where it does not exist. */
async function readTokenizer(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const { size } = await stat(path);
    if (size > LARGEST_FILE) throw new Error(`${path}: ${size} bytes are too many for a tokenizer.`);
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
