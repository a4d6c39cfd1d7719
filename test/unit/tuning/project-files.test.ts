/** What is read of a project and what never is; the split of its files. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { guardFiles } from '../../../engine/tuning/guard.ts';
import { looksSecret, type ProjectFile, readProject } from '../../../engine/tuning/project-files.ts';
import { fileCorpus, fileDocuments, languagesOf, splitProject } from '../../../engine/tuning/split.ts';
import { toyTokenizer } from '../infill/toy.ts';
import { code } from './code.ts';

/** Every file that is opened. */
const opened = vi.hoisted(() => new Set<string>());
vi.mock('node:fs/promises', async (original) => {
  const whole = await original<typeof import('node:fs/promises')>();
  const readFile = (path: string, options: 'utf8') => {
    opened.add(path);
    return whole.readFile(path, options);
  };
  return { ...whole, readFile };
});

const home = realpathSync(mkdtempSync(join(tmpdir(), 'cloze-project-')));
afterAll(() => rmSync(home, { recursive: true }));

function project(files: Record<string, string>): string {
  const root = mkdtempSync(join(home, 'p-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const pathsOf = async (root: string) => (await readProject(root)).files.map(({ path }) => path);

describe('the files of a project', () => {
  it('are its source files in the three languages, by path', async () => {
    const root = project({
      'b.py': code(1),
      'src/a.ts': code(2),
      'c.jsx': code(3),
      'notes.md': code(4),
      'x.json': '{}',
    });
    expect((await readProject(root)).files.map(({ path, language }) => [path, language])).toEqual([
      ['b.py', 'python'],
      ['c.jsx', 'javascript'],
      ['src/a.ts', 'typescript'],
    ]);
  });

  it('leave out what git ignores, by rules of any folder, the nearest first', async () => {
    const root = project({
      '.gitignore': 'out/\n*.gen.ts\n/only-here.ts\n',
      'out/a.ts': code(1),
      'a.gen.ts': code(2),
      'only-here.ts': code(3),
      'sub/only-here.ts': code(4),
      'sub/.gitignore': '!kept.gen.ts\nprivate.ts\n',
      'sub/kept.gen.ts': code(5),
      'sub/private.ts': code(6),
      'sub/deep/private.ts': code(7),
      'private.ts': code(8),
    });
    expect(await pathsOf(root)).toEqual(['private.ts', 'sub/kept.gen.ts', 'sub/only-here.ts']);
  });

  it('leave out what the rules above a folder inside a repository ignore', async () => {
    const root = project({
      '.git/info/exclude': 'mine.ts\n',
      '.gitignore': 'packages/a/draft/\n',
      'packages/.gitignore': '*.old.ts\n',
      'packages/a/draft/x.ts': code(1),
      'packages/a/x.old.ts': code(2),
      'packages/a/mine.ts': code(3),
      'packages/a/x.ts': code(4),
    });
    expect(await pathsOf(join(root, 'packages/a'))).toEqual(['x.ts']);
    expect(await pathsOf(join(root, 'packages/a/draft'))).toEqual([]);
  });

  it('are opened, and the rules: nothing that is ignored is', async () => {
    const root = project({
      '.gitignore': 'hidden.ts\nout/\n',
      'hidden.ts': code(1),
      'out/a.ts': code(2),
      'out/.gitignore': '',
      'my-secret.ts': code(3),
      '.env': 'KEY=1',
      'open.ts': code(4),
    });
    opened.clear();
    await readProject(root);
    const own = [...opened].filter((path) => path.startsWith(root)).map((path) => path.slice(root.length + 1));
    expect(own.toSorted()).toEqual(['.gitignore', 'open.ts']);
  });

  it('leave out hidden files, links, other people’s code, and what is generated, compiled or too large', async () => {
    const root = project({
      '.hidden/a.ts': code(1),
      'node_modules/x/a.ts': code(2),
      'vendor/a.py': code(3),
      'made.ts': `// @generated\n${code(4)}`,
      'own.ts': code(5),
      'own.js': code(6),
      'own.d.ts': code(7),
      'large.py': code(8).repeat(600),
    });
    symlinkSync(join(root, 'vendor/a.py'), join(root, 'linked.py'));
    symlinkSync(join(root, 'vendor'), join(root, 'linked'));
    expect(await readProject(root)).toMatchObject({
      files: [{ path: 'own.ts' }],
      leftOut: { generated: 1, 'compiled-beside-source': 2, 'too-large': 1 },
    });
  });

  it('leave out what looks like a secret, by its name or by what it says', async () => {
    const root = project({
      'secrets.ts': code(1),
      'config/credentials.py': code(2),
      'my-api-key.js': code(3),
      'secret/a.ts': code(4),
      'key.ts': `${code(5)}const key = 'AKIA${'ABCDEFGHIJKLMNOP'}';\n`,
      'secretary.ts': code(6),
      'tokenize.ts': code(7),
    });
    expect(await readProject(root)).toMatchObject({
      files: [{ path: 'secretary.ts' }, { path: 'tokenize.ts' }],
      leftOut: { secret: 1 },
    });
    expect(looksSecret('src/password_store.py')).toBe(true);
  });

  it('are each text once, however it is spaced', async () => {
    const root = project({ 'a.ts': code(1), 'b.ts': code(1).replaceAll('  ', '    '), 'c.ts': code(2) });
    expect(await readProject(root)).toMatchObject({
      files: [{ path: 'a.ts' }, { path: 'c.ts' }],
      leftOut: { duplicate: 1 },
    });
  });

  it('need a folder', async () => {
    await expect(readProject(join(home, 'nowhere'))).rejects.toThrow(/nowhere is not a folder/);
  });
});

describe('the split', () => {
  const files: ProjectFile[] = Array.from({ length: 60 }, (_, index) => ({
    path: `src/${index}.${index % 3 === 0 ? 'py' : 'ts'}`,
    language: index % 3 === 0 ? 'python' : 'typescript',
    text: code(index),
  }));

  it('puts every file on one side, about a fifth of each language on the unseen one', () => {
    for (const seed of [1, 2, 3]) {
      const { train, choice, heldOut } = splitProject(files, seed);
      expect(choice.length).toBeGreaterThan(0);
      const paths = [...train, ...choice, ...heldOut].map(({ path }) => path);
      expect(paths.toSorted()).toEqual(files.map(({ path }) => path).toSorted());
      const unseen = (language: string) => heldOut.filter((file) => file.language === language).length;
      expect(unseen('python')).toBeGreaterThanOrEqual(2);
      expect(unseen('python')).toBeLessThanOrEqual(5);
      expect(unseen('typescript')).toBeGreaterThanOrEqual(5);
      expect(unseen('typescript')).toBeLessThanOrEqual(9);
    }
  });

  it('depends on the seed and the paths, not on the order of the files', () => {
    const first = splitProject(files, 1);
    expect(splitProject(files.toReversed(), 1)).toEqual(first);
    expect(splitProject(files, 2)).not.toEqual(first);
  });

  it('gives the trainer nothing of an unseen file, nor as a neighbour', () => {
    const { train, heldOut } = splitProject(files, 1);
    const tokenizer = toyTokenizer();
    const corpus = fileCorpus(train, tokenizer, 'p');
    const unseen = new Set(heldOut.map(({ path }) => path));
    for (let position = 0; position < corpus.tokens; position += 97) {
      const index = corpus.documentAt(position);
      for (const reached of [index, ...corpus.samePackage(index)]) {
        expect(unseen.has(corpus.document(reached).path)).toBe(false);
      }
    }
    const texts = Array.from({ length: corpus.documents }, (_, index) =>
      tokenizer.decode(corpus.document(index).tokens),
    );
    expect(texts).toEqual(train.map(({ text }) => text));
    expect(fileDocuments(heldOut, 'p').text(0)).toBe(heldOut[0]?.text);
    expect(languagesOf(heldOut)).toEqual(['typescript', 'python']);
  });

  it('refuses a project with too little', () => {
    expect(() => splitProject(files.slice(0, 9), 1)).toThrow(/Only 9 files/);
  });
});

describe('the guard', () => {
  it('has the files that ship and those of other projects, without texts of this one', async () => {
    const shipped = await guardFiles([], []);
    expect(shipped.length).toBeGreaterThan(10);
    const other = project({ 'a.ts': code(1), 'b.ts': code(2) });
    const both = await guardFiles([other], [{ path: 'x.ts', language: 'typescript', text: code(1) }]);
    expect(both.map(({ path }) => path)).toEqual([...shipped.map(({ path }) => path), 'b.ts']);
  });
});
