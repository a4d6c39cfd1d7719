/** The server that ships, with the model that ships, on devices that fail: completions go on, and the user is told once. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { blanks } from '../fixtures/blanks/blanks.ts';
import { DYING_HOST } from '../unit/onnx/bundle.ts';
import { badDevices } from './bad-devices.ts';
import { startClient } from './client.ts';

/** Completions that are asked for after the user was told. */
const AFTER = 6;

const cache = mkdtempSync(join(tmpdir(), 'cloze-survival-'));
afterAll(() => rmSync(cache, { recursive: true, force: true }));

it.each(Object.entries(badDevices(resolve(DYING_HOST))))('%s', { timeout: 180_000 }, async (_, device) => {
  const client = await startClient({
    server: 'dist/server.cjs',
    env: { ...device.env, XDG_CACHE_HOME: cache, CLOZE_DATA: join(cache, 'data') },
    initializationOptions: {
      model: { runtime: device.runtime },
      threads: 1,
      completion: { timeLimit: 0, threshold: 0, maxTokens: 16 },
    },
  });
  onTestFinished(() => void client.process.kill('SIGKILL'));
  const told: string[] = [];
  client.connection.onNotification('window/showMessage', ({ message }: { message: string }) => void told.push(message));
  let shown = 0;
  const devices = new Set<string>();
  let since = 0;
  for (const [index, { before, after }] of [...blanks, ...blanks, ...blanks].entries()) {
    if (told.length > 0 && since++ === AFTER) break;
    // Another text each time, so that no answer comes from the cache.
    const text = `// ${index}\n${before}`;
    const lines = text.split('\n');
    const uri = await client.open(text + after, `file:///project/${index}.ts`);
    shown += (await client.complete(uri, lines.length - 1, lines.at(-1)?.length ?? 0)).length;
    devices.add((await client.status('ready')).device);
    devices.add(client.statuses.findLast(({ state }) => state === 'ready')?.device ?? '');
  }
  expect(shown).toBeGreaterThan(AFTER - 2);
  expect([...devices].at(-1)).toMatch(/^native/);
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(device.told);
  expect(client.statuses.some(({ state }) => state === 'failed')).toBe(false);
  expect(await client.close()).toBe(0);
});
