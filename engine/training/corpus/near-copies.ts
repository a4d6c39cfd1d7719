/**
 * Documents that are nearly another one: the same file in another release, a fork, a copy with other names. They are
 * looked for over all packages. Of a group the first one stays; text of a held-out package always does, and what is
 * nearly held-out text is not trained on.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { DocumentReader } from './document-reader.ts';
import type { ExtractedDocument, ExtractedPackage } from './extraction.ts';
import type { ManifestCopies } from './manifest.ts';
import { minHash, SimilarTexts } from './min-hash.ts';

/** Of the five-token shingles of both texts, the share that both must have; the threshold of Allamanis, 2019. */
export const nearCopySimilarity = 0.8;

export interface NearCopy {
  package: string;
  /** Whose text it is nearly, with its path. */
  of: { package: string; path: string; heldout: boolean };
  similarity: number;
}

export type NearCopies = ReadonlyMap<ExtractedDocument, NearCopy>;

/** Held-out packages come first, each kind in its order: a text that is in both splits must not be trained on. */
export function heldOutFirst(packages: readonly ExtractedPackage[]): ExtractedPackage[] {
  return [...packages].sort((a, b) => Number(b.listed.split === 'heldout') - Number(a.listed.split === 'heldout'));
}

/** Reads every document of the permissive packages once. Deterministic: depends on their order and texts only. */
export async function findNearCopies(
  packages: readonly ExtractedPackage[],
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<NearCopies> {
  const copies = new Map<ExtractedDocument, NearCopy>();
  const seen = new SimilarTexts<NearCopy['of']>();
  const hashes = new Set<string>();
  const reader = new DocumentReader();
  let read = 0;
  try {
    for (const { listed, summary, documents, textFile } of heldOutFirst(packages)) {
      if (!summary.permissive) continue;
      const heldout = listed.split === 'heldout';
      for (const document of documents) {
        // The selection leaves out what is the same but for white space; it needs no comparing here.
        if (hashes.has(document.hash)) continue;
        hashes.add(document.hash);
        const signature = minHash(reader.bytes({ ...document, textFile }));
        const found = heldout ? undefined : seen.nearest(signature, nearCopySimilarity);
        if (found) copies.set(document, { package: listed.name, of: found.value, similarity: found.similarity });
        else seen.add({ package: listed.name, path: document.path, heldout }, signature);
        if (++read % 4000 === 0) {
          progress(`compared ${read} documents: ${copies.size} are nearly another one`);
          await turn();
          signal.throwIfAborted();
        }
      }
    }
  } finally {
    reader.dispose();
  }
  return copies;
}

/** The copies by pair of packages, most bytes first. */
export function copiesByPackage(copies: NearCopies): ManifestCopies[] {
  const pairs = new Map<string, ManifestCopies>();
  for (const [{ length }, { package: name, of }] of copies) {
    const key = `${name}\0${of.package}`;
    const pair = pairs.get(key) ?? { package: name, of: of.package, heldout: of.heldout, files: 0, bytes: 0 };
    pair.files++;
    pair.bytes += length;
    pairs.set(key, pair);
  }
  return [...pairs.values()].sort((a, b) => b.bytes - a.bytes);
}
