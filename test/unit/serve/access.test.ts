import { describe, expect, it } from 'vitest';
import { isLoopback } from '../../../engine/serve/access.ts';
import { raw, serving, TOKEN } from './serving.ts';

const authorization = `Bearer ${TOKEN}`;
const json = { authorization, 'content-type': 'application/json' };

describe('who may call', () => {
  it.each([
    [{}, 'missing'],
    [{ authorization: 'Bearer open-sesam' }, 'wrong'],
    [{ authorization: `Bearer ${TOKEN}x` }, 'wrong'],
    [{ authorization: `Basic ${TOKEN}` }, 'wrong'],
    [{ authorization: 'Bearer' }, 'wrong'],
  ])('refuses %j', async (headers, why) => {
    const { engine, url } = await serving();
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{"prompt":"a"}',
    };
    const response = await fetch(`${url}/v1/completions`, init as RequestInit);
    expect(response.status).toBe(401);
    const { error } = await response.json();
    expect(error).toMatchObject({ type: 'authentication_error', message: expect.stringContaining(why) });
    expect(error.message).not.toContain(TOKEN);
    expect(engine.calls).toEqual([]);
  });

  it('names its model to those with a token, its health to all', async () => {
    const { url } = await serving();
    const models = await fetch(`${url}/v1/models`, { headers: { authorization } });
    expect(await models.json()).toMatchObject({ object: 'list', data: [{ id: 'scripted', object: 'model' }] });
    expect((await fetch(`${url}/v1/models`)).status).toBe(401);
    const health = await fetch(`${url}/health`);
    expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }]);
  });

  it('asks for no token where there is none', async () => {
    const { url } = await serving(undefined, { access: { tokens: [], hosts: [], origins: [] } });
    expect((await fetch(`${url}/v1/models`)).status).toBe(200);
  });

  it.each([
    ['127.0.0.1:1', 200],
    ['localhost', 200],
    ['LOCALHOST:80', 200],
    ['[::1]:8012', 200],
    ['192.168.0.7', 200],
    ['gpu.lan:8012', 200],
    ['evil.example', 403],
    ['127.0.0.1.evil.example:8012', 403],
    ['localhost.evil.example', 403],
  ])('answers to the host "%s" with %d', async (host, status) => {
    const { url } = await serving(undefined, { access: { tokens: [TOKEN], hosts: ['gpu.lan'], origins: [] } });
    const answer = await raw(`${url}/v1/models`, { headers: { authorization, host } });
    expect(answer.status).toBe(status);
  });

  it('refuses pages, and says nothing that lets them read', async () => {
    const { url } = await serving();
    const headers = { ...json, origin: 'https://evil.example' };
    const answer = await raw(`${url}/v1/models`, { headers });
    expect(answer.status).toBe(403);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect((await raw(`${url}/v1/completions`, { method: 'OPTIONS', headers })).status).toBe(403);
  });

  it('permits pages of a named origin, preflight included', async () => {
    const origin = 'https://editor.example';
    const { url } = await serving(undefined, { access: { tokens: [TOKEN], hosts: [], origins: [origin] } });
    const preflight = await raw(`${url}/v1/completions`, { method: 'OPTIONS', headers: { origin } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-headers': 'authorization, content-type',
    });
    const answer = await raw(`${url}/v1/models`, { headers: { authorization, origin } });
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, origin]);
  });

  it.each([
    ['127.0.0.1', true],
    ['127.8.8.8', true],
    ['::1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['10.0.0.1', false],
    ['127.evil.example', false],
  ])('%s is loopback: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});

describe('what may be sent', () => {
  it.each([
    ['{"prompt": ', 400],
    ['[1]', 400],
    ['null', 400],
    ['"text"', 400],
    ['', 400],
  ])('refuses the body %j', async (body, status) => {
    const { post } = await serving();
    const response = await post('/v1/completions', body);
    expect(response.status).toBe(status);
    expect((await response.json()).error.message).toMatch(/JSON/);
  });

  it('refuses bytes that are not UTF-8', async () => {
    const { url } = await serving();
    const bytes = Buffer.from([...Buffer.from('{"prompt":"'), 0xff, ...Buffer.from('"}')]);
    const answer = await raw(`${url}/v1/completions`, { method: 'POST', headers: json }, (r) => r.end(bytes));
    expect(answer.status).toBe(400);
  });

  it('refuses a type that pages may send unasked', async () => {
    const { post } = await serving();
    const headers = { authorization, 'content-type': 'text/plain' };
    expect((await post('/v1/completions', '{"prompt":"a"}', { headers })).status).toBe(415);
  });

  it('refuses a body that is declared too large, before it comes', async () => {
    const { url } = await serving(undefined, { body: { size: 100, time: 60_000 } });
    const headers = { ...json, 'content-length': 101 };
    const answer = await raw(`${url}/infill`, { method: 'POST', headers }, (r) => r.flushHeaders());
    expect([answer.status, answer.headers.connection]).toEqual([413, 'close']);
    expect(answer.json.error.message).toContain('100 bytes');
  });

  it('refuses a body that grows too large', async () => {
    const { url } = await serving(undefined, { body: { size: 100, time: 60_000 } });
    const answer = await raw(`${url}/infill`, { method: 'POST', headers: json }, (r) => r.write(' '.repeat(101)));
    expect(answer.status).toBe(413);
  });

  it('refuses a body that does not end', async () => {
    const { url } = await serving(undefined, { body: { size: 100, time: 20 } });
    const answer = await raw(`${url}/infill`, { method: 'POST', headers: json }, (r) => r.write('{'));
    expect([answer.status, answer.headers.connection]).toEqual([408, 'close']);
  });

  it('names what there is where a path or method is wrong', async () => {
    const { url, post } = await serving();
    const missing = await post('/v1/embeddings', {});
    expect([missing.status, (await missing.json()).error.message]).toEqual([404, expect.stringContaining('/infill')]);
    const method = await fetch(`${url}/infill`, { headers: { authorization } });
    expect([method.status, method.headers.get('allow')]).toEqual([405, 'POST']);
  });
});
