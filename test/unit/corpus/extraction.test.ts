import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DocumentReader } from '../../../engine/training/corpus/document-reader.ts';
import { extractPackage } from '../../../engine/training/corpus/extraction.ts';
import { archivePath } from '../../../engine/training/corpus/fetch.ts';
import type { ListedPackage } from '../../../engine/training/corpus/package-list.ts';

const listed: ListedPackage = { source: 'npm', name: '@scope/sample', version: '1.0.0', split: 'train' };
const code = 'export function add(first: number, second: number): number {\n  return first + second;\n}\n\n'.repeat(4);

let root: string;
let cache: string;
let packages: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cloze-extraction-'));
  cache = join(root, 'cache');
  packages = join(root, 'packages');
  await mkdir(cache);
});
afterEach(() => rm(root, { recursive: true }));

async function archive(files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, 'source', 'package', path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  execFileSync('tar', ['-czf', archivePath(cache, listed), '-C', join(root, 'source'), 'package']);
}

const extract = () => extractPackage(listed, cache, packages);

describe('taking a package out of its archive', () => {
  test('keeps what is fit and counts what is not', async () => {
    await archive({
      'package.json': JSON.stringify({ name: listed.name, license: 'MIT' }),
      'src/add.ts': `/* Copyright somebody */\n${code}`,
      'src/same.ts': code.replaceAll('  ', '\t'),
      'src/tiny.ts': 'let a;',
      'src/latin.ts': Buffer.concat([Buffer.from(code), Uint8Array.of(0xe9)]),
      'src/gpl.ts': `// GNU General Public License\n${code}x`,
      'locale/de.js': code,
    });
    const { summary, documents, textFile } = await extract();
    expect(summary).toMatchObject({ licence: 'MIT', permissive: true });
    expect(documents.map(({ path, language, offset }) => ({ path, language, offset }))).toEqual([
      { path: 'src/add.ts', language: 'typescript', offset: 0 },
    ]);
    expect(Object.entries(summary.dropped).map(([reason, { files }]) => [reason, files])).toEqual(
      expect.arrayContaining([
        ['duplicate', 1],
        ['too-small', 2],
        ['not-utf8', 1],
        ['copyleft-header', 1],
        ['excluded-path', 1],
      ]),
    );
    const reader = new DocumentReader();
    const [first] = documents;
    expect(first && reader.text({ ...first, textFile })).toBe(code);
    reader.dispose();
  });

  test('is not done again', async () => {
    await archive({ 'package.json': '{"license":"MIT"}', 'src/add.ts': code });
    const first = await extract();
    await rm(archivePath(cache, listed));
    expect(await extract()).toEqual(first);
  });

  test('a package that is not permissively licensed gives no text', async () => {
    await archive({ 'package.json': '{"license":"GPL-3.0"}', 'src/add.ts': code });
    const { summary, documents, textFile } = await extract();
    expect(summary).toMatchObject({ licence: 'GPL-3.0', permissive: false });
    expect(documents).toEqual([]);
    expect(await readFile(textFile, 'utf8')).toBe('');
  });

  test('a damaged archive is named, and nothing is left behind', async () => {
    await writeFile(archivePath(cache, listed), 'not an archive');
    await expect(extract()).rejects.toThrow(/Cannot unpack @scope\/sample 1\.0\.0: .* fetch it again/);
    expect(await readdir(packages)).toEqual([]);
  });
});
