/** Reads one split of a packed corpus. Its tokens are held in memory once, two bytes each; documents are views of them. */
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CorpusManifest } from './manifest.ts';
import type { CorpusSplit } from './package-list.ts';

export interface PackedDocument {
  tokens: Uint16Array;
  path: string;
  language: string;
  package: string;
}

export interface PackedCorpus {
  /** Number of documents. */
  readonly documents: number;
  /** Number of tokens of all documents. */
  readonly tokens: number;
  /** Throws a RangeError outside 0 … documents - 1. The tokens are a view: do not write to them. */
  document(index: number): PackedDocument;
  /** The document that holds the token at `position`, 0 … tokens - 1: documents in proportion to their length. */
  documentAt(position: number): number;
  /** All documents of the same package, `index` included. */
  samePackage(index: number): readonly number[];
}

interface DocumentLine {
  package: string;
  path: string;
  language: string;
  start: number;
  length: number;
}

/**
 * Opens `split` of the corpus in `directory`. Throws an error that says what to do when the corpus is absent, damaged,
 * or written with another tokenizer than the one whose file has `tokenizerSha256`.
 */
export async function openPackedCorpus(
  directory: string,
  split: CorpusSplit,
  tokenizerSha256?: string,
): Promise<PackedCorpus> {
  const manifest = await requireManifest(directory);
  if (tokenizerSha256 !== undefined && manifest.tokenizer.sha256 !== tokenizerSha256) {
    throw new Error(
      `The corpus in ${directory} was packed with another tokenizer (sha256 ${manifest.tokenizer.sha256.slice(0, 12)}…, ` +
        `expected ${tokenizerSha256.slice(0, 12)}…). Run "cloze corpus pack" to write it anew.`,
    );
  }
  const { documents: documentCount, tokens: tokenCount } = manifest.splits[split];
  const lines = await readDocumentLines(join(directory, `${split}.docs.jsonl`), documentCount, tokenCount);
  const tokens = await readTokens(join(directory, `${split}.tokens`), tokenCount, manifest.tokenizer.vocabulary);
  const starts = Float64Array.from(lines, (line) => line.start);
  const packages = new Map<string, number[]>();
  for (const [index, line] of lines.entries()) {
    const members = packages.get(line.package);
    if (members === undefined) packages.set(line.package, [index]);
    else members.push(index);
  }
  const lineAt = (index: number): DocumentLine => {
    const line = lines[index];
    if (line === undefined) throw new RangeError(`There is no document ${index}; the split has ${lines.length}.`);
    return line;
  };
  return {
    documents: lines.length,
    tokens: tokenCount,
    document(index) {
      const { package: name, path, language, start, length } = lineAt(index);
      return { tokens: tokens.subarray(start, start + length), path, language, package: name };
    },
    documentAt(position) {
      if (!(position >= 0 && position < tokenCount)) {
        throw new RangeError(`There is no token ${position}; the split has ${tokenCount}.`);
      }
      return lastAtOrBelow(starts, position);
    },
    samePackage: (index) => packages.get(lineAt(index).package) ?? [],
  };
}

/** The last index whose value is at or below `position`; `ascending` begins with 0. */
function lastAtOrBelow(ascending: Float64Array, position: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((ascending[middle] ?? 0) <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The manifest of the corpus in a folder. Throws an error that says what to do when there is none. */
export async function requireManifest(directory: string): Promise<CorpusManifest> {
  const path = join(directory, 'manifest.json');
  let manifest: CorpusManifest;
  try {
    manifest = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'ENOENT' ? 'is not there' : `cannot be read (${(error as Error).message})`;
    throw new Error(`The corpus manifest ${path} ${why}. Run "cloze corpus" to make the corpus.`);
  }
  if (manifest.format !== 'cloze-corpus' || manifest.version !== 1) {
    throw new Error(`${path} is not a corpus manifest of version 1. Run "cloze corpus pack" to write the corpus anew.`);
  }
  return manifest;
}

async function readDocumentLines(path: string, documents: number, tokens: number): Promise<DocumentLine[]> {
  let lines: DocumentLine[];
  try {
    const text = await readFile(path, 'utf8');
    lines = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
  } catch (error) {
    throw damaged(path, (error as Error).message);
  }
  let end = 0;
  for (const line of lines) {
    if (line.start !== end || !Number.isInteger(line.length) || line.length < 0) {
      throw damaged(path, `${line.path} does not begin at token ${end}`);
    }
    end += line.length;
  }
  if (lines.length !== documents || end !== tokens) {
    throw damaged(path, `it has ${lines.length} documents of ${end} tokens, not ${documents} of ${tokens}`);
  }
  return lines;
}

async function readTokens(path: string, count: number, vocabulary: number): Promise<Uint16Array> {
  const size = await stat(path).then(
    (found) => found.size,
    (error) => Promise.reject(damaged(path, error.message)),
  );
  if (size !== 2 * count) throw damaged(path, `it has ${size} bytes, not ${2 * count}`);
  const tokens = new Uint16Array(count);
  const bytes = Buffer.from(tokens.buffer);
  const file = await open(path, 'r');
  try {
    for (let at = 0; at < size; ) {
      const { bytesRead } = await file.read(bytes, at, Math.min(size - at, 1 << 26), at);
      if (bytesRead === 0) throw damaged(path, `it ends at byte ${at} of ${size}`);
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] === 0) bytes.swap16();
  const foreign = tokens.findIndex((token) => token >= vocabulary);
  if (foreign >= 0) throw damaged(path, `token ${foreign} is ${tokens[foreign]}, the tokenizer has ${vocabulary}`);
  return tokens;
}

function damaged(path: string, why: string): Error {
  return new Error(`The corpus file ${path} is damaged or missing: ${why}. Run "cloze corpus pack" to write it anew.`);
}
