import { afterEach, describe, expect, it } from 'vitest';
import { CancellationTokenSource, LSPErrorCodes } from 'vscode-languageserver-protocol/node';
import { at, type Client, type ClientOptions, itemsOf, request, startClient } from './client.ts';
import { ABORTED_METHOD, BEGUN_METHOD, RELEASE_METHOD } from './script.ts';

let client: Client;
const start = async (options: ClientOptions = {}) => {
  client = await startClient(options);
  return client;
};
afterEach(() => void client.process.kill('SIGKILL'));

describe.each(['stdio', 'node-ipc'] as const)('over %s', (transport) => {
  it('initializes, completes, shuts down', async () => {
    const { complete, open, close, status, capabilities } = await start({ transport, script: { span: ' 1;' } });
    expect(capabilities).toMatchObject({ inlineCompletionProvider: {}, positionEncoding: 'utf-16' });
    const uri = await open('const x =\n');
    expect(await complete(uri, 0, 9)).toEqual([
      { insertText: ' 1;', range: { start: { line: 0, character: 9 }, end: { line: 0, character: 9 } } },
    ]);
    expect(await status('ready')).toMatchObject({ model: 'scripted', device: 'paper' });
    expect(await close()).toBe(0);
  });
});

describe('what the engine is asked', () => {
  it('reads the text around the blank, with what was typed in it as its forced start', async () => {
    const { complete, open, calls } = await start({ script: { span: ' value;' } });
    const uri = await open('const a = 1;\nconst b = va\nconst c = 3;\n', 'file:///project/src/some%20file.ts');
    expect(await complete(uri, 1, 12)).toMatchObject([{ insertText: 'lue;' }]);
    const [call] = (await calls()).fills;
    expect(call?.passage).toEqual({
      path: 'src/some file.ts',
      languageId: 'typescript',
      before: 'const a = 1;\nconst b =',
      after: '\nconst c = 3;\n',
      reachesEnd: true,
      forced: ' va',
      neighbours: [],
      kind: 'sentence',
    });
  });

  it('keeps the blank where it opened while the user types in it', async () => {
    const { complete, open, edit, calls } = await start({ script: { span: '' } });
    const uri = await open('const a = \n');
    await complete(uri, 0, 10);
    await edit(uri, 0, 10, 10, 'f');
    await complete(uri, 0, 11);
    await edit(uri, 0, 11, 11, 'oo(1, b');
    await complete(uri, 0, 18);
    const { fills } = await calls();
    expect(fills.map(({ passage }) => [passage.before, passage.forced])).toEqual([
      ['const a =', ' '],
      ['const a =', ' f'],
      ['const a =', ' foo(1, b'],
    ]);
  });

  it('counts in UTF-16 units', async () => {
    const { complete, open, calls } = await start({ script: { span: '!?' } });
    const uri = await open('const 名前 = "😀x"; \n');
    const [item] = await complete(uri, 0, 15);
    expect((await calls()).fills[0]?.passage.before).toBe('const 名前 = "😀');
    expect((await calls()).fills[0]?.passage.forced).toBe('x');
    expect(item).toMatchObject({ insertText: '!?', range: { start: { line: 0, character: 15 } } });
  });

  it('speaks the line breaks of the document, and hears none of them', async () => {
    const { complete, open, calls } = await start({ script: { span: '\n  b();\n}' } });
    const uri = await open('x();\r\nif (a) {\r\n\r\ny();\r\n');
    expect(await complete(uri, 1, 8)).toMatchObject([{ insertText: '\r\n  b();\r\n}' }]);
    expect((await calls()).fills[0]?.passage).toMatchObject({ before: 'x();\nif (a) {', after: '\n\ny();\n' });
  });

  it('adds similar snippets of other open documents', async () => {
    const { complete, open, calls } = await start({ script: { span: '' } });
    await open(
      'export function parseHeader(buffer) { return buffer.readHeader(); }\nconst other = unrelated();\n',
      'file:///project/header.ts',
    );
    await open('parseHeader(buffer)', 'file:///project/header.py', 'python');
    const uri = await open('import { parseHeader } from "./header";\nconst header = parseHeader(buffer, \n');
    await complete(uri, 1, 35);
    expect((await calls()).fills[0]?.passage.neighbours).toMatchObject([{ path: 'header.ts' }]);
  });

  it('extends the selected entry of the completion list', async () => {
    const { connection, open, calls } = await start({ script: { span: 'console.log(a);' } });
    const uri = await open('con\n');
    const range = { start: { line: 0, character: 0 }, end: { line: 0, character: 3 } };
    const context = { triggerKind: 2, selectedCompletionInfo: { range, text: 'console' } };
    const answer = await connection.sendRequest(request, { ...at(uri, 0, 3), context });
    expect(itemsOf(answer)).toEqual([{ insertText: 'console.log(a);', range }]);
    expect((await calls()).fills[0]?.passage.forced).toBe('console');
  });
});

