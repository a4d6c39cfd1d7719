import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { checkAddress } from '../../../engine/installed/download-file.ts';
import { downloadModel } from '../../../engine/installed/download-model.ts';
import { chosenFolder, readRegistry, removeModel } from '../../../engine/installed/registry.ts';
import { lockOffline } from '../../../engine/remote/offline-lock.ts';
import { randomModel } from '../fit/random-model.ts';

afterEach(() => lockOffline(false));

const home = mkdtempSync(join(tmpdir(), 'cloze-download-'));
const model = await randomModel(home, { layers: 1, hiddenSize: 64, innerSize: 128, heads: 2, vocabSize: 100 });
const files = new Map(['config.json', 'model.safetensors'].map((name) => [name, readFileSync(join(model, name))]));
rmSync(home, { recursive: true });
const weights = files.get('model.safetensors') as Buffer;

type Answer = (request: IncomingMessage, response: ServerResponse, bytes: Buffer, asked: number) => void;

/** As a hub should: a range when one is asked for. */
const whole: Answer = (request, response, bytes) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const range = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.length - from, ...(from > 0 ? range : {}) });
  response.end(bytes.subarray(from));
};

/** Called once when bytes have come, so that a connection breaks off after them and not before. */
let cut: (() => void) | undefined;

function sendPart(response: ServerResponse, bytes: Buffer): void {
  cut = () => response.socket?.destroy();
  response.write(bytes);
}

/** A hub whose weights are answered for by `answer`; `ranges` are those asked for. */
async function hub(answer: Answer, entry: (listed: { path: string }) => object = (listed) => listed) {
  const data = mkdtempSync(join(tmpdir(), 'cloze-data-'));
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    if (path === '/api/models/someone/tiny/tree/main') {
      const list = [...files].map(([name, bytes]) => {
        const blob = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
        const lfs = { oid: createHash('sha256').update(bytes).digest('hex'), size: bytes.length };
        return entry({
          type: 'file',
          path: name,
          size: bytes.length,
          oid: blob,
          ...(name === 'config.json' ? {} : { lfs }),
        } as never);
      });
      response.end(
        JSON.stringify([...list, { type: 'file', path: '../evil.safetensors', size: 1, oid: '0'.repeat(40) }]),
      );
      return;
    }
    const name = /^(?:\/someone\/tiny\/resolve\/main|\/elsewhere)\/([\w.]+)$/.exec(path)?.[1] ?? '';
    const bytes = files.get(name);
    if (!bytes) return void response.writeHead(404).end();
    if (name === 'config.json') return whole(request, response, bytes, 0);
    ranges.push(request.headers.range);
    answer(request, response, bytes, ranges.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
    rmSync(data, { recursive: true });
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const shares: number[] = [];
  const get = (over: object = {}) =>
    downloadModel(
      {
        url: `${origin}/someone/tiny`,
        data,
        silence: 2000,
        retries: { attempts: 3, pause: () => Promise.resolve(), jitter: () => 0 },
        onProgress: (done, all) => {
          shares.push(done / all);
          cut?.();
          cut = undefined;
        },
        ...over,
      },
      new AbortController().signal,
    );
  return { origin, data, ranges, shares, get };
}

it('fetches a model, whole and checked, and installs it', async () => {
  const { data, get, shares } = await hub(whole);
  const { name, folder } = await get();
  expect(name).toBe('tiny');
  expect(readdirSync(folder).sort()).toEqual(['config.json', 'model.safetensors']);
  expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true);
  expect(shares.at(-1)).toBe(1);
  expect(shares.toSorted((a, b) => a - b)).toEqual(shares);
  expect(await chosenFolder(data, 'tiny', 'fill', '/embedded')).toBe(folder);
  await expect(get()).rejects.toThrow('There is a model "tiny" already');
  await removeModel(data, 'tiny');
  expect(existsSync(folder)).toBe(false);
});

