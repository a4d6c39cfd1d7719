import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fillCommand } from '../../../engine/cli/fill.ts';
import { connectRemote, type RemoteOptions } from '../../../engine/remote/remote-engine.ts';
import { echo } from '../serve/scripted-engine.ts';
import { type Serving, serving, TOKEN } from '../serve/serving.ts';
import { options, passage } from './flaky-server.ts';

/** The engine, behind the server, behind the remote engine. */
const remote = ({ url }: Serving, more: Partial<RemoteOptions> = {}) =>
  connectRemote({ url, style: 'completions', key: TOKEN, ...more });

describe('the remote engine on the server', () => {
  it('says what the engine says, in completions', async () => {
    const server = await serving();
    const engine = await remote(server);
    const pieces: string[] = [];
    const asked = { ...options, maxTokens: 9, temperature: 0.5, topP: 0.9, stop: ['zzz'] };
    const fill = await engine.fill({ ...passage, forced: 'x' }, asked, { onToken: (_, text) => pieces.push(text) });
    expect(engine.name).toBe('scripted');
    expect(fill).toMatchObject({ text: '<f(x|)\n>', finish: 'eop', partB: 3, device: server.url });
    expect(pieces.join('')).toBe('<f(x|)\n>');
    expect(fill.confidence).toBeCloseTo(Math.exp(-0.5), 10);
    const { path: _, ...local } = { ...asked, path: '' };
    expect(server.engine.calls[0]?.options).toMatchObject({ ...local, timeLimit: expect.any(Number) });
  });

  it('hands everything on, in infill', async () => {
    const server = await serving();
    const neighbours = [
      { path: 'near.ts', text: 'near' },
      { path: 'far.ts', text: 'far' },
    ];
    const whole = { ...passage, forced: 'ty', neighbours };
    const fill = await (await remote(server, { style: 'infill' })).fill(whole, options);
    expect(fill).toMatchObject({ text: '<f(|)\n>', finish: 'eop', partA: 7 });
    const { languageId: _, ...sent } = whole;
    expect(server.engine.calls[0]?.passage).toMatchObject(sent);
  });

  it.each(['completions', 'infill'] as const)('ends at stop strings and limits, in %s', async (style) => {
    const server = await serving(() => ['a', '\n', '\n', 'b']);
    const engine = await remote(server, { style });
    const stopped = await engine.fill(passage, { ...options, stop: ['\n\n'] });
    expect(stopped.text).toBe('a');
    const limited = await engine.fill(passage, { ...options, maxTokens: 2 });
    expect([limited.text, limited.finish]).toEqual(['a\n', 'length']);
  });

  it('64 at once get their own answers', async () => {
    const server = await serving();
    const engine = await remote(server);
    const before = Array.from({ length: 64 }, (_, n) => `call ${n}`);
    const fills = await Promise.all(before.map((text) => engine.fill({ ...passage, before: text }, options)));
    expect(fills.map(({ text }) => text)).toEqual(before.map((text) => `<${text}|)\n>`));
    expect(server.engine.atOnce).toBe(1);
  });

  it('is asked again when the queue was full', async () => {
    const server = await serving(echo, { queuePlaces: 0 });
    server.engine.hold = true;
    const first = server.post('/infill', {});
    await server.engine.until('begun', 1);
    const pauses: number[] = [];
    const pause = async (milliseconds: number) => {
      pauses.push(milliseconds);
      server.engine.release();
      await first;
    };
    const engine = await remote(server, { retry: { pause } });
    expect((await engine.fill(passage, options)).text).toBe('<f(|)\n>');
    expect(pauses).toEqual([1000]);
  });

  it('stops the model when it is aborted', async () => {
    const server = await serving();
    const engine = await remote(server);
    server.engine.hold = true;
    const stop = new AbortController();
    const filling = engine.fill(passage, options, { signal: stop.signal });
    const rejected = expect(filling).rejects.toThrow('typed on');
    await server.engine.until('begun', 1);
    stop.abort(new Error('typed on'));
    await rejected;
    await server.engine.until('aborted', 1);
  });

  it('with the wrong key is refused', async () => {
    const server = await serving();
    await expect(remote(server, { key: 'wrong-key' })).rejects.toThrow('answered 401: The bearer token is wrong');
  });
});

describe('cloze fill --remote', () => {
  async function run(server: Serving, key: string, ...more: string[]): Promise<{ shown: string; error: unknown }> {
    const folder = await mkdtemp(join(tmpdir(), 'cloze-fill-'));
    const file = join(folder, 'a.ts');
    await writeFile(file, 'f()\n');
    vi.stubEnv('CLOZE_REMOTE_KEY', key);
    let shown = '';
    const write = (text: unknown) => {
      shown += text;
      return true;
    };
    const spies = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockImplementation(write));
    onTestFinished(() => {
      vi.unstubAllEnvs();
      return rm(folder, { recursive: true });
    });
    const error = await fillCommand([`${file}:1:3`, '--remote', server.url, ...more]).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    for (const spy of spies) spy.mockRestore();
    return { shown, error };
  }

  it.each(['completions', 'infill'])('prints what the server fills in, as %s', async (style) => {
    const { shown, error } = await run(await serving(), TOKEN, '--remote-style', style);
    expect([shown, error]).toEqual(['<f(|)\n>\n', undefined]);
  });

  it('shows the key neither in its output nor in its errors', async () => {
    const server = await serving();
    expect((await run(server, TOKEN, '--json')).shown).not.toContain(TOKEN);
    const { shown, error } = await run(server, 'wrong-key-0123');
    expect(String(error)).toContain('401');
    expect(`${shown}${error}${(error as Error).stack}`).not.toContain('wrong-key-0123');
  });

  it('names the styles there are', async () => {
    const { error } = await run(await serving(), TOKEN, '--remote-style', 'chat');
    expect(String(error)).toContain('completions, infill, codegeex4, glm-4.5, but was given "chat"');
  });
});
