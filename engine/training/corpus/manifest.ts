/** `manifest.json` of a packed corpus: what it is made of, what was left out and why, and which tokenizer wrote it. */
import type { CorpusSplit, ListedPackage, PackageSource } from './package-list.ts';
import { countDrop, type Dropped, type DropReason } from './quality.ts';

export interface Amount {
  documents: number;
  bytes: number;
  tokens: number;
}

export interface ManifestPackage extends Amount {
  source: PackageSource;
  name: string;
  version: string;
  split: CorpusSplit;
  /** As the package states it; null when it states none that could be read. */
  licence: string | null;
  /** False when the licence kept the whole package out. */
  permissive: boolean;
  /** Bytes by language. */
  languages: Record<string, number>;
  dropped: Dropped;
}

export interface ManifestSplit extends Amount {
  bytesPerToken: number;
  languages: Record<string, Amount>;
}

/** Documents of one package left out because they are nearly some of another (or of the same). */
export interface ManifestCopies {
  package: string;
  of: string;
  /** Whether `of` is held out. */
  heldout: boolean;
  files: number;
  bytes: number;
}

export interface CorpusManifest {
  format: 'cloze-corpus';
  version: 1;
  tokenizer: { sha256: string; vocabulary: number };
  /** Of everything that the packed files depend on: the same fingerprint means the same files. */
  fingerprint: string;
  seed: number;
  splits: Record<CorpusSplit, ManifestSplit>;
  packages: ManifestPackage[];
  /** By pair of packages, most bytes first. Not in manifests that are older than this search. */
  nearCopies?: ManifestCopies[];
  missing: { source: PackageSource; name: string; version: string; reason: string }[];
}

export interface MissingPackage {
  package: ListedPackage;
  reason: string;
}

export function emptySplit(): ManifestSplit {
  return { documents: 0, bytes: 0, tokens: 0, bytesPerToken: 0, languages: {} };
}

export function addDropped(...tables: Dropped[]): Dropped {
  const sum: Dropped = {};
  for (const table of tables) {
    for (const [reason, { files, bytes }] of Object.entries(table)) countDrop(sum, reason as DropReason, bytes, files);
  }
  return sum;
}
