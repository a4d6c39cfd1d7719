/**
 * The server as any editor meets it: over stdio, driven by the public protocol library. What it has understood of the
 * document is what its engine was asked to read.
 */
import { afterEach, describe, expect, it } from 'vitest';
import {
  CancellationToken,
  CancellationTokenSource,
  type InlineCompletionItem,
  InlineCompletionRequest,
  InlineCompletionTriggerKind,
  LSPErrorCodes,
  type Position,
} from 'vscode-languageserver-protocol/node';
import { createRandom, type Random } from '../../engine/objective/random.ts';
import { FILL_METHOD } from '../../language-server/protocol.ts';
import { type Client, startClient } from './client.ts';
import { BEGUN_METHOD } from './script.ts';

const uri = 'file:///project/source.ts';
const clients: Client[] = [];
async function start(encoding?: string): Promise<Client> {
  const capabilities = encoding === undefined ? {} : { general: { positionEncodings: [encoding, 'utf-16'] } };
  const client = await startClient({ script: { span: 'seen();' }, capabilities });
  clients.push(client);
  return client;
}
afterEach(() => {
  for (const { process } of clients.splice(0)) process.kill('SIGKILL');
});

const lengthIn: Readonly<Record<string, (text: string) => number>> = {
  'utf-8': (text) => Buffer.byteLength(text),
  'utf-16': (text) => text.length,
  'utf-32': (text) => [...text].length,
};

/** The position before which `before` stands, in the client's own count. */
function positionAfter(before: string, encoding: string): Position {
  const lines = before.split(/\r\n|\r|\n/);
  return { line: lines.length - 1, character: lengthIn[encoding]?.(lines.at(-1) ?? '') ?? 0 };
}

/** A client's document: what an editor would hold, told to the server change by change. */
function openDocument({ connection }: Client, encoding: string, first: string) {
  let text = first;
  let version = 1;
  const opened = connection.sendNotification('textDocument/didOpen', {
    textDocument: { uri, languageId: 'typescript', version, text },
  });
  return {
    opened,
    text: () => text,
    /** Replaces [start, end) in UTF-16 units, several edits in one notification, each after the one before. */
    async change(...edits: [start: number, end: number, insert: string][]): Promise<void> {
      const contentChanges = edits.map(([start, end, insert]) => {
        const range = {
          start: positionAfter(text.slice(0, start), encoding),
          end: positionAfter(text.slice(0, end), encoding),
        };
        text = text.slice(0, start) + insert + text.slice(end);
        return { range, text: insert };
      });
      version++;
      await connection.sendNotification('textDocument/didChange', { textDocument: { uri, version }, contentChanges });
    },
    complete(offset: number, token?: CancellationToken): Promise<InlineCompletionItem[]> {
      const position = positionAfter(text.slice(0, offset), encoding);
      const context = { triggerKind: InlineCompletionTriggerKind.Invoked };
      const asked = { textDocument: { uri }, position, context };
      return connection.sendRequest(InlineCompletionRequest.method, asked, token ?? CancellationToken.None);
    },
    /** The text as the engine is given it around a blank at an offset. */
    async seen(client: Client, offset: number): Promise<string> {
      const at = positionAfter(text.slice(0, offset), encoding);
      await connection.sendRequest(FILL_METHOD, {
        textDocument: { uri, version },
        blanks: [{ range: { start: at, end: at } }],
      });
      const passage = (await client.calls()).asked.at(-1)?.passage;
      const [before = '', after = ''] = passage?.texts ?? [];
      return `${before}${passage?.blanks[0]?.forced}|${after}`;
    },
  };
}

const PIECES = ['a', '\n', '\r\n', '变量', '😀', '𝔘 = ', 'é', 'é', 'foo(', '\t', '  ', '👩‍👩‍👧', '/* 注释 */', ''];

/** Not within a surrogate pair or between CR and LF, where no cursor can stand. */
function cursorAt(text: string, offset: number): number {
  const [before, after] = [text[offset - 1] ?? '', text[offset] ?? ''];
  return /[\ud800-\udbff]/.test(before) || (before === '\r' && after === '\n') ? offset - 1 : offset;
}

function someOffset(text: string, random: Random): number {
  return cursorAt(text, random.below(text.length + 1));
}

/** Every third one replaces a few characters. */
function someEdit(text: string, random: Random): [start: number, end: number, insert: string] {
  const start = someOffset(text, random);
  const most = random.below(3) === 0 ? random.below(12) : 0;
  const end = Math.max(start, cursorAt(text, Math.min(text.length, start + most)));
  return [start, end, PIECES[random.below(PIECES.length)] ?? ''];
}

