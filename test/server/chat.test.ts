import { afterEach, describe, expect, it } from 'vitest';
import {
  CancellationToken,
  CancellationTokenSource,
  ErrorCodes,
  LSPErrorCodes,
} from 'vscode-languageserver-protocol/node';
import {
  CHAT_METHOD,
  CHAT_MODELS_METHOD,
  CHAT_TEXT_METHOD,
  type ChatModelsResult,
  type ChatParams,
  type ChatResult,
  type ChatText,
  REMOTE_KEY_METHOD,
} from '../../language-server/protocol.ts';
import { type ChatServer, startChatServer } from './chat-server.ts';
import { type Client, type ClientOptions, startClient } from './client.ts';
import { ABORTED_METHOD, BEGUN_METHOD } from './script.ts';

let client: Client;
let remote: ChatServer | undefined;
let heard: ChatText[];
const start = async (options: ClientOptions = {}) => {
  client = await startClient(options);
  heard = [];
  client.connection.onNotification(CHAT_TEXT_METHOD, (text: ChatText) => void heard.push(text));
};
/** A server elsewhere with these settings for it. */
const startRemote = async (...given: Parameters<typeof startChatServer>) => {
  remote = await startChatServer(...given);
  await start({ initializationOptions: { offline: false, chat: { server: remote.url } } });
  return remote;
};
afterEach(() => {
  client.process.kill('SIGKILL');
  remote?.dispose();
  remote = undefined;
});

const QUESTION = { id: 'a', messages: [{ role: 'user', content: 'Why?' }] } satisfies Partial<ChatParams>;
const models = () => client.connection.sendRequest<ChatModelsResult>(CHAT_MODELS_METHOD);
const ask = (params: unknown, token: CancellationToken = CancellationToken.None) =>
  client.connection.sendRequest<ChatResult>(CHAT_METHOD, params, token);
const said = () => heard.map(({ text }) => text).join('');

/** Says one piece and then nothing more. */
async function* begins(text: string) {
  yield text;
  await new Promise(() => undefined);
}

describe('a model that fills blanks', () => {
  it('is listed as such, and does not pretend to converse', async () => {
    await start();
    expect(await models()).toEqual({
      models: [{ id: 'local', name: 'scripted', place: 'paper', remote: false, does: 'fill' }],
    });
    await expect(ask({ ...QUESTION, model: 'local' })).rejects.toMatchObject({
      code: LSPErrorCodes.RequestFailed,
      message: expect.stringContaining('scripted fills blanks and was not trained to converse'),
    });
    expect(heard).toEqual([]);
  });
});

describe('a local model that converses', () => {
  it('answers piece by piece', async () => {
    await start({ script: { span: '', chat: ['Be', 'cause.'] } });
    const [model] = (await models()).models;
    expect(model).toMatchObject({ id: 'local', does: 'chat', contextTokens: 1000 });
    expect(await ask({ ...QUESTION, model: 'local' })).toMatchObject({ finish: 'end' });
    expect(heard).toEqual([
      { id: 'a', text: 'Be' },
      { id: 'a', text: 'cause.' },
    ]);
  });

  it('is not taken away by a completion, and stops when it is cancelled', async () => {
    await start({ script: { span: 'x', chat: ['never'], hold: 'until aborted' } });
    const uri = await client.open('const a = \n');
    const begun = client.next(BEGUN_METHOD);
    const source = new CancellationTokenSource();
    const answer = ask({ ...QUESTION, model: 'local' }, source.token);
    await begun;
    void client.complete(uri, 0, 10).catch(() => undefined);
    const aborted = client.next(ABORTED_METHOD);
    source.cancel();
    await expect(answer).rejects.toMatchObject({ code: LSPErrorCodes.RequestCancelled });
    await aborted;
    expect(heard).toEqual([]);
  });
});

describe('a server elsewhere', () => {
  it('is listed with what its models hold, and streams its answer', async () => {
    const { url, asked } = await startRemote(() => ['Be', 'cause.']);
    expect((await models()).models.slice(1)).toEqual([
      { id: 'remote:glm-test', name: 'glm-test', place: url, remote: true, does: 'chat', contextTokens: 8192 },
      { id: 'remote:glm-other', name: 'glm-other', place: url, remote: true, does: 'chat' },
    ]);
    expect(await ask({ ...QUESTION, model: 'remote:glm-test' })).toEqual({ finish: 'end' });
    expect(said()).toBe('Because.');
    expect(asked).toMatchObject([{ model: 'glm-test', messages: QUESTION.messages, key: undefined }]);
  });

  it('gets the key that the client holds for it', async () => {
    const { url, asked } = await startRemote(() => ['x']);
    client.connection.onRequest(REMOTE_KEY_METHOD, ({ origin }) => (origin === url ? 'sk-1' : null));
    await ask({ ...QUESTION, model: 'remote:glm-test' });
    expect(asked[0]?.key).toBe('sk-1');
  });

  it('is broken off when the answer is stopped', async () => {
    const { asked } = await startRemote(() => begins('Be'));
    const source = new CancellationTokenSource();
    const answer = ask({ ...QUESTION, model: 'remote:glm-test' }, source.token);
    await expect.poll(said).toBe('Be');
    source.cancel();
    await expect(answer).rejects.toMatchObject({ code: LSPErrorCodes.RequestCancelled });
    await expect.poll(() => asked[0]?.brokenOff).toBe(true);
  });

  it('that cannot be reached costs only its own models', async () => {
    await start({ initializationOptions: { chat: { server: 'not a URL' } } });
    const listed = await models();
    expect(listed.models).toHaveLength(1);
    expect(listed.problem).toContain('needs a URL such as');
    await expect(ask({ ...QUESTION, model: 'remote:x' })).rejects.toThrow('needs a URL such as');
  });
});

describe('what cannot be meant', () => {
  it.each([
    [null, 'needs an id'],
    [{ id: 'a', messages: QUESTION.messages }, 'the id of a model'],
    [{ id: 'a', model: 'local', messages: [{ role: 'root', content: '' }] }, 'each with a role'],
    [{ ...QUESTION, model: 'local', maxTokens: 0 }, 'whole number above 0'],
  ])('%j', async (params, message) => {
    await start();
    const code = ErrorCodes.InvalidParams;
    await expect(ask(params)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('a model that is not there', async () => {
    await start();
    await expect(ask({ ...QUESTION, model: 'remote:x' })).rejects.toThrow('There is no model remote:x');
  });
});
