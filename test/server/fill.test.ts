import { afterEach, describe, expect, it } from 'vitest';
import {
  CancellationToken,
  CancellationTokenSource,
  ErrorCodes,
  LSPErrorCodes,
} from 'vscode-languageserver-protocol/node';
import { FILL_METHOD, type FillParams, type FillResult } from '../../language-server/protocol.ts';
import { type Client, type ClientOptions, startClient } from './client.ts';
import { ABORTED_METHOD, BEGUN_METHOD, RELEASE_METHOD } from './script.ts';

let client: Client;
const start = async (options: ClientOptions = {}) => {
  client = await startClient(options);
  return client;
};
afterEach(() => void client.process.kill('SIGKILL'));

const range = (line: number, from: number, to: number, lastLine = line) => ({
  start: { line, character: from },
  end: { line: lastLine, character: to },
});
const text = 'const a = 1;\nconst b = 2;\nreturn a;\n';
const [first, second, third] = [range(0, 10, 11), range(1, 10, 11), range(2, 7, 8)];
const rangesOfValues = [first, second, third];

function params(uri: string, more: Partial<FillParams> = {}, version = 1): FillParams {
  return { textDocument: { uri, version }, blanks: rangesOfValues.map((range) => ({ range })), ...more };
}
const fill = (given: unknown, token?: CancellationToken): Promise<FillResult> =>
  client.connection.sendRequest<FillResult>(FILL_METHOD, given, token ?? CancellationToken.None);
const texts = ({ blanks }: FillResult) => blanks.map(({ newText }) => newText);

describe('cloze/fill', () => {
  it('fills several blanks in one call, and answers in the order of the request', async () => {
    const { open, calls } = await start({ script: { span: '', spans: ['one()', 'two()', 'a + b'] } });
    const uri = await open(text, 'file:///project/src/some%20file.ts');
    const blanks = [third, first, second].map((range) => ({ range }));
    expect(await fill({ textDocument: { uri, version: 1 }, blanks })).toEqual({
      blanks: [
        { range: third, newText: 'a + b', confidence: 1 },
        { range: first, newText: 'one()', confidence: 1 },
        { range: second, newText: 'two()', confidence: 1 },
      ],
    });
    const { asked, fills } = await calls();
    expect(fills).toEqual([]);
    expect(asked.map(({ passage }) => passage)).toEqual([
      {
        path: 'src/some file.ts',
        languageId: 'typescript',
        texts: ['const a =', ';\nconst b =', ';\nreturn', ';\n'],
        blanks: Array(3).fill({ state: 'open', forced: ' ' }),
        reachesEnd: true,
        neighbours: [],
        kind: 'sentence',
        order: 'text',
      },
    ]);
  });

  it('says so where the model filled them one by one', async () => {
    const { open } = await start({ script: { span: 'one()', oneByOne: true } });
    const uri = await open(text);
    const blanks = [first, second].map((range) => ({ range }));
    expect(await fill({ textDocument: { uri, version: 1 }, blanks })).toMatchObject({ oneByOne: true });
  });

  it('refills around what is kept', async () => {
    const { open, calls } = await start({ script: { span: '', spans: ['one()', 'a + b'] } });
    const uri = await open(text);
    const answer = await fill(params(uri, { blanks: [{ range: first }, { range: third }], kept: [{ range: second }] }));
    expect(texts(answer)).toEqual(['one()', 'a + b']);
    const { asked } = await calls();
    expect(asked[0]?.passage.texts).toEqual(['const a =', ';\nconst b = ', ';\nreturn', ';\n']);
    expect(asked[0]?.passage.blanks.map(({ state, forced }) => [state, forced])).toEqual([
      ['open', ' '],
      ['kept', '2'],
      ['open', ' '],
    ]);
  });

  it('puts a hint before the blank, on its own line where the blank takes the rest of the line', async () => {
    const { open, calls } = await start({ script: { span: 'x' } });
    const uri = await open('{\n  // TODO: sort\n  f(/* TODO: name */, 1);\n}\n');
    const blanks = [
      { range: range(1, 2, 15), hint: '// TODO: sort' },
      { range: range(2, 4, 20), hint: '/* TODO: name */' },
    ];
    await fill(params(uri, { blanks }));
    expect((await calls()).asked[0]?.passage).toMatchObject({
      texts: ['{\n  // TODO: sort\n  ', '\n  f(/* TODO: name */', ', 1);\n}\n'],
      blanks: [{ forced: '' }, { forced: ' ', lines: 1 }],
    });
  });

  it('limits lines by the length that was asked for, and to one before other text', async () => {
    const { open, calls } = await start({ script: { span: 'x' } });
    const uri = await open('a = 1\nb = 2 + c\n');
    const blanks = [{ range: range(0, 4, 5) }, { range: range(1, 4, 5) }];
    for (const length of [undefined, 'line', 'block', 3] as const) {
      await fill(params(uri, { blanks, options: length === undefined ? {} : { length } }));
    }
    const { asked } = await calls();
    expect(asked.map(({ passage }) => passage.blanks.map(({ lines }) => lines))).toEqual([
      [undefined, 1],
      [1, 1],
      [undefined, 1],
      [3, 1],
    ]);
    expect(asked.map(({ options }) => options.maxTokens)).toEqual([256, 64, 256, 96]);
  });

  it('shapes what the model says: line breaks, indentation, what follows', async () => {
    const { open } = await start({ script: { span: '', spans: ['if (x) {\n    a();\n  }', 'x);', 'y  \n'] } });
    const uri = await open('function f() {\r\n  A;\r\n  g(B);\r\n  C\r\n}\r\n');
    const blanks = [range(1, 2, 4), range(2, 4, 5), range(3, 2, 3)].map((range) => ({ range }));
    expect(texts(await fill(params(uri, { blanks })))).toEqual(['if (x) {\r\n    a();\r\n  }', 'x', 'y']);
  });

  it('reads an instruction as a comment above the first blank', async () => {
    const { open, calls } = await start({ script: { span: 'x' } });
    const uri = await open('def f():\n    a = 1\n    return b\n', 'file:///project/a.py', 'python');
    const blanks = [{ range: range(2, 11, 12) }];
    const kept = [{ range: range(1, 8, 9) }];
    await fill({ textDocument: { uri, version: 1 }, blanks, kept, instruction: ' use\n  async/await ' });
    await fill({ textDocument: { uri, version: 1 }, blanks: [{ range: range(0, 4, 5) }], instruction: 'short' });
    expect((await calls()).asked.map(({ passage }) => passage.texts)).toEqual([
      ['def f():\n    a = ', '\n    # use async/await\n    return', '\n'],
      ['# short\ndef', '():\n    a = 1\n    return b\n'],
    ]);
  });

  it('reads the lines around blanks of other documents that are filled along', async () => {
    const { open, calls } = await start({ script: { span: 'x' } });
    const other = await open('let a = 0;\r\nlet …;\r\n', 'file:///project/other.py', 'python');
    const uri = await open(text);
    const alongside = [{ textDocument: { uri: other }, range: range(1, 4, 5) }];
    await fill(params(uri, { alongside }));
    expect((await calls()).asked[0]?.passage.neighbours).toEqual([{ path: 'other.py', text: 'let a = 0;\nlet …;\n' }]);
  });

  it('has them filled in the order of the text, or as is asked for', async () => {
    const { open, calls } = await start({ script: { span: 'x' } });
    const uri = await open(text);
    for (const options of [{}, { order: 'certain' as const }]) await fill(params(uri, { options }));
    expect((await calls()).asked.map(({ passage }) => passage.order)).toEqual(['text', 'certain']);
  });

  it('draws other candidates by their number', async () => {
    const { open, calls } = await start({ script: { span: 'x' } });
    const uri = await open(text);
    for (const candidate of [0, 1, 7]) await fill(params(uri, { options: { candidate } }));
    const drawn = (await calls()).asked.map(({ options }) => [options.temperature > 0, options.seed]);
    expect(drawn).toEqual([
      [false, 0],
      [true, 1],
      [true, 7],
    ]);
  });

  it('says nothing where the model has nothing to say', async () => {
    const { open } = await start({ script: { span: '', spans: ['one', ' \n', 'two'] } });
    expect(texts(await fill(params(await open(text))))).toEqual(['one', '', 'two']);
  });
});