const unix = (text: string) => text.replace(/\r\n?/g, '\n');

describe.each(['utf-8', 'utf-16', 'utf-32'])('positions in %s', (encoding) => {
  it('are agreed on, and used for what is read and what is replaced', async () => {
    const client = await start(encoding);
    expect(client.capabilities.positionEncoding).toBe(encoding);
    const document = openDocument(client, encoding, "const 名字 = '😀'; // 注释\nfoo(名字)\n");
    const cursor = document.text().indexOf('名字)');
    await document.change([cursor, cursor + 2, '']);
    await client.script({ span: '名字, 😀)' });
    const from = positionAfter(document.text().slice(0, cursor), encoding);
    expect(await document.complete(cursor)).toEqual([
      { insertText: '名字, 😀)', range: { start: from, end: { ...from, character: from.character + 1 } } },
    ]);
    expect(await document.seen(client, cursor)).toBe(`${document.text().slice(0, cursor)}|)\n`);
  });

  it('stay in step over random incremental changes with CJK, emoji and every line ending', async () => {
    const client = await start(encoding);
    const random = createRandom(encoding.length * 7 + encoding.charCodeAt(4));
    const document = openDocument(client, encoding, 'let 一 = "😀";\r\nlet b = 2;\n');
    for (let round = 0; round < 40; round++) {
      const changes = 1 + random.below(3);
      for (let each = 0; each < changes; each++) await document.change(someEdit(document.text(), random));
      const offset = someOffset(document.text(), random);
      const [before, after] = [document.text().slice(0, offset), document.text().slice(offset)];
      expect(await document.seen(client, offset)).toBe(`${unix(before)}|${unix(after)}`);
    }
  });

  it('count from the change before in one notification', async () => {
    const client = await start(encoding);
    const document = openDocument(client, encoding, '😀\n');
    await document.change([2, 2, '变'], [3, 3, '= 😀'], [0, 2, '']);
    expect(document.text()).toBe('变= 😀\n');
    expect(await document.seen(client, 5)).toBe('变= 😀|\n');
  });
});

describe('what a client may expect of any server', () => {
  it('takes UTF-16 where the client names no encoding, or none that is known', async () => {
    expect((await start()).capabilities.positionEncoding).toBe('utf-16');
    expect((await start('utf-7')).capabilities.positionEncoding).toBe('utf-16');
  });

  it('answers a cancelled request, and the next one after it', async () => {
    const client = await start();
    const document = openDocument(client, 'utf-16', 'let a = \n');
    await client.script({ span: '1;', hold: 'until aborted' });
    const begun = client.next(BEGUN_METHOD);
    const cancel = new CancellationTokenSource();
    const refused = expect(document.complete(8, cancel.token)).rejects.toMatchObject({
      code: LSPErrorCodes.RequestCancelled,
    });
    await begun;
    cancel.cancel();
    await refused;
    await client.script({ span: '1;' });
    expect(await document.complete(8)).toMatchObject([{ insertText: '1;' }]);
  });

  it('refuses requests that it does not know, and ignores such notifications', async () => {
    const client = await start();
    await client.connection.sendNotification('textDocument/unheardOf', {});
    await expect(client.connection.sendRequest('textDocument/unheardOf', {})).rejects.toMatchObject({ code: -32601 });
    const document = openDocument(client, 'utf-16', 'let a = \n');
    expect(await document.complete(8)).toMatchObject([{ insertText: 'seen();' }]);
  });
});

describe('killed at random while somebody types', () => {
  it('is in step after each of 50 restarts, and the next suggestion comes', { timeout: 600_000 }, async () => {
    const random = createRandom(50);
    let client = await start();
    let document = openDocument(client, 'utf-16', 'let 一 = 1;\n');
    for (let kill = 0; kill < 50; kill++) {
      const keys = random.below(12);
      for (let key = 0; key < keys; key++) {
        const edit = someEdit(document.text(), random);
        void document.change(edit).catch(() => undefined);
        void document.complete(someOffset(document.text(), random)).catch(() => undefined);
      }
      if (random.below(2) === 0) await document.seen(client, document.text().length);
      client.process.kill('SIGKILL');

      client = await start();
      document = openDocument(client, 'utf-16', document.text());
      expect(await document.seen(client, document.text().length)).toBe(`${unix(document.text())}|`);
      const end = document.text().length;
      await document.change([end, end, '\nlet z = ']);
      expect(await document.complete(document.text().length)).toMatchObject([{ insertText: 'seen();' }]);
      expect(await document.seen(client, document.text().length)).toBe(`${unix(document.text())}|`);
    }
  });
});
