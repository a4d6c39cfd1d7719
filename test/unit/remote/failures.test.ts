import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createReceiver } from '../../../engine/remote/receiver.ts';
import { connectRemote } from '../../../engine/remote/remote-engine.ts';
import { type Answer, begins, fails, flaky, options, passage, resets, speaks } from './flaky-server.ts';

const KEY = 'sk-very-secret-0123456789';
const truncates = begins('half', (response) => response.destroy());
const endsEarly = begins('half', (response) => response.end());

describe('a server that fails, then answers', () => {
  it.each<[string, Answer[]]>([
    ['connection reset', [resets]],
    ['500', [fails(500)]],
    ['503 and 429', [fails(503), fails(429)]],
    ['reset within the stream', [truncates]],
    ['stream without its end', [endsEarly]],
    ['error within the stream', [begins('half', (r) => r.end('data: {"error":{"message":"out of memory"}}\n\n'))]],
    ['event that is no JSON', [begins('half', (r) => r.end('data: {"choi\n\n'))]],
  ])('%s: is asked again', async (_, failures) => {
    const server = await flaky(...failures, speaks('whole'));
    const fill = await (await server.connect()).fill(passage, options);
    expect([fill.text, fill.finish]).toEqual(['whole', 'eop']);
    expect(server.asked.length).toBe(failures.length + 1);
  });

  it('with growing pauses, and gives up after four', async () => {
    const server = await flaky(fails(500, { error: { message: 'no memory' } }));
    const engine = await server.connect();
    await expect(engine.fill(passage, options)).rejects.toThrow(
      `${server.url} answered 500: no memory (asked 4 times)`,
    );
    expect(server.pauses).toEqual([375, 750, 1500]);
  });

  it('not before the time that it asks for', async () => {
    const server = await flaky(fails(429, '', { 'retry-after': '7' }), speaks('x'));
    expect((await (await server.connect()).fill(passage, options)).text).toBe('x');
    expect(server.pauses).toEqual([7000]);
  });

  it('not at all when it asks for more than a minute', async () => {
    const server = await flaky(fails(429, '', { 'retry-after': '3600' }));
    await expect((await server.connect()).fill(passage, options)).rejects.toThrow('It asks to wait for 3600 s.');
    expect(server.asked.length).toBe(1);
  });

  it('not when part of the answer has been handed on', async () => {
    const server = await flaky(truncates, speaks('whole'));
    const filling = (await server.connect()).fill(passage, options, { onToken: () => undefined });
    await expect(filling).rejects.toThrow('Part of the answer had been handed on');
    expect(server.asked.length).toBe(1);
  });
});