describe('beside inline completions', () => {
  it('is not given up for a keystroke, whose completion waits', async () => {
    const { open, complete, next, connection, calls } = await start({ script: { span: '99', hold: 'until aborted' } });
    const uri = await open(text);
    const begun = next(BEGUN_METHOD);
    const answer = fill(params(uri));
    await begun;
    const first = complete(uri, 0, 12);
    const second = complete(uri, 1, 12);
    expect(await first).toEqual([]);
    const begunAgain = next(BEGUN_METHOD);
    await connection.sendNotification(RELEASE_METHOD);
    expect(texts(await answer)).toEqual(['99', '99', '99']);
    await begunAgain;
    await connection.sendNotification(RELEASE_METHOD);
    expect(await second).toMatchObject([{ insertText: '99' }]);
    const { fills, asked, atOnce } = await calls();
    expect([...asked, ...fills].map(({ outcome }) => outcome)).toEqual(['done', 'done']);
    expect(atOnce).toBe(1);
  });

  it('overtakes a completion that runs', async () => {
    const { open, complete, next, script, calls } = await start({ script: { span: '9', hold: 'until aborted' } });
    const uri = await open(text);
    const begun = next(BEGUN_METHOD);
    const completion = complete(uri, 0, 12);
    await begun;
    await script({ span: '8' });
    expect(texts(await fill(params(uri)))).toEqual(['8', '8', '8']);
    expect(await completion).toEqual([]);
    expect((await calls()).fills).toMatchObject([{ outcome: 'aborted' }]);
  });

  it('is overtaken by a newer fill', async () => {
    const { open, next, script } = await start({ script: { span: '9', hold: 'until aborted' } });
    const uri = await open(text);
    const begun = next(BEGUN_METHOD);
    const older = fill(params(uri));
    const refused = expect(older).rejects.toMatchObject({ code: LSPErrorCodes.ServerCancelled });
    await begun;
    await script({ span: '8' });
    expect(texts(await fill(params(uri)))).toEqual(['8', '8', '8']);
    await refused;
  });

  it('stops the engine when it is cancelled', async () => {
    const { open, next, calls } = await start({ script: { span: '9', hold: 'until aborted' } });
    const uri = await open(text);
    const [begun, aborted] = [next(BEGUN_METHOD), next(ABORTED_METHOD)];
    const cancel = new CancellationTokenSource();
    const answer = fill(params(uri), cancel.token);
    const refused = expect(answer).rejects.toMatchObject({ code: LSPErrorCodes.RequestCancelled });
    await begun;
    cancel.cancel();
    await refused;
    await aborted;
    expect((await calls()).asked).toMatchObject([{ outcome: 'aborted' }]);
  });
});

