/**
 * Which documents of the extracted packages make up the corpus: each text once, also where copies differ a little, tests
 * and large packages kept from drowning the rest, and the languages in proportion to TypeScript.
 */
import type { ExtractedDocument, ExtractedPackage } from './extraction.ts';
import { familyOf, type LanguageFamily } from './language.ts';
import { heldOutFirst, type NearCopies } from './near-copies.ts';
import type { CorpusSplit } from './package-list.ts';
import { countDrop, type Dropped, type DropReason, isTestPath } from './quality.ts';

export interface SelectedDocument extends ExtractedDocument {
  package: string;
  split: CorpusSplit;
  textFile: string;
}

export interface Selection {
  documents: SelectedDocument[];
  /** By package: what this step left out. */
  dropped: Map<string, Dropped>;
  nearCopies: NearCopies;
}

/** Test files of a package may be this share of its other files. */
const testShare = 0.25;
/** Bytes of a family for each byte of TypeScript; the product's first language stays above two fifths of the whole. */
const familyLimit: Record<Exclude<LanguageFamily, 'typescript'>, number> = {
  python: 0.9,
  javascript: 0.4,
  other: 0.14,
};

/** Deterministic: depends on the order of `packages`, on their documents and on `nearCopies` among them only. */
export function selectDocuments(packages: readonly ExtractedPackage[], nearCopies: NearCopies = new Map()): Selection {
  const dropped: Selection['dropped'] = new Map();
  const seen = new Set<string>();
  const kept: SelectedDocument[] = [];
  for (const { listed, summary, documents, textFile } of heldOutFirst(packages)) {
    if (!summary.permissive) continue;
    const drop = dropCounter(dropped, listed.name);
    const unique = documents.filter((document) => {
      const copy = nearCopies.get(document);
      if (seen.has(document.hash)) drop('duplicate', document.length);
      else if (copy) drop(copy.of.heldout ? 'near-held-out' : 'near-duplicate', document.length);
      return !seen.has(document.hash) && seen.add(document.hash) && !copy;
    });
    const sources = unique.filter((document) => !isTestPath(document.path));
    const tests = unique.filter((document) => isTestPath(document.path));
    const bound = testShare * totalLength(sources);
    const chosen = new Set([...sources, ...withinLimit(tests, bound, drop)]);
    for (const document of unique) {
      if (chosen.has(document)) kept.push({ ...document, package: listed.name, split: listed.split, textFile });
    }
  }
  const heldout = kept.filter((document) => document.split === 'heldout');
  const train = kept.filter((document) => document.split === 'train');
  return { documents: [...heldout, ...balance(train, dropped)], dropped, nearCopies };
}

function balance(documents: readonly SelectedDocument[], dropped: Selection['dropped']): SelectedDocument[] {
  const of = (family: LanguageFamily) => documents.filter((document) => familyOf(document.language) === family);
  const typescript = of('typescript');
  const whole = totalLength(typescript);
  const chosen = new Set<SelectedDocument>(typescript);
  for (const [family, limit] of Object.entries(familyLimit)) {
    const byPackage = groupedByPackage(of(family as LanguageFamily));
    const level = waterLevel([...byPackage.values()].map(totalLength), limit * whole);
    for (const [name, members] of byPackage) {
      for (const document of withinLimit(members, level, dropCounter(dropped, name))) chosen.add(document);
    }
  }
  return documents.filter((document) => chosen.has(document));
}

function groupedByPackage(documents: readonly SelectedDocument[]): Map<string, SelectedDocument[]> {
  const groups = new Map<string, SelectedDocument[]>();
  for (const document of documents) {
    const group = groups.get(document.package);
    if (group === undefined) groups.set(document.package, [document]);
    else group.push(document);
  }
  return groups;
}

/** The largest amount per part so that all parts, each cut to it, stay within `limit` together. */
export function waterLevel(amounts: readonly number[], limit: number): number {
  let left = limit;
  const ascending = [...amounts].sort((a, b) => a - b);
  for (const [index, amount] of ascending.entries()) {
    const fairShare = left / (ascending.length - index);
    if (amount > fairShare) return fairShare;
    left -= amount;
  }
  return Number.POSITIVE_INFINITY;
}

/** As many documents as fit, in the order of their hashes: an even sample that does not depend on names. */
function withinLimit<D extends ExtractedDocument>(
  documents: readonly D[],
  limit: number,
  drop: (reason: DropReason, bytes: number) => void,
): D[] {
  if (totalLength(documents) <= limit) return [...documents];
  let used = 0;
  return [...documents]
    .sort((a, b) => (a.hash < b.hash ? -1 : 1))
    .filter((document) => {
      const fits = used + document.length <= limit;
      if (fits) used += document.length;
      else drop('share-limit', document.length);
      return fits;
    });
}

function totalLength(documents: readonly { length: number }[]): number {
  return documents.reduce((sum, document) => sum + document.length, 0);
}

function dropCounter(dropped: Selection['dropped'], name: string): (reason: DropReason, bytes: number) => void {
  return (reason, bytes) => {
    let counts = dropped.get(name);
    if (counts === undefined) {
      counts = {};
      dropped.set(name, counts);
    }
    countDrop(counts, reason, bytes);
  };
}
