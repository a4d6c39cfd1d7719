/** The official client, as anybody would use it: nothing is told to it but the address and the token. */
import OpenAI, { AuthenticationError, BadRequestError, RateLimitError } from 'openai';
import { expect, it } from 'vitest';
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
