import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { candidates } from '../../../engine/training/corpus/candidates.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cloze-candidates-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function pathsOf(files: Record<string, string>, keepsDeclarations = false): Promise<string[]> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
  return (await candidates(directory, keepsDeclarations, () => {})).map((file) => file.path);
}

const long = 'export const value = 1;\n'.repeat(1500);

describe('files of a package', () => {
  test('TypeScript goes before what was compiled from it', async () => {
    const files = { 'src/a.ts': 'a', 'dist/a.js': 'a', 'dist/cjs/a.cjs': 'a', 'dist/a.d.ts': 'a', 'bin/run.js': 'run' };
    expect(await pathsOf(files)).toEqual(['bin/run.js', 'src/a.ts']);
  });

  test('with much TypeScript, JavaScript in build folders is not taken even under other names', async () => {
    expect(await pathsOf({ 'src/a.ts': long, 'lib/bundle.js': 'b', 'scripts/c.js': 'c' })).toEqual([
      'scripts/c.js',
      'src/a.ts',
    ]);
  });

  test('sources in a map replace the file they were compiled to', async () => {
    const map = JSON.stringify({ sources: ['../src/a.ts'], sourcesContent: ['let a: number;'] });
    expect(await pathsOf({ 'fesm/a.mjs': 'let a;', 'fesm/a.mjs.map': map })).toEqual(['src/a.ts']);
  });

  test('one of several module formats', async () => {
    const files = { 'cjs/a.js': 'a', 'es/a.js': 'a', 'umd/a.js': 'a', 'es/b.js': 'b' };
    expect(await pathsOf(files)).toEqual(['es/a.js', 'es/b.js']);
  });

  test('declarations are kept on demand', async () => {
    expect(await pathsOf({ 'index.d.ts': 'declare const a: 1;' }, true)).toEqual(['index.d.ts']);
  });

  test('links are not followed', async () => {
    await writeFile(join(directory, 'real.ts'), 'a');
    await symlink('/etc/hostname', join(directory, 'link.ts'));
    expect(await pathsOf({})).toEqual(['real.ts']);
  });
});
