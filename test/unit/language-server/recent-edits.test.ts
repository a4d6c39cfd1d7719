import { describe, expect, it } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { encodedDocuments } from '../../../language-server/encoded-document.ts';
import { createNeighbours } from '../../../language-server/neighbours.ts';
import { createRecentEdits } from '../../../language-server/recent-edits.ts';
import { placeAt } from './text.ts';

/** Two hundred lines of which each names its own number. */
const LINES = Array.from({ length: 200 }, (_, line) => `const value${line} = ${line};`).join('\n');

function editing() {
  const recent = createRecentEdits();
  const documents = recent.watching(encodedDocuments(() => 'utf-16'));
  const open = (name: string, text = LINES) => documents.create(`file:///project/${name}`, 'typescript', 1, text);
  const type = (document: TextDocument, line: number, text: string) => {
    const at = { line, character: 0 };
    documents.update(document, [{ range: { start: at, end: at }, text }], document.version + 1);
  };
  return { recent, open, type };
}

describe('places that were edited', () => {
  it('are kept once the editing goes on elsewhere, with the lines around as they are then', () => {
    const { recent, open, type } = editing();
    const [a, b] = [open('a.ts'), open('b.ts')];
    type(a, 100, 'x');
    type(a, 101, 'y');
    expect(recent.chunks()).toEqual([]);
    type(b, 5, 'z');
    const [chunk] = recent.chunks();
    expect(chunk).toMatchObject({ uri: a.uri, line: 101 });
    expect(chunk?.text).toContain('xconst value100 = 100;\nyconst value101');
    expect(chunk?.text.split('\n')).toHaveLength(24);
  });

  it('are one place while the changes are near, two when they are far apart', () => {
    const { recent, open, type } = editing();
    const a = open('a.ts');
    for (const line of [10, 30, 50]) type(a, line, '/');
    expect(recent.chunks()).toHaveLength(0);
    type(a, 150, '/');
    expect(recent.chunks().map(({ line }) => line)).toEqual([50]);
    type(a, 60, '/');
    expect(recent.chunks().map(({ line }) => line)).toEqual([150, 50]);
  });

  it('are sixteen at most, the oldest going first, and none has a line of data', () => {
    const { recent, open, type } = editing();
    for (let file = 0; file < 20; file++) type(open(`${file}.ts`), 3, '/');
    expect(recent.chunks()).toHaveLength(16);
    expect(recent.chunks()[0]?.uri).toContain('/18.ts');
    const minified = open('minified.ts', 'a'.repeat(5000));
    type(minified, 0, 'b');
    type(open('next.ts'), 0, '/');
    expect(recent.chunks()[0]?.uri).toContain('/19.ts');
    expect(recent.chunks().some(({ uri }) => uri.includes('minified'))).toBe(false);
  });
});

describe('what the model reads of them', () => {
  const header = 'function readHeader(reader) {\n  return reader.header;\n}';
  const place = placeAt('const reader = openReader(source);\nconst header = readHeader(reader|\n');
  const pick = (...chunks: [uri: string, text: string][]) =>
    createNeighbours((uri) => uri, {
      recent: {
        chunks: () => chunks.map(([uri, text]) => ({ uri, text, languageId: 'typescript', line: 0 })),
      },
    })
      .pick(place, [])
      .map(({ path }) => path);

  it('is what looks like the cursor, also where its document is closed', () => {
    expect(pick(['closed.ts', header], ['other.ts', 'export class Button { paint() { drawFrame(); } }'])).toEqual([
      'closed.ts',
    ]);
  });

  it('is neither the text at the cursor nor nearly a copy of it', () => {
    expect(pick([place.uri, place.before + place.after])).toEqual([]);
    expect(pick(['copy.ts', place.before + place.after])).toEqual([]);
  });

  it('may be of the same document, further away', () => {
    expect(pick([place.uri, header])).toEqual([place.uri]);
  });

  it('says nothing twice', () => {
    expect(pick(['a.ts', header], ['a.ts', `${header}\n`])).toEqual(['a.ts']);
  });
});

describe('declarations', () => {
  const declarations = () => [{ uri: 'file:///project/reader.ts', text: 'interface Reader { header: Header }' }];
  const place = placeAt('const header = reader.|\n');

  it('come before all that merely looks alike, and leave what is on the screen as it is', () => {
    const { pick, fingerprint } = createNeighbours((uri) => uri, { declarations });
    const alike = TextDocument.create(
      'file:///project/b.ts',
      'typescript',
      1,
      'const header = reader.header();\nnext();',
    );
    expect(pick(place, [alike]).map(({ path }) => path)).toEqual(['file:///project/reader.ts', alike.uri]);
    expect(fingerprint(place, [])).toBe(createNeighbours((uri) => uri).fingerprint(place, []));
  });
});