describe('what cannot be filled', () => {
  const { InvalidParams } = ErrorCodes;
  const { ContentModified, RequestFailed } = LSPErrorCodes;
  const blanksAt = (...ranges: unknown[]) => ({ blanks: ranges.map((range) => ({ range })) });
  const uri = 'file:///project/source.ts';
  const cases: [name: string, given: unknown, code: number, message: RegExp][] = [
    ['no blanks', { ...params(uri), blanks: [] }, InvalidParams, /nothing to fill/],
    [
      'overlapping',
      { ...params(uri), ...blanksAt(range(0, 2, 8), range(0, 7, 9)) },
      InvalidParams,
      /1:3-1:9 and 1:8-1:10 overlap/,
    ],
    ['twice the same', { ...params(uri), ...blanksAt(range(0, 2, 2), range(0, 2, 2)) }, InvalidParams, /overlap/],
    ['overlapping a kept one', { ...params(uri), kept: [{ range: range(0, 5, 12) }] }, InvalidParams, /overlap/],
    ['outside the document', { ...params(uri), ...blanksAt(range(0, 2, 99)) }, InvalidParams, /1:3-1:100 lies outside/],
    ['backwards', { ...params(uri), ...blanksAt(range(0, 8, 2)) }, InvalidParams, /ends before it starts/],
    ['without a range', { ...params(uri), blanks: [null] }, InvalidParams, /needs a range/],
    [
      'too many',
      { ...params(uri), ...blanksAt(...Array.from({ length: 17 }, (_, i) => range(0, i, i))) },
      InvalidParams,
      /17 blanks .* limit of 16/,
    ],
    ['of another version', params(uri, {}, 7), ContentModified, /at version 1, the blanks at version 7/],
    ['of a document that is not open', params('file:///project/other.ts'), InvalidParams, /other\.ts is not open/],
    ['of no document', {}, InvalidParams, /textDocument/],
    ['with a strange candidate', { ...params(uri), options: { candidate: -1 } }, InvalidParams, /-1.*whole number/],
    ['with an instruction that is no text', { ...params(uri), instruction: 7 }, InvalidParams, /instruction/],
    [
      'along with a document that is not open',
      { ...params(uri), alongside: [{ textDocument: { uri: 'file:///no.ts' }, range: first }] },
      InvalidParams,
      /alongside/,
    ],
    ['with a strange order', { ...params(uri), options: { order: 'length' } }, InvalidParams, /"length".*"certain"/],
    ['with a strange length', { ...params(uri), options: { length: 'some' } }, InvalidParams, /"some".*"line"/],
  ];
  it.each(cases)('blanks: %s', async (_, given, code, message) => {
    const { open, calls } = await start({ script: { span: 'x' } });
    await open(text, uri);
    await expect(fill(given)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect((await calls()).asked).toEqual([]);
  });

  it('a text that changes while it is filled', async () => {
    const { open, edit, next, connection } = await start({ script: { span: '9', hold: 'until released' } });
    await open(text, uri);
    const begun = next(BEGUN_METHOD);
    const answer = fill(params(uri));
    const refused = expect(answer).rejects.toMatchObject({ code: ContentModified });
    await begun;
    await edit(uri, 0, 0, 0, ' ');
    await connection.sendNotification(RELEASE_METHOD);
    await refused;
  });

  it('without a model, and when the model fails', async () => {
    const { open, status, script, connection } = await start({ script: { span: '9', loadFails: 'no config.json' } });
    await open(text, uri);
    await status('failed');
    await expect(fill(params(uri))).rejects.toMatchObject({
      code: RequestFailed,
      message: 'Cloze has no model: no config.json',
    });
    await script({ span: '9', fails: 'out of memory' });
    const settings = { cloze: { enable: false } };
    await connection.sendNotification('workspace/didChangeConfiguration', { settings });
    await expect(fill(params(uri))).rejects.toMatchObject({ message: expect.stringContaining('cloze.enable') });
    await connection.sendNotification('workspace/didChangeConfiguration', { settings: { cloze: {} } });
    await expect(fill(params(uri))).rejects.toMatchObject({ code: RequestFailed, message: 'out of memory' });
    await script({ span: '9' });
    expect(texts(await fill(params(uri)))).toEqual(['9', '9', '9']);
  });
});
