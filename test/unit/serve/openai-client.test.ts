/** The official client, as anybody would use it: nothing is told to it but the address and the token. */
import OpenAI, { AuthenticationError, BadRequestError, RateLimitError } from 'openai';
import { expect, it } from 'vitest';
import type { ChatModel } from '../../../engine/chat/chat-model.ts';
import { echo, scriptedEngine } from './scripted-engine.ts';
import { serving, TOKEN } from './serving.ts';

/** With the client's own retries, unless told otherwise. */
function clientOf(url: string, options: { apiKey?: string; maxRetries?: number } = {}): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: TOKEN, ...options });
}

it('lists the model and completes between prompt and suffix', async () => {
  const { url } = await serving();
  const client = clientOf(url);
  const [model] = (await client.models.list()).data;
  const asked = { model: model?.id ?? '', prompt: 'a(', suffix: ')', max_tokens: 8 };
  const { choices, usage } = await client.completions.create(asked);
  expect(choices[0]).toMatchObject({ text: '<a(|)>', finish_reason: 'stop' });
  expect(usage?.completion_tokens).toBe(3);
});

it('streams token by token', async () => {
  const { url } = await serving(() => ['one', ' two', ' three']);
  const stream = await clientOf(url).completions.create({ model: 'scripted', prompt: '', stream: true });
  const texts: string[] = [];
  for await (const chunk of stream) texts.push(chunk.choices[0]?.text ?? '');
  expect(texts.filter((text) => text !== '')).toEqual(['one', ' two', ' three']);
});

/** A chat that thinks, says back the last message and what it was asked with, and waits where it is told to. */
const parrot = (asked: unknown[] = [], wait: Promise<void> = Promise.resolve()): Pick<ChatModel, 'answer'> => ({
  async answer(messages, options, onPiece, signal) {
    asked.push({ messages, options });
    if (messages.length > 3)
      throw new RangeError('The message takes 9 tokens, but the model holds 5: send less of it.');
    onPiece({ text: 'hm', thought: true });
    await Promise.race([
      wait,
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    ]);
    for (const text of ['You said: ', messages.at(-1)?.content ?? '']) onPiece({ text });
    return { finish: options.maxTokens === 1 ? 'length' : 'end', usage: { prompt: 7, answer: 3 } };
  },
});

it('converses, whole and streamed', async () => {
  const asked: unknown[] = [];
  const engine = { ...scriptedEngine(echo), chat: parrot(asked) };
  const { url } = await serving(undefined, { engine });
  const chat = clientOf(url).chat.completions;
  const messages = [
    { role: 'developer' as const, content: 'Be brief.' },
    {
      role: 'user' as const,
      content: [
        { type: 'text' as const, text: 'a' },
        { type: 'text' as const, text: 'b' },
      ],
    },
  ];
  const whole = await chat.create({ model: 'scripted', messages, max_completion_tokens: 9, stop: '.', seed: 4 });
  expect(whole.choices[0]).toMatchObject({
    message: { role: 'assistant', content: 'You said: ab', reasoning_content: 'hm' },
    finish_reason: 'stop',
  });
  expect(whole.usage).toEqual({ prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 });
  expect(asked[0]).toMatchObject({
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'ab' },
    ],
    options: { maxTokens: 9, temperature: 1, topP: 1, seed: 4, stop: ['.'] },
  });
  const stream = await chat.create({
    model: 'scripted',
    messages,
    max_tokens: 1,
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = [];
  const usages = [];
  for await (const { choices, usage } of stream) {
    if (choices[0]) chunks.push(choices[0]);
    if (usage) usages.push(usage.total_tokens);
  }
  expect(usages).toEqual([10]);
  expect(chunks.map((choice) => choice?.delta.content ?? '').join('')).toBe('You said: ab');
  expect(chunks.map((choice) => choice?.finish_reason).filter(Boolean)).toEqual(['length']);
});

it('is told what a conversation lacks, and what the server does not do', async () => {
  const { url } = await serving(undefined, { engine: { ...scriptedEngine(echo), chat: parrot() } });
  const chat = clientOf(url).chat.completions;
  const user = { role: 'user' as const, content: 'a' };
  const bad = (more: object, messages: object[] = [user]) =>
    chat.create({ model: 'scripted', messages: messages as (typeof user)[], ...more });
  await expect(bad({}, [])).rejects.toThrow('"messages" must be a list');
  await expect(bad({}, [{ role: 'tool', content: 'a' }])).rejects.toThrow('Message 1 must have a "role"');
  await expect(bad({}, [{ role: 'user', content: [{ type: 'image_url' }] }])).rejects.toThrow('Message 1');
  await expect(bad({ n: 2 })).rejects.toThrow('"n" must be 1');
  await expect(bad({ stop: [''] })).rejects.toThrow('"stop" must be a string or up to 4');
  await expect(bad({ tools: [{}] })).rejects.toThrow('the model answers in words');
  await expect(bad({}, [user, user, user, user])).rejects.toThrow('send less of it');
  await expect(bad({ model: 'other' })).rejects.toThrow('There is no model "other"');
  const silent = clientOf((await serving()).url).chat.completions;
  await expect(silent.create({ model: 'scripted', messages: [user] })).rejects.toThrow('scripted does not converse');
});

it('ends a conversation that nobody listens to', async () => {
  let resolve: () => void = () => undefined;
  const ended = new Promise<void>((settle) => {
    resolve = settle;
  });
  const chat = parrot([], new Promise(() => undefined));
  const engine = {
    ...scriptedEngine(echo),
    chat: { answer: (...args: Parameters<typeof chat.answer>) => chat.answer(...args).finally(() => resolve()) },
  };
  const { url } = await serving(undefined, { engine });
  const messages = [{ role: 'user' as const, content: 'a' }];
  const stream = await clientOf(url).chat.completions.create({ model: 'scripted', messages, stream: true });
  stream.controller.abort();
  await ended;
});

it('stops the model when the client turns away from a stream', async () => {
  const { engine, url } = await serving();
  engine.hold = true;
  const stream = await clientOf(url).completions.create({ model: 'scripted', prompt: 'a', stream: true });
  await engine.until('begun', 1);
  stream.controller.abort();
  await engine.until('aborted', 1);
  expect(engine.calls[0]?.outcome).toBe('aborted');
});

it('meets a wrong token, a wrong field and a full queue with its own kinds of error', async () => {
  const { engine, url } = await serving(undefined, { queuePlaces: 1 });
  const ask = (client: OpenAI, more: object = {}) =>
    client.completions.create({ model: 'scripted', prompt: 'a', ...more });
  await expect(ask(clientOf(url, { apiKey: 'guessed' }))).rejects.toThrow(AuthenticationError);
  await expect(ask(clientOf(url), { max_tokens: 0 })).rejects.toThrow(BadRequestError);

  engine.hold = true;
  const first = ask(clientOf(url));
  await engine.until('begun', 1);
  const second = ask(clientOf(url));
  await expect.poll(() => ask(clientOf(url, { maxRetries: 0 })).catch((error) => error)).toBeInstanceOf(RateLimitError);
  // One that is told to come back does so by itself, and is served.
  const third = ask(clientOf(url, { maxRetries: 5 }));
  engine.release();
  const answers = await Promise.all([first, second, third]);
  expect(answers.map(({ choices }) => choices[0]?.text)).toEqual(Array.from({ length: 3 }, () => '<a|>'));
});
