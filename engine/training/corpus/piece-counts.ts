/** Counts the pieces that text is split into, over a sample of the training documents, for learning merges. */
import { SplitPreTokenizer } from '@huggingface/tokenizers';
import { piecePattern } from '../../tokenizer/layout.ts';
import { DocumentReader } from './document-reader.ts';
import type { SelectedDocument } from './selection.ts';

/**
 * Pieces of fewer packages than `fewPackages` are those projects' own names. They show how words are put together, but a
 * vocabulary for everybody has no need of them whole: each counts at most `ownNameCount` for a package.
 */
const fewPackages = 4;
const ownNameCount = 12;

/** Rarer pieces are left out: they are most of the map and change no merge that 16,384 ids have room for. */
const leastCount = 3;

interface PieceCount {
  count: number;
  /** The first packages that have it, up to `fewPackages`. */
  packages: string[];
}

/**
 * Takes training documents in the order of their hashes, which is as good as random and keeps the corpus's balance,
 * until `limit` bytes.
 */
export function countPieces(
  documents: readonly SelectedDocument[],
  limit: number,
  progress: (bytes: number) => void,
): Map<string, number> {
  const { pattern } = new SplitPreTokenizer({
    type: 'Split',
    pattern: { Regex: piecePattern },
    behavior: 'Isolated',
    invert: false,
  });
  if (pattern === null) throw new Error('The splitting pattern could not be compiled.');
  const found = new Map<string, PieceCount>();
  const sample = documents.filter((d) => d.split === 'train').sort((a, b) => (a.hash < b.hash ? -1 : 1));
  const reader = new DocumentReader();
  let bytes = 0;
  for (const [index, document] of sample.entries()) {
    if (bytes + document.length > limit) break;
    bytes += document.length;
    for (const piece of reader.text(document).match(pattern) ?? []) {
      let entry = found.get(piece);
      if (entry === undefined) {
        entry = { count: 0, packages: [] };
        found.set(piece, entry);
      }
      entry.count++;
      const { packages } = entry;
      if (packages.length < fewPackages && !packages.includes(document.package)) packages.push(document.package);
    }
    if (index % 2000 === 0) progress(bytes);
  }
  reader.dispose();
  const counts = new Map<string, number>();
  for (const [piece, { count, packages }] of found) {
    const isOwnName = packages.length < fewPackages;
    const counted = isOwnName ? Math.min(count, ownNameCount * packages.length) : count;
    if (counted >= leastCount) counts.set(piece, counted);
  }
  return counts;
}