describe('what asking again does not help', () => {
  const html: Answer = (r) => r.writeHead(200, { 'content-type': 'text/html' }).end('<p>Hello');
  it.each<[string, Answer, RegExp]>([
    ['a web page', html, /answered with text\/html, not with events: is the URL right\?/],
    ['no key', fails(401, { error: { message: 'who are you' } }), /answered 401: who are you Check the key/],
    ['no such path', fails(404), /answered 404\. Is the URL right, and does the server offer \/v1\/completions\?/],
    [
      'no suffix',
      fails(400, { error: { message: 'suffix is not currently supported' } }),
      /suffix is not currently supported A server without suffixes needs another style/,
    ],
    ['a redirect', fails(307, '', { location: 'http://127.0.0.1:1/' }), /redirects to http:\/\/127\.0\.0\.1:1\//],
    ['an endless event', begins('', (r) => r.end('x'.repeat(2 ** 20 + 1))), /sent an event without end/],
  ])('%s is said plainly', async (_, answer, message) => {
    const server = await flaky(answer);
    await expect((await server.connect()).fill(passage, options)).rejects.toThrow(message);
    expect(server.asked.length).toBe(1);
  });

  it('a URL that is none, or holds a password, is refused before anything is sent', async () => {
    const connect = (url: string) => connectRemote({ url, style: 'infill', model: 'x' });
    await expect(connect('gpu')).rejects.toThrow('needs a URL such as');
    await expect(connect('file:///etc/passwd')).rejects.toThrow('needs a URL such as');
    const withPassword = connect('http://me:hunter2@gpu:8000');
    await expect(withPassword).rejects.toThrow('may hold no name, password');
    await expect(withPassword).rejects.not.toThrow('hunter2');
  });

  it('an untrusted certificate', async ({ skip }) => {
    const folder = mkdtempSync(join(tmpdir(), 'cloze-tls-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    try {
      const subject = ['-subj', '/CN=localhost', '-days', '1', '-keyout', key, '-out', cert];
      execFileSync('openssl', ['req', '-x509', '-nodes', '-newkey', 'rsa:2048', ...subject], { stdio: 'ignore' });
    } catch {
      skip('openssl is not installed');
    }
    let requests = 0;
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, () => requests++);
    rmSync(folder, { recursive: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const engine = await connectRemote({ url, style: 'completions', model: 'x', key: KEY });
      await expect(engine.fill(passage, options)).rejects.toThrow(/certificate that is not trusted \(\w+\)/);
      expect(requests).toBe(0);
    } finally {
      server.close();
    }
  });
});

describe('limits of time, and callers that go', () => {
  it('silence is an error that is tried again', async () => {
    const server = await flaky(() => undefined, begins('half'), speaks('whole'));
    const pause = () => Promise.resolve();
    const engine = await server.connect({ silence: 100, retry: { attempts: 99, pause } });
    expect((await engine.fill(passage, options)).text).toBe('whole');
    expect(server.asked.length).toBeGreaterThanOrEqual(3);
  });

  it('the time limit ends an answer that goes on', async () => {
    const server = await flaky(begins('half'));
    const fill = await (await server.connect()).fill(passage, { ...options, timeLimit: 50 });
    expect(fill.finish).toBe('time');
  });

  it('what has come until then is the fill', () => {
    const receiver = createReceiver(options, [], undefined);
    receiver.take({ text: 'half', tokens: [{ text: 'half', logProbability: -1 }] });
    const fill = receiver.toFill('time', 0, 'there');
    expect(fill).toMatchObject({ text: 'half', finish: 'time', partB: 1, confidence: Math.exp(-1) });
  });

  it('an aborted fill closes its connection', async () => {
    let closed = () => {};
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const server = await flaky(begins('half', (response) => response.on('close', closed)));
    const stop = new AbortController();
    const hooks = { signal: stop.signal, onToken: () => stop.abort(new Error('typed on')) };
    await expect((await server.connect()).fill(passage, options, hooks)).rejects.toThrow('typed on');
    await gone;
    expect(server.asked.length).toBe(1);
  });

  it('an abort ends a pause', async () => {
    const server = await flaky(fails(503));
    const stop = new AbortController();
    const pause = (_: number, signal: AbortSignal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('timer')), { once: true });
        stop.abort(new Error('typed on'));
      });
    const engine = await server.connect({ retry: { pause } });
    await expect(engine.fill(passage, options, { signal: stop.signal })).rejects.toThrow('typed on');
    expect(server.asked.length).toBe(1);
  });

  it('a closed engine stops what it does, and answers no more', async () => {
    const server = await flaky(begins('half'));
    const engine = await server.connect();
    const filling = engine.fill(passage, options, { onToken: () => void engine.dispose() });
    await expect(filling).rejects.toThrow('has been closed');
    await expect(engine.fill(passage, options)).rejects.toThrow('has been closed');
  });
});

describe('the key', () => {
  const echoes: Answer = (response, request) => {
    const body = { error: { message: `Incorrect key: ${request.headers.authorization} ${'x'.repeat(500)}` } };
    response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const echoesInStream: Answer = (response, request) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`data: ${JSON.stringify({ error: { message: request.headers.authorization } })}\n\n`);
  };
  const redirects: Answer = (response) => fails(302, '', { location: `http://x/?key=${KEY}` })(response, {} as never);
  /** So that a cut would fall within the key. */
  const echoesAtTheCut: Answer = (response) => fails(500, `${'y'.repeat(345)}${KEY}`)(response, {} as never);

  it.each<[string, Answer]>([
    ['a refusal', echoes],
    ['an event', echoesInStream],
    ['a redirect', redirects],
    ['a reset', resets],
    ['a long text', echoesAtTheCut],
  ])('is sent, but not shown by %s', async (_, answer) => {
    const server = await flaky(answer);
    const error = await (await server.connect({ key: KEY })).fill(passage, options).catch((e: unknown) => e);
    expect(server.asked[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
    const shown = `${error}${(error as Error).stack}${JSON.stringify(error)}${String((error as Error).cause)}`;
    expect(error).toBeInstanceOf(Error);
    expect(shown).not.toContain('very-secret');
    expect(shown).not.toContain(KEY.slice(0, 8));
  });

  it.each(['two words', 'line\nbreak', 'ключ'])('%j is refused without showing it', async (key) => {
    const connecting = connectRemote({ url: 'http://127.0.0.1:1', style: 'infill', model: 'x', key });
    await expect(connecting).rejects.toThrow('must be printable ASCII');
    await expect(connecting).rejects.not.toThrow(key);
  });

  it('is not sent where there is none', async () => {
    const server = await flaky(speaks('x'));
    await (await server.connect()).fill(passage, options);
    expect(server.asked[0]?.headers.authorization).toBeUndefined();
  });
});
