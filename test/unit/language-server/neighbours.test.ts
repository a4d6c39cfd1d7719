import { describe, expect, it } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { identifiersOf, jaccard } from '../../../engine/infill/neighbour-windows.ts';
import { createNeighbours } from '../../../language-server/neighbours.ts';
import { placeAt } from './text.ts';

const document = (name: string, text: string, languageId = 'typescript', version = 1) =>
  TextDocument.create(`file:///project/${name}`, languageId, version, text);
const place = placeAt('const reader = openReader(source);\nconst header = readHeader(reader|\n');
const similar = 'function readHeader(reader) {\n  return reader.header;\n}\n';
const unrelated = 'export class Button extends Widget { paint() { drawFrame(); } }\n';
const pick = (...documents: TextDocument[]) =>
  createNeighbours((uri) => uri.slice('file:///project/'.length))
    .pick(place, documents)
    .map((neighbour) => neighbour.path);

describe('snippets of other documents', () => {
  it('share identifiers with the place of the cursor', () => {
    expect(pick(document('button.ts', unrelated), document('header.ts', similar))).toEqual(['header.ts']);
  });

  it('come from the window that is most similar', () => {
    const text = `${unrelated.repeat(60)}${similar}${unrelated.repeat(60)}`;
    const [snippet] = createNeighbours((uri) => uri).pick(place, [document('long.ts', text)]);
    expect(snippet?.text).toContain('readHeader');
    expect(snippet?.text.split('\n')).toHaveLength(40);
  });

  it('come from the same family of languages', () => {
    const documents = [document('a.py', similar, 'python'), document('b.jsx', similar, 'javascriptreact')];
    expect(pick(...documents)).toEqual(['b.jsx']);
  });

  it('are not the document itself, nor a copy of it', () => {
    const copy = place.before + place.after;
    expect(pick(document('source.ts', similar), document('copy.ts', copy))).toEqual([]);
  });

  it('are at most three, the most similar first', () => {
    const less = `${similar}\nfunction another(thing, stuff) { return thing.plus(stuff).minus(thing); }\n`;
    const names = ['b.ts', 'c.ts', 'd.ts', 'e.ts'].map((name) => document(name, less));
    expect(pick(...names, document('best.ts', similar))).toEqual(['best.ts', 'b.ts', 'c.ts']);
  });

  it('are told apart by version', () => {
    const { fingerprint } = createNeighbours((uri) => uri);
    const now = fingerprint(place, [document('a.ts', 'a')]);
    expect(fingerprint(place, [document('a.ts', 'ab', 'typescript', 2)])).not.toBe(now);
    expect(fingerprint(place, [document('a.ts', 'a'), document('a.py', 'a', 'python')])).toBe(now);
  });
});

it('similarity is shared over all', () => {
  expect(identifiersOf('if (käse > $a1) return käse_2')).toEqual(new Set(['käse', '$a1', 'return', 'käse_2']));
  expect(jaccard(new Set(['a', 'b', 'c']), new Set(['b', 'c', 'd']))).toBe(0.5);
  expect(jaccard(new Set(), new Set())).toBe(0);
});
