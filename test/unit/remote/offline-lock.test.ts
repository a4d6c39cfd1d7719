import { readdirSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { lockOffline } from '../../../engine/remote/offline-lock.ts';
import { begins, flaky, options, passage, speaks } from './flaky-server.ts';

/** Every TCP connection of this process, whatever opens it: fetch, http, tls and net all come through here. */
const connected = vi.spyOn(Socket.prototype, 'connect');
beforeEach(() => void connected.mockClear());
afterEach(() => lockOffline(false));

describe('with the offline lock', () => {
  it('on, no socket is opened, and the message says how to allow it', async () => {
    const server = await flaky(speaks('sum'));
    const engine = await server.connect();
    lockOffline(true);
    await expect(engine.fill(passage, options)).rejects.toThrow(
      `Cloze is offline, so nothing was sent to ${server.url}. To allow it, set cloze.offline to false`,
    );
    expect(connected).not.toHaveBeenCalled();
    expect(server.asked).toEqual([]);
    expect(server.pauses).toEqual([]);
  });

  it('off, the same question opens one and is answered', async () => {
    const server = await flaky(speaks('sum'));
    const engine = await server.connect();
    expect((await engine.fill(passage, options)).text).toBe('sum');
    expect(connected).toHaveBeenCalledTimes(1);
    expect(server.asked).toHaveLength(1);
  });

  it('closing while an answer comes, the answer is broken off and not asked for again', async () => {
    const server = await flaky(begins('su'));
    const engine = await server.connect();
    const fill = engine.fill(passage, options, { onToken: () => lockOffline(true) });
    await expect(fill).rejects.toThrow('Cloze went offline');
    expect(server.asked).toHaveLength(1);
  });
});

it('no other file of the program opens connections', () => {
  const opens =
    /\bfetch\(|new (WebSocket|EventSource|XMLHttpRequest)\b|from 'node:(https|http2|tls|dgram|dns)'|\b(http|net)\.(request|get|connect|createConnection)\(|import \{[^}]*\b(request|get|connect|createConnection|Socket)\b[^}]*\} from 'node:(http|net)'/;
  const found = ['engine', 'language-server', 'extension', 'media', 'native'].flatMap((room) =>
    readdirSync(room, { recursive: true })
      .map((name) => join(room, String(name)))
      .filter((path) => path.endsWith('.ts') && opens.test(readFileSync(path, 'utf8'))),
  );
  expect(found).toEqual([join('engine', 'remote', 'connection.ts')]);
});
