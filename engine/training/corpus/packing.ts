/**
 * Writes the packed corpus: `train.tokens` and `heldout.tokens` (16-bit little-endian ids, documents end to end without
 * separators), `*.docs.jsonl` (where each document lies), and last `manifest.json`. Every file is written aside and
 * renamed; a run that finds a manifest of the same fingerprint has nothing to do.
 */
import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { writeAtomically, writeFileAtomically } from '../../checkpoint/atomic-write.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { DocumentReader } from './document-reader.ts';
import type { ExtractedPackage } from './extraction.ts';
import { addDropped, type CorpusManifest, emptySplit, type ManifestPackage, type MissingPackage } from './manifest.ts';
import { copiesByPackage } from './near-copies.ts';
import type { CorpusSplit } from './package-list.ts';
import type { SelectedDocument, Selection } from './selection.ts';

export interface PackingInput {
  directory: string;
  packages: readonly ExtractedPackage[];
  missing: readonly MissingPackage[];
  selection: Selection;
  tokenizer: Tokenizer;
  tokenizerSha256: string;
  /** Of the order of the documents. */
  seed: number;
  progress: (line: string) => void;
  signal: AbortSignal;
}

/** Tokens gathered before they are written: 2 MB. */
const bufferTokens = 1 << 20;

export async function packCorpus(input: PackingInput): Promise<CorpusManifest> {
  const { directory, selection, tokenizer, tokenizerSha256, seed } = input;
  if (tokenizer.vocabSize > 65536) {
    throw new Error(`Packed corpora hold 16-bit ids, but the tokenizer has ${tokenizer.vocabSize} tokens.`);
  }
  const fingerprint = fingerprintOf(input);
  const manifestFile = join(directory, 'manifest.json');
  const earlier = await readManifest(manifestFile);
  if (earlier?.fingerprint === fingerprint) {
    input.progress('The packed corpus is up to date.');
    return earlier;
  }
  const manifest: CorpusManifest = {
    format: 'cloze-corpus',
    version: 1,
    tokenizer: { sha256: tokenizerSha256, vocabulary: tokenizer.vocabSize },
    fingerprint,
    seed,
    splits: { train: emptySplit(), heldout: emptySplit() },
    packages: input.packages.map((extracted) => manifestPackage(extracted, selection)),
    nearCopies: copiesByPackage(selection.nearCopies),
    missing: input.missing.map(({ package: { source, name, version }, reason }) => ({ source, name, version, reason })),
  };
  // Files of two runs must never be taken for one corpus: without its manifest a half-written one is not opened.
  await rm(manifestFile, { force: true });
  for (const split of ['heldout', 'train'] as const) {
    const documents = shuffled(
      selection.documents.filter((document) => document.split === split),
      seed,
    );
    await packSplit(input, split, documents, manifest);
  }
  await writeFileAtomically(manifestFile, `${JSON.stringify(manifest, undefined, 2)}\n`);
  return manifest;
}

async function packSplit(
  { directory, tokenizer, progress, signal }: PackingInput,
  split: CorpusSplit,
  documents: readonly SelectedDocument[],
  manifest: CorpusManifest,
): Promise<void> {
  const reader = new DocumentReader();
  const packages = new Map(manifest.packages.map((entry) => [entry.name, entry]));
  const totals = manifest.splits[split];
  const lines: string[] = [];
  try {
    await writeAtomically(join(directory, `${split}.tokens`), async (file) => {
      let buffer = new Uint16Array(bufferTokens);
      let used = 0;
      const flush = async (): Promise<void> => {
        await file.writeFile(littleEndian(buffer.subarray(0, used)));
        used = 0;
        signal.throwIfAborted();
      };
      for (const [index, document] of documents.entries()) {
        const ids = tokenizer.encode(reader.text(document));
        const { package: name, path, language } = document;
        lines.push(JSON.stringify({ package: name, path, language, start: totals.tokens, length: ids.length }));
        const amount = { documents: 1, bytes: document.length, tokens: ids.length };
        totals.languages[language] ??= { documents: 0, bytes: 0, tokens: 0 };
        for (const sum of [totals, totals.languages[language], packages.get(name)]) {
          if (sum === undefined) continue;
          sum.documents += amount.documents;
          sum.bytes += amount.bytes;
          sum.tokens += amount.tokens;
        }
        if (used + ids.length > buffer.length) await flush();
        if (ids.length > buffer.length) buffer = new Uint16Array(ids.length);
        buffer.set(ids, used);
        used += ids.length;
        if (index % 2000 === 1999) {
          progress(
            `${split}: ${index + 1} of ${documents.length} documents, ${(totals.tokens / 1e6).toFixed(1)} M tokens`,
          );
          await turn();
          signal.throwIfAborted();
        }
      }
      await flush();
    });
  } finally {
    reader.dispose();
  }
  totals.bytesPerToken = totals.tokens === 0 ? 0 : totals.bytes / totals.tokens;
  await writeFileAtomically(join(directory, `${split}.docs.jsonl`), lines.map((line) => `${line}\n`).join(''));
}

function littleEndian(tokens: Uint16Array): Uint8Array {
  const bytes = Buffer.from(tokens.buffer, tokens.byteOffset, tokens.byteLength);
  const isBigEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0;
  return isBigEndian ? Buffer.from(bytes).swap16() : bytes;
}

/** In the order of a hash of seed, package and path: what is added later does not move the rest about. */
function shuffled(documents: readonly SelectedDocument[], seed: number): SelectedDocument[] {
  const keyed = documents.map((document) => ({
    document,
    key: createHash('sha256').update(`${seed}\0${document.package}\0${document.path}\0${document.hash}`).digest('hex'),
  }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ document }) => document);
}

function fingerprintOf({ selection, tokenizerSha256, seed }: PackingInput): string {
  const hash = createHash('sha256').update(`1\0${tokenizerSha256}\0${seed}`);
  for (const { split, package: name, path, hash: content } of selection.documents) {
    hash.update(`\0${split}\0${name}\0${path}\0${content}`);
  }
  return hash.digest('hex');
}

function manifestPackage({ listed, summary }: ExtractedPackage, selection: Selection): ManifestPackage {
  const languages: Record<string, number> = {};
  for (const document of selection.documents) {
    if (document.package === listed.name)
      languages[document.language] = (languages[document.language] ?? 0) + document.length;
  }
  const { source, name, version, split } = listed;
  return {
    source,
    name,
    version,
    split,
    licence: summary.licence ?? null,
    permissive: summary.permissive,
    documents: 0,
    bytes: 0,
    tokens: 0,
    languages,
    dropped: addDropped(summary.dropped, selection.dropped.get(name) ?? {}),
  };
}

/** The manifest at `path`; undefined when there is none or it is of another format. */
export async function readManifest(path: string): Promise<CorpusManifest | undefined> {
  try {
    const manifest: CorpusManifest = JSON.parse(await readFile(path, 'utf8'));
    return manifest.format === 'cloze-corpus' && manifest.version === 1 ? manifest : undefined;
  } catch {
    return undefined;
  }
}
