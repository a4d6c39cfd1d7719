/** A load generator's view: connections that are kept, one question after another on each. */
import autocannon from 'autocannon';
import { expect, it } from 'vitest';
import { serving, TOKEN } from './serving.ts';

const CONNECTIONS = 64;
const QUESTIONS = 1920;

it('no answer is lost or given to another of 64 connections', { timeout: 120_000 }, async () => {
  const { engine, url } = await serving();
  let connections = 0;
  const wrong: string[] = [];
  const result = await autocannon({
    url: `${url}/v1/completions`,
    connections: CONNECTIONS,
    amount: QUESTIONS,
    method: 'POST',
    timeout: 60,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    setupClient(client) {
      const own = `c${connections++}`;
      client.setBody(JSON.stringify({ prompt: own, suffix: own }));
      client.on('body', (body) => {
        const text = JSON.parse(String(body)).choices[0].text;
        if (text !== `<${own}|${own}>`) wrong.push(`${own}: ${text}`);
      });
    },
  });
  expect(connections).toBe(CONNECTIONS);
  expect(wrong).toEqual([]);
  expect(result).toMatchObject({ '2xx': QUESTIONS, non2xx: 0, errors: 0, timeouts: 0, mismatches: 0 });
  expect(engine.calls).toHaveLength(QUESTIONS);
  expect(engine.atOnce).toBe(1);
});

it('where the queue is short, each question is answered or told to come back, and none waits for ever', {
  timeout: 120_000,
}, async () => {
  const { engine, url } = await serving(undefined, { queuePlaces: 8 });
  const result = await autocannon({
    url: `${url}/v1/completions`,
    connections: CONNECTIONS,
    amount: QUESTIONS,
    method: 'POST',
    timeout: 60,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'a' }),
  });
  const refused = result.statusCodeStats?.['429']?.count ?? 0;
  expect(refused).toBeGreaterThan(0);
  expect(result['2xx'] + refused).toBe(QUESTIONS);
  expect(result).toMatchObject({ '5xx': 0, errors: 0, timeouts: 0 });
  expect(engine.calls).toHaveLength(result['2xx']);
});