describe('while the user types', () => {
  it('answers what is typed as suggested without the engine', async () => {
    const { complete, open, edit, calls } = await start({ script: { span: ' sum(a, 2);' } });
    const uri = await open('let b =\nlet c = 3;\n');
    expect(await complete(uri, 0, 7)).toMatchObject([{ insertText: ' sum(a, 2);' }]);
    await edit(uri, 0, 7, 7, ' su');
    expect(await complete(uri, 0, 10)).toMatchObject([{ insertText: 'm(a, 2);' }]);
    await edit(uri, 0, 10, 10, 'm()');
    expect(await complete(uri, 0, 12)).toMatchObject([
      { insertText: 'a, 2);', range: { start: { line: 0, character: 12 }, end: { line: 0, character: 13 } } },
    ]);
    expect((await calls()).fills).toHaveLength(1);
  });

  it('asks again when something else is typed', async () => {
    const { complete, open, edit, script, calls } = await start({ script: { span: ' sum(a, 2);' } });
    const uri = await open('let b =\n');
    await complete(uri, 0, 7);
    await script({ span: ' max(a, 2);' });
    await edit(uri, 0, 7, 7, ' m');
    expect(await complete(uri, 0, 9)).toMatchObject([{ insertText: 'ax(a, 2);' }]);
    expect((await calls()).fills).toHaveLength(2);
  });

  it('stops the engine when the client cancels', async () => {
    const { connection, open, next, calls } = await start({ script: { span: '1;', hold: 'until aborted' } });
    const uri = await open('let b = \n');
    const begun = next(BEGUN_METHOD);
    const aborted = next(ABORTED_METHOD);
    const cancel = new CancellationTokenSource();
    const answer = connection.sendRequest(request, at(uri, 0, 8), cancel.token);
    await begun;
    cancel.cancel();
    await expect(answer).rejects.toMatchObject({ code: LSPErrorCodes.RequestCancelled });
    await aborted;
    expect((await calls()).fills).toMatchObject([{ outcome: 'aborted' }]);
  });

  it('lets the newest of two requests win, one call at a time', async () => {
    const { complete, open, edit, next, connection, calls } = await start({
      script: { span: ' b;', hold: 'until aborted' },
    });
    const uri = await open('let a =\n');
    const begun = next(BEGUN_METHOD);
    const first = complete(uri, 0, 7);
    await begun;
    const begunAgain = next(BEGUN_METHOD);
    await edit(uri, 0, 7, 7, ' ');
    const second = complete(uri, 0, 8);
    expect(await first).toEqual([]);
    await begunAgain;
    await connection.sendNotification(RELEASE_METHOD);
    expect(await second).toMatchObject([{ insertText: 'b;' }]);
    const { fills, atOnce } = await calls();
    expect(fills.map((call) => call.outcome)).toEqual(['aborted', 'done']);
    expect(atOnce).toBe(1);
  });

  it('waits for an engine that is slow to stop, and skips what was overtaken meanwhile', async () => {
    const { complete, open, connection, next, calls } = await start({ script: { span: '1;', hold: 'until released' } });
    const uri = await open('let a = \nlet b = \nlet c = \n');
    const begun = next(BEGUN_METHOD);
    const first = complete(uri, 0, 8);
    await begun;
    const second = complete(uri, 1, 8);
    const third = complete(uri, 2, 8);
    expect(await Promise.all([first, second])).toEqual([[], []]);
    const begunAgain = next(BEGUN_METHOD);
    await connection.sendNotification(RELEASE_METHOD);
    await begunAgain;
    await connection.sendNotification(RELEASE_METHOD);
    expect(await third).toMatchObject([{ insertText: '1;' }]);
    const { fills, atOnce } = await calls();
    expect(fills.map(({ passage }) => passage.before)).toEqual(['let a =', 'let a = \nlet b = \nlet c =']);
    expect(atOnce).toBe(1);
  });

  it('asks for one line in the middle of a line, and says nothing inside a word', async () => {
    const { complete, open, connection, calls } = await start({ script: { span: ' left' } });
    const uri = await open('const x = + right;\n');
    expect(await complete(uri, 0, 9)).toMatchObject([{ insertText: ' left' }]);
    expect((await calls()).fills[0]?.options).toMatchObject({
      singleLine: true,
      maxTokens: 64,
      contextTokens: 800,
      temperature: 0,
    });
    expect(await complete(uri, 0, 3)).toEqual([]);
    const invoked = { ...at(uri, 0, 3), context: { triggerKind: 1 } };
    expect(itemsOf(await connection.sendRequest(request, invoked))).not.toEqual([]);
  });
});
