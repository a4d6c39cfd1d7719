import { expect, it } from 'vitest';
import { shape } from '../../../language-server/completion/shape.ts';
import { createIndentations } from '../../../language-server/indentations.ts';
import { placeAt } from './text.ts';

const textDocument = { uri: 'file:///new.ts' };

it('keeps what a client says of a document, and only what is a unit', () => {
  const indentations = createIndentations();
  indentations.tell({ textDocument, unit: '\t' });
  for (const unit of ['', 'tab', '  \t', ' '.repeat(17), 4 as unknown as string])
    indentations.tell({ textDocument, unit });
  indentations.tell(null);
  indentations.tell({ unit: '  ' });
  expect(indentations.of(textDocument.uri)).toBe('\t');
  indentations.forget(textDocument.uri);
  expect(indentations.of(textDocument.uri)).toBeUndefined();
});

it('forgets the documents it was told of longest ago', () => {
  const indentations = createIndentations();
  for (let i = 0; i <= 100; i++) indentations.tell({ textDocument: { uri: `file:///${i}` }, unit: '  ' });
  expect(indentations.of('file:///0')).toBeUndefined();
  expect(indentations.of('file:///1')).toBe('  ');
});

const NEW_FILE = 'export function f(a: number) {|';
const WRITTEN = '\n  if (a) {\n    g();\n  }\n}';

it.each([
  ['a tab', '\t', '\n\tif (a) {\n\t\tg();\n\t}\n}'],
  ['four spaces', '    ', '\n    if (a) {\n        g();\n    }\n}'],
  ['two spaces, as the model writes', '  ', WRITTEN],
  ['nothing said', undefined, WRITTEN],
])('in a file where nothing is indented, levels are as the editor has them: %s', (_, indentation, shown) => {
  const place = { ...placeAt(NEW_FILE), indentation };
  expect(shape({ text: WRITTEN, finish: 'eop' }, place, 'many')).toBe(shown);
  const tabs = WRITTEN.replaceAll('  ', '\t');
  expect(shape({ text: tabs, finish: 'eop' }, place, 'many')).toBe(indentation ? shown : tabs);
});

it('what the document does comes before what the editor says', () => {
  const place = { ...placeAt('if (b) {\n  c();\n}\nif (a) {|'), indentation: '\t' };
  expect(shape({ text: '\n  d();\n}', finish: 'eop' }, place, 'many')).toBe('\n  d();\n}');
});
