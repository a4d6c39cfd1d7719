import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { corpusCommand } from '../../../engine/cli/corpus.ts';
import { corpusPlaces } from '../../../engine/training/corpus/corpus.ts';
import type { CorpusManifest, ManifestPackage } from '../../../engine/training/corpus/manifest.ts';
import { corpusReport } from '../../../engine/training/corpus/report.ts';

const entry = (name: string, own: Partial<ManifestPackage>): ManifestPackage => ({
  source: 'npm',
  name,
  version: '1.0.0',
  split: 'train',
  licence: 'MIT',
  permissive: true,
  documents: 2,
  bytes: 6e6,
  tokens: 2e6,
  languages: {},
  dropped: {},
  ...own,
});
const manifest: CorpusManifest = {
  format: 'cloze-corpus',
  version: 1,
  tokenizer: { sha256: 'feed'.repeat(16), vocabulary: 300 },
  fingerprint: 'beef'.repeat(16),
  seed: 7,
  splits: {
    train: {
      documents: 3,
      bytes: 6e6,
      tokens: 2e6,
      bytesPerToken: 3,
      languages: {
        python: { documents: 1, bytes: 1.5e6, tokens: 5e5 },
        css: { documents: 2, bytes: 4.5e6, tokens: 15e5 },
      },
    },
    heldout: { documents: 0, bytes: 0, tokens: 0, bytesPerToken: 0, languages: {} },
  },
  packages: [
    entry('a', { dropped: { secret: { files: 1, bytes: 1e6 }, 'near-duplicate': { files: 2, bytes: 2e6 } } }),
    entry('b', { licence: 'ISC', dropped: { secret: { files: 2, bytes: 1e6 } } }),
    entry('closed', { licence: 'GPL-3.0', permissive: false }),
  ],
  nearCopies: [
    { package: 'a', of: 'a', heldout: false, files: 1, bytes: 5e5 },
    { package: 'a', of: 'b', heldout: true, files: 1, bytes: 15e5 },
  ],
  missing: [{ source: 'npm', name: 'gone', version: '2.0.0', reason: 'not fetched' }],
};

test('the report adds up what was kept and what was left out', () => {
  const lines = corpusReport(manifest).split('\n');
  const cells = (start: string) =>
    lines
      .find((line) => line.startsWith(`| ${start} |`))
      ?.split(' | ')
      .slice(1, 4);
  expect(cells('css')).toEqual(['2', '4.50', '75.00 %']);
  expect(cells('secret')).toEqual(['3', '2.00', '20.00 %']);
  expect(cells('near-duplicate')).toEqual(['2', '2.00', '20.00 %']);
  expect(lines).toContain('Across packages 1 files, 1.50 MB; within one package 1 files, 0.50 MB. The largest pairs:');
  expect(lines).toContain('| a | b (held out) | 1 | 1.50 |');
  expect(lines).toContain('- closed 1.0.0: licence GPL-3.0');
  expect(lines).toContain('- gone 2.0.0: not fetched');
  expect(lines).toContain('- ISC: b');
});

test('a manifest from before the search for near-duplicates has none to report', () => {
  const { nearCopies, ...older } = manifest;
  expect(corpusReport(older)).not.toContain('## Near-duplicates');
});

let data: string;
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'corpus-report-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(data, { recursive: true, force: true });
});

test('cloze corpus report prints it, and says what to do without a corpus', async () => {
  const said = { out: '', error: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said.out += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said.error += text;
    return true;
  });
  expect(await corpusCommand(['report', '--data', data])).toBe(1);
  expect(said.error).toMatch(/manifest.json is not there. Run "cloze corpus"/);
  const { corpus } = corpusPlaces(data);
  await mkdir(corpus);
  await writeFile(join(corpus, 'manifest.json'), JSON.stringify(manifest));
  expect(await corpusCommand(['report', '--data', data])).toBe(0);
  expect(said.out).toBe(corpusReport(manifest));
});