it('goes on where a connection broke off, as often as each attempt brings something', async () => {
  const { get, ranges } = await hub((request, response, bytes, asked) => {
    if (asked > 6) return whole(request, response, bytes, asked);
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.length - from, ...(from > 0 ? range : {}) });
    sendPart(response, bytes.subarray(from, from + 1000));
  });
  const { folder } = await get();
  expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true);
  expect(ranges[0]).toBeUndefined();
  expect(ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true);
});

it('keeps what came before it failed, and the same call goes on from there', async () => {
  let broken = true;
  const { data, get, ranges } = await hub((request, response, bytes, asked) => {
    if (!broken) return whole(request, response, bytes, asked);
    if (asked > 1) return void response.writeHead(503).end();
    response.writeHead(200, { 'content-length': bytes.length });
    sendPart(response, bytes.subarray(0, 5000));
  });
  await expect(get()).rejects.toThrow('answered 503');
  expect((await readRegistry(data)).models).toEqual([]);
  broken = false;
  await get();
  expect(ranges.at(-1)).toBe('bytes=5000-');
});

it('starts over where a server knows no ranges', async () => {
  const { get, ranges } = await hub((_, response, bytes, asked) => {
    response.writeHead(200, { 'content-length': bytes.length });
    if (asked > 1) return void response.end(bytes);
    sendPart(response, bytes.subarray(0, 5000));
  });
  const { folder } = await get();
  expect(ranges).toEqual([undefined, 'bytes=5000-']);
  expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true);
});

const wrong: [string, Answer, string][] = [
  ['of another length', (_, response, bytes) => void response.end(bytes.subarray(1)), 'another length'],
  [
    'that do not end',
    (_, response, bytes) => {
      response.write(bytes);
      response.end('more');
    },
    'sends more than',
  ],
  [
    'of another content',
    (_, response, bytes) => void response.end(Buffer.alloc(bytes.length, 1)),
    'damaged on its way',
  ],
  [
    'redirected for ever',
    (request, response) => void response.writeHead(302, { location: request.url }).end(),
    'redirects more than 5 times',
  ],
  [
    'redirected to an unencrypted place',
    (_, response) => void response.writeHead(302, { location: 'http://192.0.2.1/x' }).end(),
    'not encrypted',
  ],
  ['that are not there', (_, response) => void response.writeHead(404).end(), 'answered 404'],
];
it.each(wrong)('refuses weights %s, and installs nothing', async (_, answer, message) => {
  const { data, get } = await hub(answer);
  await expect(get()).rejects.toThrow(message);
  expect((await readRegistry(data)).models).toEqual([]);
  expect(existsSync(join(data, 'models', 'tiny'))).toBe(false);
  const part = join(data, 'models', '.tiny.part', 'model.safetensors.part');
  expect(existsSync(part) ? readFileSync(part).length : 0).toBe(0);
});

it('follows a redirect to where the files lie', async () => {
  const { get } = await hub((request, response, bytes, asked) => {
    if (request.url?.startsWith('/elsewhere')) return whole(request, response, bytes, asked);
    response.writeHead(302, { location: '/elsewhere/model.safetensors' }).end();
  });
  expect(existsSync((await get()).folder)).toBe(true);
});

it('asks the mirror alone where one is given', async () => {
  const { origin, get } = await hub(whole);
  expect((await get({ url: 'https://hub.invalid/someone/tiny', mirror: origin, name: 'mine' })).name).toBe('mine');
});

it('refuses a list without hashes', async () => {
  const { get } = await hub(whole, (listed) => ({ ...listed, oid: 'x', lfs: undefined }));
  await expect(get()).rejects.toThrow('gives no hash for config.json');
});

it('asks nobody while the offline lock is on', async () => {
  const { get, ranges } = await hub(whole);
  lockOffline(true);
  await expect(get()).rejects.toThrow('Cloze is offline, so nothing was sent');
  expect(ranges).toEqual([]);
});

it.each(['http://hub.example/a/b', 'https://me:secret@hub.example/a/b', 'ftp://hub.example/a/b'])(
  '%s is no address',
  (url) => {
    expect(() => checkAddress(new URL(url))).toThrow();
  },
);
