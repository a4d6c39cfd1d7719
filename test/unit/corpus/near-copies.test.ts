import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRandom } from '../../../engine/objective/random.ts';
import type { ExtractedPackage } from '../../../engine/training/corpus/extraction.ts';
import { minHash, SimilarTexts, similarity } from '../../../engine/training/corpus/min-hash.ts';
import { copiesByPackage, findNearCopies } from '../../../engine/training/corpus/near-copies.ts';
import type { CorpusSplit } from '../../../engine/training/corpus/package-list.ts';
import { selectDocuments } from '../../../engine/training/corpus/selection.ts';

const words = (seed: number, count: number): string[] => {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => `w${random.below(5000)}`);
};
const hash = (text: string) => minHash(new TextEncoder().encode(text));

/** The similarity that the signatures estimate, by sets. */
function jaccard(a: readonly string[], b: readonly string[]): number {
  const shingles = (text: readonly string[]) =>
    new Set(text.slice(0, -4).map((_, at) => text.slice(at, at + 5).join(' ')));
  const [first, second] = [shingles(a), shingles(b)];
  const common = [...first].filter((shingle) => second.has(shingle)).length;
  return common / (first.size + second.size - common);
}

describe('signatures', () => {
  test('estimate the share of common shingles', () => {
    const base = words(1, 800);
    for (const changes of [0, 4, 15, 40, 200]) {
      const random = createRandom(changes + 1);
      const changed = [...base];
      for (let i = 0; i < changes; i++) changed[random.below(changed.length)] = `new${i}`;
      const estimate = similarity(hash(base.join(' ')), hash(changed.join(' ')));
      // Four standard errors of 128 values.
      expect(Math.abs(estimate - jaccard(base, changed))).toBeLessThan(4 * Math.sqrt(0.25 / 128));
    }
  });

  test('see words and signs, not white space', () => {
    const text = 'function add(a, b) {\n  return a + b;\n}\n';
    expect(hash(text.replaceAll(/\s+/g, '\n\t'))).toEqual(hash(text));
    expect(similarity(hash(text), hash(text.replaceAll('add', 'sub')))).toBeLessThan(1);
    expect(hash('a b')).not.toEqual(hash('a c'));
    expect(hash('')).toEqual(hash(' \n'));
  });

  test('the index finds what comparing all pairs finds', () => {
    const index = new SimilarTexts<number>();
    const texts = Array.from({ length: 60 }, (_, seed) => words(seed + 10, 300));
    for (const [at, text] of texts.entries()) index.add(at, hash(text.join(' ')));
    for (const [at, text] of texts.entries()) {
      const near = [...text.slice(0, 150), 'another', ...text.slice(150)];
      expect(index.nearest(hash(near.join(' ')), 0.8)?.value).toBe(at);
    }
    expect(index.nearest(hash(words(999, 300).join(' ')), 0.8)).toBeUndefined();
  });
});

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'near-copies-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function packageOf(name: string, split: CorpusSplit, texts: readonly string[]): Promise<ExtractedPackage> {
  const textFile = join(directory, `${name}.text`);
  await writeFile(textFile, texts.join(''));
  const documents = texts.map((text, at) => ({
    path: `${at}.ts`,
    language: 'typescript' as const,
    offset: texts.slice(0, at).join('').length,
    length: text.length,
    hash: `${text.length}-${text.slice(0, 20)}`,
  }));
  return {
    listed: { source: 'npm', name, version: '1.0.0', split },
    summary: { rules: 1, licence: 'MIT', permissive: true, dropped: {} },
    documents,
    textFile,
  };
}

const search = (packages: readonly ExtractedPackage[]) =>
  findNearCopies(packages, () => {}, new AbortController().signal);

describe('near-duplicates of packages', () => {
  const [one, two, three] = [words(1, 400).join(' '), words(2, 400).join(' '), words(3, 400).join(' ')] as const;
  const release = (text: string) => `${text} and one thing more at its end`;

  test('the first of a group stays, and held-out text is not trained on', async () => {
    const packages = [
      await packageOf('first', 'train', [one, two]),
      await packageOf('fork', 'train', [three, release(one)]),
      await packageOf('kept', 'heldout', [release(two), `${release(two)} again`]),
    ];
    const copies = await search(packages);
    const { documents, dropped } = selectDocuments(packages, copies);
    expect(documents.map((document) => `${document.package}/${document.path}`)).toEqual([
      'kept/0.ts',
      'kept/1.ts',
      'first/0.ts',
      'fork/0.ts',
    ]);
    expect(dropped.get('first')).toEqual({ 'near-held-out': { files: 1, bytes: two.length } });
    expect(dropped.get('fork')).toEqual({ 'near-duplicate': { files: 1, bytes: release(one).length } });
    expect(copiesByPackage(copies)).toEqual([
      { package: 'fork', of: 'first', heldout: false, files: 1, bytes: release(one).length },
      { package: 'first', of: 'kept', heldout: true, files: 1, bytes: two.length },
    ]);
  });

  test('packages without a permissive licence have no say', async () => {
    const closed = await packageOf('closed', 'train', [one]);
    closed.summary.permissive = false;
    expect((await search([closed, await packageOf('open', 'train', [release(one)])])).size).toBe(0);
  });

  test('can be stopped', async () => {
    const stop = AbortSignal.abort(new Error('interrupted'));
    const many = await packageOf(
      'many',
      'train',
      Array.from({ length: 4000 }, (_, at) => `text ${at} of many`),
    );
    await expect(findNearCopies([many], () => {}, stop)).rejects.toThrow('interrupted');
  });
});
