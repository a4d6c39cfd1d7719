/** The history of a project as places of its files: of repositories that git made, and of damaged ones. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../../engine/objective/random.ts';
import { loadTokenizer } from '../../../engine/tokenizer/load.ts';
import { RECIPES, type Recipe } from '../../../engine/training/recipes.ts';
import { type AddedLines, addedLines, addedRuns } from '../../../engine/tuning/history/added-lines.ts';
import { applyDelta, inflated, LARGEST_OBJECT } from '../../../engine/tuning/history/packs.ts';
import { openRepository } from '../../../engine/tuning/history/repository.ts';
import { withWritten, writtenSample } from '../../../engine/tuning/history/written-samples.ts';
import type { ProjectFile } from '../../../engine/tuning/project-files.ts';
import { fileCorpus } from '../../../engine/tuning/split.ts';

const home = mkdtempSync(join(tmpdir(), 'cloze-history-'));
afterAll(() => rmSync(home, { recursive: true }));

/** A repository whose commits give whole files; `git` runs in it without anybody's settings. */
function repository(name: string, commits: readonly Record<string, string>[]) {
  const folder = join(home, name);
  mkdirSync(folder);
  const env = { PATH: process.env.PATH, GIT_CONFIG_NOSYSTEM: '1', HOME: home };
  const git = (...args: string[]) => execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8', env });
  git('init', '-q', '-b', 'main');
  for (const files of commits) {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    git('add', '-A');
    git('-c', 'user.name=n', '-c', 'user.email=e@x', 'commit', '-q', '-m', 'change');
  }
  return { folder, git };
}

const file = (path: string, text: string): ProjectFile => ({ path, language: 'typescript', text });
const shown = (added: AddedLines, files: readonly ProjectFile[]) =>
  Object.fromEntries(
    files.map(({ path, text }) => [path, (added.get(path) ?? []).map(({ start, end }) => text.slice(start, end))]),
  );

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `const value${from + index} = ${from + index};\n`).join('');
const first = lines(0, 40);
const second = first.replace('const value9 = 9;\n', 'const value9 = 9;\nif (value9) {\n  callMe(value9);\n}\n');
const third = second.replace('const value30 = 30;', 'const value30 = compute(value9);');
const commits = [
  { 'src/a.ts': first, 'src/b.ts': 'one();\n', 'other/c.ts': 'c();\n' },
  { 'src/a.ts': second, 'src/new.ts': 'new file, whole\n', 'other/c.ts': 'c();\nchangedElsewhere();\n' },
  { 'src/a.ts': `${third}const apiToken = "it was here once";\n` },
  { 'src/a.ts': third },
];
const files = [file('src/a.ts', third), file('src/b.ts', 'one();\n'), file('src/new.ts', 'new file, whole\n')];
const wanted = {
  'src/a.ts': ['if (value9) {\n  callMe(value9);\n}', 'const value30 = compute(value9);'],
  'src/b.ts': [],
  'src/new.ts': [],
};

describe('added lines', () => {
  it('are places of the files of today, from loose objects and from packs alike', async () => {
    const { folder, git } = repository('plain', commits);
    expect(shown(await addedLines(folder, files), files)).toEqual(wanted);
    git('gc', '-q', '--aggressive', '--prune=now');
    expect(readdirSync(join(folder, '.git/objects')).toSorted()).toEqual(['info', 'pack']);
    const verified = git(
      'verify-pack',
      '-v',
      `.git/objects/pack/${readdirSync(join(folder, '.git/objects/pack')).find((name) => name.endsWith('.idx'))}`,
    );
    expect(verified).toMatch(/chain length = [1-9]/);
    expect(shown(await addedLines(folder, files), files)).toEqual(wanted);
    // A folder of the repository alone, whose paths begin there.
    const below = files.map((own) => ({ ...own, path: own.path.replace('src/', '') }));
    const own = await addedLines(join(folder, 'src'), below);
    expect([...own.keys()]).toEqual(['a.ts']);
    expect(own.get('a.ts')).toHaveLength(2);
  });

  it('tell nothing that is not in a file of today', async () => {
    const { folder } = repository('secret', commits);
    const all = JSON.stringify(shown(await addedLines(folder, files), files));
    expect(all).not.toContain('apiToken');
    expect(shown(await addedLines(folder, [file('src/a.ts', first)]), [file('src/a.ts', first)])['src/a.ts']).toEqual(
      [],
    );
  });

  it('are none without a repository of the usual form, and without git being run', async () => {
    const { folder } = repository('linked', commits);
    const bare = join(home, 'bare');
    mkdirSync(bare);
    expect(openRepository(bare)).toBeUndefined();
    writeFileSync(join(bare, '.git'), `gitdir: ${folder}/.git\n`);
    expect(openRepository(bare)).toBeUndefined();
    rmSync(join(bare, '.git'));
    symlinkSync(join(folder, '.git'), join(bare, '.git'));
    expect(openRepository(bare)).toBeUndefined();
    for (const head of ['ref: refs/heads/../../secret\n', 'ref: /etc/passwd\n', 'nothing', '']) {
      writeFileSync(join(folder, '.git/HEAD'), head);
      expect((await addedLines(folder, files)).size, head).toBe(0);
    }
  });
});

