import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { archivePath, fetchPackages } from '../../../engine/training/corpus/fetch.ts';
import type { ListedPackage } from '../../../engine/training/corpus/package-list.ts';

const npm = (name: string): ListedPackage => ({ source: 'npm', name, version: '1.0.0', split: 'train' });
const debian: ListedPackage = { source: 'debian', name: 'python3-x', version: '2:1.0-1', split: 'train' };

/** Stand-ins for the package clients: they leave a file in the current folder, as the real ones do. */
const fakeNpm = `#!/bin/sh
echo "$2" >> "$CLOZE_TEST_LOG"
case "$2" in gone@*) echo "npm error 404 no such package" >&2; exit 1;; esac
echo "archive of $2" > some-name.tgz
`;
const fakeApt = '#!/bin/sh\necho "$3" >> "$CLOZE_TEST_LOG"\necho deb > x.deb\n';

let root: string;
let cache: string;
let asked: () => Promise<string[]>;
const path = process.env.PATH;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cloze-fetch-'));
  cache = join(root, 'cache');
  const clients = join(root, 'clients');
  await mkdir(clients);
  for (const [name, text] of [
    ['npm', fakeNpm],
    ['apt-get', fakeApt],
  ] as const) {
    await writeFile(join(clients, name), text);
    await chmod(join(clients, name), 0o755);
  }
  process.env.PATH = `${clients}${delimiter}${path}`;
  process.env.CLOZE_TEST_LOG = join(root, 'asked');
  asked = async () => (await readFile(join(root, 'asked'), 'utf8')).trimEnd().split('\n');
});
afterEach(async () => {
  process.env.PATH = path;
  delete process.env.CLOZE_TEST_LOG;
  await rm(root, { recursive: true });
});

const fetchAll = (list: ListedPackage[], signal = new AbortController().signal) => {
  const lines: string[] = [];
  return fetchPackages(list, cache, (line) => lines.push(line), signal, 0).then((report) => ({ ...report, lines }));
};

describe('fetching packages', () => {
  test('each is asked for once by name and version, and kept', async () => {
    const list = [npm('@a/one'), debian];
    expect(await fetchAll(list)).toMatchObject({ fetched: 2, cached: 0, missing: [] });
    expect(await fetchAll(list)).toMatchObject({ fetched: 0, cached: 2, missing: [] });
    expect(await asked()).toEqual(['@a/one@1.0.0', 'python3-x=2:1.0-1']);
    expect(await readFile(archivePath(cache, npm('@a/one')), 'utf8')).toBe('archive of @a/one@1.0.0\n');
  });

  test('a missing package is named with the reason and the rest goes on', async () => {
    const report = await fetchAll([npm('gone'), npm('there')]);
    expect(report.fetched).toBe(1);
    expect(report.missing).toEqual([{ package: npm('gone'), reason: 'npm error 404 no such package' }]);
    expect(report.lines.join('\n')).toMatch(/gone 1\.0\.0 \(npm\): NOT fetched: npm error 404/);
  });

  test('an aborted run stops and leaves no part', async () => {
    const stop = new AbortController();
    stop.abort(new Error('interrupted'));
    await expect(fetchAll([npm('one')], stop.signal)).rejects.toThrow('interrupted');
    expect(await readdir(cache)).toEqual([]);
  });
});
