import { expect, it } from 'vitest';
import type { ChatPiece } from '../../../engine/chat/chat-model.ts';
import { openRemoteChat } from '../../../engine/remote/remote-chat.ts';
import { type Answer, fails, flaky, resets } from './flaky-server.ts';

const QUESTION = [{ role: 'user' as const, content: 'Why?' }];

const event = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const streams =
  (text: string, end = true): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(text, () => end && response.end());
  };
const answers = streams(
  event({ role: 'assistant', content: '' }) +
    event({ reasoning_content: 'Hm.' }) +
    event({ content: 'Be' }) +
    event({ content: 'cause.' }) +
    event({}, 'stop') +
    'data: [DONE]\n\n',
);

async function asking(...given: Answer[]) {
  const server = await flaky(...given);
  const retry = { pause: async () => undefined, jitter: () => 0 };
  const pieces: ChatPiece[] = [];
  const model = openRemoteChat({ url: server.url, key: 'secret-key', retry }).model('glm');
  const answer = (signal = new AbortController().signal) =>
    model.answer(QUESTION, { maxTokens: 9 }, (piece) => void pieces.push(piece), signal);
  return { server, pieces, answer };
}

it('streams an answer, thoughts apart from it', async () => {
  const { server, pieces, answer } = await asking(answers);
  expect(await answer()).toEqual({ finish: 'end' });
  expect(pieces).toEqual([{ text: 'Hm.', thought: true }, { text: 'Be' }, { text: 'cause.' }]);
  const [asked] = server.asked;
  expect(asked?.path).toBe('/v1/chat/completions');
  expect(asked?.headers.authorization).toBe('Bearer secret-key');
  expect(asked?.body).toEqual({ model: 'glm', messages: QUESTION, stream: true, max_tokens: 9 });
});

it('understands a server that does not stream, and tells a cut answer', async () => {
  const { pieces, answer } = await asking((response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end('{"choices":[{"message":{"content":"Long"},"finish_reason":"length"}]}');
  });
  expect(await answer()).toEqual({ finish: 'length' });
  expect(pieces).toEqual([{ text: 'Long' }]);
});

it('asks again before anything was said, never after', async () => {
  const busy = await asking(resets, fails(503), answers);
  expect(await busy.answer()).toEqual({ finish: 'end' });
  const broken = await asking(streams(event({ content: 'Be' })), answers);
  await expect(broken.answer()).rejects.toThrow('broke its answer off');
  expect(broken.server.asked).toHaveLength(1);
});

it('stops when told to, and the connection with it', async () => {
  const { server, pieces, answer } = await asking((response, request) => {
    request.socket.once('close', () => closed.abort());
    streams(event({ content: 'Be' }), false)(response, request);
  });
  const closed = new AbortController();
  const stop = new AbortController();
  const stopped = answer(stop.signal);
  await expect.poll(() => pieces).toEqual([{ text: 'Be' }]);
  stop.abort();
  await expect(stopped).rejects.toThrow('aborted');
  await expect.poll(() => closed.signal.aborted).toBe(true);
  expect(server.asked).toHaveLength(1);
});

it('says in words what was wrong, without the key', async () => {
  const { answer } = await asking(fails(401, { error: { message: 'bad key secret-key' } }));
  await expect(answer()).rejects.toThrow(/answered 401: bad key \[key\] Check the key\.$/);
});

it('lists models with what they hold', async () => {
  const server = await flaky((response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const data = [{ id: 'a', max_model_len: 8192 }, { id: 'b', meta: { n_ctx_train: 4096 } }, { id: 'c' }, null, {}];
    response.end(JSON.stringify({ data }));
  });
  const models = await openRemoteChat({ url: server.url }).models(new AbortController().signal);
  expect(models).toEqual([{ id: 'a', contextTokens: 8192 }, { id: 'b', contextTokens: 4096 }, { id: 'c' }]);
});