describe('hostile repositories', () => {
  it('are passed over wherever they are damaged, and never crash', async () => {
    const { folder, git } = repository('damaged', commits);
    git('gc', '-q', '--prune=now');
    const packs = join(folder, '.git/objects/pack');
    const random = createRandom(5);
    for (const name of readdirSync(packs).filter((own) => /\.(idx|pack)$/.test(own))) {
      const path = join(packs, name);
      const whole = readFileSync(path);
      rmSync(path);
      for (let turn = 0; turn < 60; turn++) {
        const damaged = Buffer.from(whole);
        for (let hit = 0; hit < 4; hit++) damaged[random.below(damaged.length)] = random.below(256);
        writeFileSync(path, turn % 5 === 0 ? damaged.subarray(0, random.below(damaged.length)) : damaged);
        for (const places of (await addedLines(folder, files)).values()) {
          for (const { start, end } of places) expect(end).toBeGreaterThan(start);
        }
      }
      writeFileSync(path, whole);
    }
    expect(shown(await addedLines(folder, files), files)).toEqual(wanted);
  });

  it('cannot make an object larger than the bound', () => {
    const bomb = deflateSync(Buffer.alloc(2 * LARGEST_OBJECT));
    expect(inflated(bomb)).toBeUndefined();
    expect(inflated(deflateSync(Buffer.from('abc')), 3)?.toString()).toBe('abc');
    expect(inflated(deflateSync(Buffer.from('abc')), 2)).toBeUndefined();
    const base = Buffer.from('abcdef');
    // Six bytes become four: two copied from the third on, two of its own.
    expect(applyDelta(base, Buffer.from([6, 4, 0x91, 2, 2, 2, 120, 121]))?.toString()).toBe('cdxy');
    for (const delta of [
      [5, 4, 0x91, 2, 2, 2, 120, 121],
      [6, 4, 0x91, 5, 2, 2, 120, 121],
      [6, 3, 0x91, 2, 2, 2, 120, 121],
      [6, 4, 0x91, 2, 2, 9, 120],
      [6, 4, 0],
      [6, 0xff, 0xff, 0xff, 0xff, 0x7f],
      [],
    ]) {
      expect(applyDelta(base, Buffer.from(delta)), String(delta)).toBeUndefined();
    }
  });
});

it('runs of added lines lie between the common beginning and end; moved lines are not added', () => {
  expect(addedRuns('a\nb\nc\n', 'a\nx\ny\nc\nb\n')).toEqual(['x\ny']);
  expect(addedRuns('a\n', `a\n${'long\n'.repeat(20)}`)).toEqual([]);
  expect(addedRuns('a\n', 'a\n')).toEqual([]);
});

describe('samples of the history', async () => {
  const { tokenizer } = await loadTokenizer(join(import.meta.dirname, '../../../engine/embedded-model/tokenizer.json'));
  const text = lines(0, 60);
  const own = file('src/a.ts', text);
  const places = Array.from({ length: 25 }, (_, index) => {
    const start = text.indexOf(`const value${2 * index} =`);
    return { start, end: text.indexOf('\n', start) };
  });
  const added: AddedLines = new Map([[own.path, places]]);

  it('have the lines that were added as their spans, under the header of the file', () => {
    const random = createRandom(1);
    for (let draw = 0; draw < 20; draw++) {
      const { tokens, sep, targets, lossMask } = writtenSample(tokenizer, { file: own, places }, random);
      const partA = tokenizer.decode(tokens.subarray(0, sep).filter((token) => tokenizer.bytes(token).length > 0));
      expect(partA.startsWith('src/a.ts')).toBe(true);
      const written = [...targets].filter((_, row) => lossMask[row] === 1);
      const spans = tokenizer.decode(written.map((token) => (token === tokenizer.special.eop ? 10 : token)));
      for (const span of tokenizer
        .decode(written)
        .split(/(?<=;)/)
        .filter(Boolean)) {
        expect(
          places.some(({ start, end }) => text.slice(start, end) === span.trim()),
          spans,
        ).toBe(true);
        expect(partA).not.toContain(span.trim());
      }
    }
  });

  it('are a part of those that the training corpus gives, and of no other', () => {
    const recipe = RECIPES['cursor-7m'] as Recipe;
    const training = fileCorpus([own], tokenizer, 'p');
    const { samples } = withWritten(recipe, [own], training, added);
    if (!('kind' in samples) || samples.kind !== 'own') throw new Error('The samples are not its own.');
    const draw = samples.drawer(tokenizer);
    const [one, other] = [createRandom(3), createRandom(3)];
    const repeated = Array.from({ length: 8 }, () => [draw(training, one).tokens, draw(training, other).tokens]);
    for (const [a, b] of repeated) expect(a).toEqual(b);
    expect(withWritten(recipe, [own], training, new Map([[own.path, places.slice(0, 5)]]))).toBe(recipe);
  });
});
