import { describe, expect, it } from 'vitest';
import { startServer } from '../../../engine/serve/server.ts';
import { echo, scriptedEngine } from './scripted-engine.ts';
import { events, serving } from './serving.ts';

/** A busy machine may take its time; it decides nothing. */
const PATIENT = { timeout: 4_000 };

describe('many clients at once', () => {
  it('64 get their own answers, streamed and whole, one model call at a time', async () => {
    const { engine, post } = await serving();
    const texts = await Promise.all(
      Array.from({ length: 64 }, async (_, n) => {
        const stream = n % 2 === 0;
        const response = await post('/v1/completions', { prompt: `p${n}`, suffix: `s${n}`, stream });
        expect(response.status).toBe(200);
        if (!stream) return (await response.json()).choices[0].text;
        const chunks = events(await response.text()).slice(0, -1);
        return chunks.map((event) => JSON.parse(event).choices[0].text).join('');
      }),
    );
    expect(texts).toEqual(Array.from({ length: 64 }, (_, n) => `<p${n}|s${n}>`));
    expect(engine.calls.length).toBe(64);
    expect(engine.atOnce).toBe(1);
  });

  it('beyond the queue they are told to come back, and those within are served', async () => {
    const { engine, post } = await serving(echo, { queuePlaces: 2 });
    engine.hold = true;
    const first = post('/infill', { input_prefix: 'first' });
    await engine.until('begun', 1);
    const others = Array.from({ length: 5 }, (_, n) => post('/infill', { input_prefix: `other ${n}` }));
    const refused = new Set<Response>();
    for (const other of others) other.then((response) => response.status === 429 && refused.add(response));
    await expect.poll(() => refused.size, PATIENT).toBe(3);
    for (const response of refused) {
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect((await response.json()).error).toMatchObject({ type: 'rate_limit_error', code: 'queue_full' });
    }
    engine.release();
    const statuses = (await Promise.all([first, ...others])).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBe(3);
    expect(engine.calls.length).toBe(3);
  });

  it('each token has its turn, however much another one asks', async () => {
    const access = { tokens: ['busy', 'calm'], hosts: [], origins: [] };
    const { engine, post } = await serving(echo, { access, queuePlaces: 8 });
    const as = (token: string, input_prefix: string) =>
      post(
        '/infill',
        { input_prefix },
        { headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } },
      );
    engine.hold = true;
    const running = as('busy', 'b');
    await engine.until('begun', 1);
    let refused = 0;
    const ask = (token: string, before: string) =>
      Array.from({ length: 5 }, () => as(token, before).then(({ status }) => status === 429 && refused++));
    const busy = ask('busy', 'b');
    // Half of the places are kept for the other token.
    await expect.poll(() => refused, PATIENT).toBe(1);
    const calm = ask('calm', 'c');
    await expect.poll(() => refused, PATIENT).toBe(2);
    engine.release();
    await Promise.all([running, ...busy, ...calm]);
    expect(engine.calls.map(({ passage }) => passage.before).join('')).toBe('bbcbcbcbc');
  });
});

describe('clients that go', () => {
  it.each([false, true])('stop the model; the next one is served (streamed: %s)', async (stream) => {
    const { engine, post } = await serving();
    engine.hold = true;
    const stop = new AbortController();
    const gone = post('/v1/completions', { prompt: 'gone', stream }, { signal: stop.signal });
    await engine.until('begun', 1);
    const reading = expect(gone.then((response) => response.text())).rejects.toThrow('aborted');
    if (stream) await gone;
    stop.abort();
    await engine.until('aborted', 1);
    engine.hold = false;
    expect((await post('/v1/completions', { prompt: 'next' })).status).toBe(200);
    expect(engine.calls.map(({ outcome }) => outcome)).toEqual(['aborted', 'done']);
    await reading;
  });
});

describe('limits of time and the end', () => {
  it('a request that waits too long is told so', async () => {
    const { engine, post } = await serving(echo, { requestTime: 30 });
    engine.hold = true;
    const running = post('/infill', {});
    await engine.until('begun', 1);
    const late = await post('/infill', {});
    expect([late.status, (await late.json()).error.code]).toEqual([503, 'unavailable']);
    expect(engine.calls[0]?.options.timeLimit).toBeLessThanOrEqual(30);
    engine.release();
    expect((await running).status).toBe(200);
  });

  it('a closing server answers the running request and refuses those that wait', async () => {
    const { engine, post, close } = await serving(echo, { grace: 60_000, queuePlaces: 1 });
    engine.hold = true;
    const running = post('/infill', { input_prefix: 'r' });
    await engine.until('begun', 1);
    // Once one of two is refused, the other one waits.
    const statuses: number[] = [];
    const others = [1, 2].map(async () => statuses.push((await post('/infill', { input_prefix: 'w' })).status));
    await expect.poll(() => statuses, PATIENT).toEqual([429]);
    const closed = close();
    await Promise.all(others);
    expect(statuses).toEqual([429, 503]);
    engine.release();
    expect((await (await running).json()).content).toBe('<r|>');
    await closed;
    await expect(post('/infill', {})).rejects.toThrow();
    expect(engine.calls.length).toBe(1);
  });

  it('a closing server stops a model that takes longer than the grace time', async () => {
    const { engine, post, close } = await serving(echo, { grace: 0 });
    engine.hold = true;
    const running = post('/infill', {});
    await engine.until('begun', 1);
    const closed = close();
    expect((await running).status).toBe(503);
    await closed;
    expect(engine.calls[0]?.outcome).toBe('aborted');
  });

  it('an address in use is said plainly', async () => {
    const { url } = await serving();
    const port = Number(new URL(url).port);
    const access = { tokens: [], hosts: [], origins: [] };
    const second = startServer({ engine: scriptedEngine(echo), host: '127.0.0.1', port, access });
    await expect(second).rejects.toThrow(`port ${port}: another program listens there`);
  });
});
