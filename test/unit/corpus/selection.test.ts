import { describe, expect, test } from 'vitest';
import type { ExtractedDocument, ExtractedPackage } from '../../../engine/training/corpus/extraction.ts';
import type { CorpusLanguage } from '../../../engine/training/corpus/language.ts';
import type { CorpusSplit } from '../../../engine/training/corpus/package-list.ts';
import { selectDocuments, waterLevel } from '../../../engine/training/corpus/selection.ts';

let nextHash = 0;
function document(path: string, language: CorpusLanguage, length: number, hash?: string): ExtractedDocument {
  return { path, language, offset: 0, length, hash: hash ?? String(nextHash++).padStart(8, '0') };
}

function packageOf(name: string, documents: ExtractedDocument[], split: CorpusSplit = 'train'): ExtractedPackage {
  return {
    listed: { source: 'npm', name, version: '1.0.0', split },
    summary: { rules: 1, licence: 'MIT', permissive: true, dropped: {} },
    documents,
    textFile: `${name}.text`,
  };
}

const names = (packages: ExtractedPackage[]) =>
  selectDocuments(packages).documents.map((d) => `${d.package}/${d.path}`);

describe('selecting documents', () => {
  test('a text of both splits stays held out', () => {
    const shared = (path: string) => document(path, 'typescript', 100, 'same');
    expect(names([packageOf('a', [shared('x.ts')]), packageOf('b', [shared('y.ts')], 'heldout')])).toEqual(['b/y.ts']);
  });

  test('packages without a permissive licence give nothing', () => {
    const closed = packageOf('closed', [document('a.ts', 'typescript', 100)]);
    closed.summary.permissive = false;
    expect(names([closed])).toEqual([]);
  });

  test('tests of a package stay within a quarter of its sources', () => {
    const tests = Array.from({ length: 10 }, (_, i) => document(`test/${i}.ts`, 'typescript', 100));
    const selection = selectDocuments([packageOf('a', [document('src/a.ts', 'typescript', 1000), ...tests])]);
    expect(selection.documents).toHaveLength(1 + 2);
    expect(selection.dropped.get('a')).toEqual({ 'share-limit': { files: 8, bytes: 800 } });
  });

  test('Python is cut to the share that TypeScript allows, largest packages first', () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => document(`${i}.py`, 'python', 100));
    const { documents } = selectDocuments([
      packageOf('ts', [document('a.ts', 'typescript', 2000)]),
      packageOf('small', many(3)),
      packageOf('large', many(100)),
    ]);
    const bytes = (name: string) => documents.filter((d) => d.package === name).reduce((sum, d) => sum + d.length, 0);
    expect(bytes('small')).toBe(300);
    expect(bytes('large')).toBe(1500);
  });
});

test('the water level cuts the largest amounts alike', () => {
  expect(waterLevel([10, 20, 30], 60)).toBe(Number.POSITIVE_INFINITY);
  expect(waterLevel([10, 20, 30], 50)).toBe(20);
  expect(waterLevel([5, 100, 100], 25)).toBe(10);
});
