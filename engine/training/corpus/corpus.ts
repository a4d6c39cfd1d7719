/** The whole way from the list of packages to packed tokens; `cloze corpus` is its command line. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { ordinaryTokens } from '../../tokenizer/layout.ts';
import { tokenizerJson } from '../../tokenizer/tokenizer-file.ts';
import { learnMerges } from '../../tokenizer/train-bpe.ts';
import { type ExtractedPackage, extractPackage } from './extraction.ts';
import { archivePath, type FetchReport, fetchPackages } from './fetch.ts';
import type { MissingPackage } from './manifest.ts';
import { findNearCopies } from './near-copies.ts';
import type { ListedPackage } from './package-list.ts';
import { countPieces } from './piece-counts.ts';
import { type Selection, selectDocuments } from './selection.ts';

/** Where things lie under the data directory. */
export function corpusPlaces(dataDirectory: string): { cache: string; corpus: string; packages: string } {
  const corpus = join(dataDirectory, 'corpus');
  return { cache: join(dataDirectory, 'cache'), corpus, packages: join(corpus, 'packages') };
}

/** With more than this share of the list missing, the corpus would be another one: an error. */
const mostMissingShare = 0.1;

export async function fetchCorpus(
  list: readonly ListedPackage[],
  dataDirectory: string,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<FetchReport> {
  const report = await fetchPackages(list, corpusPlaces(dataDirectory).cache, progress, signal);
  progress(`${report.fetched} packages fetched, ${report.cached} were there, ${report.missing.length} missing.`);
  for (const { package: listed, reason } of report.missing)
    progress(`missing: ${listed.name} ${listed.version}: ${reason}`);
  if (report.missing.length > mostMissingShare * list.length) {
    throw new Error(
      `${report.missing.length} of ${list.length} packages could not be fetched (${report.missing[0]?.reason}). ` +
        'What was fetched is kept: run "cloze corpus fetch" again later.',
    );
  }
  return report;
}

export interface CorpusSources {
  packages: ExtractedPackage[];
  missing: MissingPackage[];
  selection: Selection;
}

/** Takes every fetched package of the list out of its archive and selects the documents. */
export async function readSources(
  list: readonly ListedPackage[],
  dataDirectory: string,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<CorpusSources> {
  const places = corpusPlaces(dataDirectory);
  await mkdir(places.packages, { recursive: true });
  const packages: ExtractedPackage[] = [];
  const missing: MissingPackage[] = [];
  for (const [index, listed] of list.entries()) {
    signal.throwIfAborted();
    if (!existsSync(archivePath(places.cache, listed))) {
      missing.push({ package: listed, reason: 'not fetched' });
      continue;
    }
    const extracted = await extractPackage(listed, places.cache, places.packages);
    packages.push(extracted);
    if (!extracted.summary.permissive) {
      progress(`${listed.name}: left out, its licence is ${extracted.summary.licence ?? 'not stated in a known form'}`);
    } else if (index % 10 === 9) {
      progress(`[${index + 1}/${list.length}] ${listed.name}: ${extracted.documents.length} files kept`);
    }
    await turn();
  }
  if (packages.length === 0) {
    throw new Error(`No package of the list has been fetched to ${places.cache}. Run "cloze corpus fetch" first.`);
  }
  const nearCopies = await findNearCopies(packages, progress, signal);
  return { packages, missing, selection: selectDocuments(packages, nearCopies) };
}

/** Bytes of training text from which merges are learnt. */
const sampleBytes = 220e6;

/** The text of a `tokenizer.json` learnt from the training split. Takes about a minute and 2 GB of memory. */
export function trainTokenizer(selection: Selection, progress: (line: string) => void): string {
  const counts = countPieces(selection.documents, sampleBytes, (bytes) =>
    progress(`counting pieces: ${(bytes / 1e6).toFixed(0)} MB`),
  );
  const merges = learnMerges(counts, ordinaryTokens - 256, (done) => {
    if (done % 4000 === 0) progress(`learnt ${done} merges`);
  });
  return `${JSON.stringify(tokenizerJson(merges))}\n`;
}
