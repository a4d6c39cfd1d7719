/** Requests that reach the native engine at the same time share its steps, and get what each would get alone. */
import { readFileSync } from 'node:fs';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { loadEngine } from '../../../engine/index.ts';
import { startServer } from '../../../engine/serve/server.ts';
import { events } from './serving.ts';

const CONCURRENT = 16;
const source = readFileSync('engine/infill/passage.ts', 'utf8');
const engine = await loadEngine({ modelFolder: 'engine/embedded-model', threads: 1 });
afterAll(() => engine.dispose());

/** Places of one file, 60 characters or more apart, of different lengths. */
const requests = Array.from({ length: CONCURRENT }, (_, n) => {
  const cut = 500 + n * 61;
  return {
    prompt: source.slice(0, cut),
    suffix: source.slice(cut + 20, cut + 400),
    path: 'a.ts',
    temperature: 0,
    max_tokens: 8 + n,
  };
});

async function serve(slots: number) {
  const served = { name: engine.name, fill: engine.fillBeside };
  const access = { tokens: [], hosts: [], origins: [] };
  const server = await startServer({ engine: served, host: '127.0.0.1', port: 0, access, slots });
  onTestFinished(() => server.close());
  return (body: object, signal?: AbortSignal) =>
    fetch(`${server.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...(signal ? { signal } : {}),
    });
}

const answerOf = async (response: Response) => (await response.json()).choices[0];

it('16 at once, one of them given up and some streamed, answer as one by one', { timeout: 120_000 }, async () => {
  const post = await serve(CONCURRENT + 1);
  const alone: unknown[] = [];
  for (const request of requests) alone.push(await answerOf(await post(request)));
  const stop = new AbortController();
  const given = { ...requests[3], max_tokens: 400, stream: true };
  const left = post(given, stop.signal).then(async (response) => {
    for await (const _ of response.body as AsyncIterable<Uint8Array>) stop.abort();
  });
  const gone = expect(left).rejects.toThrow(/abort/);
  const together = requests.map((request, n) => {
    if (n % 4 !== 1) return post(request).then(answerOf);
    return post({ ...request, stream: true }).then(async (response) => {
      const chunks = events(await response.text()).slice(0, -1);
      const choices = chunks.map((event) => JSON.parse(event).choices[0]);
      return { ...choices.at(-1), text: choices.map(({ text }) => text).join('') };
    });
  });
  expect(await Promise.all(together)).toEqual(alone);
  await gone;
  expect(new Set(alone.map((answer) => JSON.stringify(answer))).size).toBeGreaterThan(CONCURRENT / 2);
});

it('who asks again at a place that was read finds it read', async () => {
  const passage = {
    path: 'b.ts',
    languageId: 'typescript',
    before: source.slice(0, 800),
    after: source.slice(820),
    forced: '',
    neighbours: [],
    kind: 'sentence' as const,
  };
  const options = { maxTokens: 4, temperature: 0, topP: 1, seed: 0, singleLine: false, timeLimit: 0 };
  const [first] = await Promise.all([
    engine.fillBeside(passage, options),
    engine.fillBeside({ ...passage, path: 'c.ts' }, options),
  ]);
  expect(first.timings.read).toBeGreaterThan(0);
  const again = await engine.fillBeside(passage, options);
  expect([again.timings.read, again.text]).toEqual([0, first.text]);
});
