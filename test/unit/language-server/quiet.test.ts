import { expect, it } from 'vitest';
import { TextDocument, type TextDocumentContentChangeEvent } from 'vscode-languageserver-textdocument';
import { createQuiet } from '../../../language-server/completion/quiet.ts';

const uri = 'file:///project/source.ts';
const change = (from: number, to: number, text: string): TextDocumentContentChangeEvent => ({
  range: { start: { line: 0, character: from }, end: { line: 0, character: to } },
  text,
});

it.each<[string, TextDocumentContentChangeEvent[], 'deleted' | undefined]>([
  ['one character', [change(1, 2, '')], 'deleted'],
  ['at several cursors', [change(4, 5, ''), change(1, 2, '')], 'deleted'],
  ['and put in its place', [change(1, 2, 'x')], undefined],
  ['here and put in there', [change(4, 5, ''), change(1, 1, 'x')], undefined],
  ['with the whole text', [{ text: '' }], undefined],
  ['by nobody: nothing changed', [], undefined],
])('what is deleted %s', (_, changes, reason) => {
  const quiet = createQuiet();
  const { create, update } = quiet.watching(TextDocument);
  const document = update(create(uri, 'typescript', 1, 'let abc;'), changes, 2);
  expect(quiet.reason(document)).toBe(reason);
  expect(quiet.reason(update(document, [change(0, 0, 'x')], 3))).toBeUndefined();
});

it('a snooze ends by itself', () => {
  let time = 1000;
  const quiet = createQuiet(() => time);
  const document = TextDocument.create(uri, 'typescript', 1, '');
  quiet.snooze({ until: 2000 });
  expect(quiet.reason(document)).toBe('snoozed');
  time = 2000;
  expect(quiet.reason(document)).toBeUndefined();
});

it('a document that is opened again has its past forgotten', () => {
  const quiet = createQuiet();
  const { create, update } = quiet.watching(TextDocument);
  quiet.undone({ textDocument: { uri, version: 2 } });
  const document = update(create(uri, 'typescript', 1, 'ab'), [change(0, 1, '')], 2);
  quiet.forget(uri);
  expect(quiet.reason(document)).toBeUndefined();
});

it.each([[null], [{}], [{ until: 'tomorrow' }], [{ textDocument: { uri: 1 } }]])(
  'does not stumble over %j',
  (params) => {
    const quiet = createQuiet();
    quiet.undone(params as never);
    quiet.snooze(params as never);
    expect(quiet.reason(TextDocument.create(uri, 'typescript', 1, ''))).toBeUndefined();
  },
);
