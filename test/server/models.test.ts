/** Installed models over the protocol: what is listed, what each task uses, downloads and the offline lock. */
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { CancellationTokenSource } from 'vscode-languageserver-protocol/node';
import {
  ADD_MODEL_METHOD,
  CHAT_METHOD,
  DOWNLOAD_MODEL_METHOD,
  DOWNLOADING_METHOD,
  type DownloadProgress,
  FILL_METHOD,
  MODELS_METHOD,
  type ModelsResult,
  REMOVE_MODEL_METHOD,
  USE_MODEL_METHOD,
} from '../../language-server/protocol.ts';
import { type Client, type ClientOptions, startClient } from './client.ts';
import { startModelHub } from './model-hub.ts';

const shipped = 'engine/embedded-model';
const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const step of cleanUp.splice(0).reverse()) step();
});

async function start(settings: object = {}, options: ClientOptions = {}) {
  const data = mkdtempSync(join(tmpdir(), 'cloze-models-'));
  // Another folder with the same model.
  const folder = join(data, 'other');
  symlinkSync(resolve(shipped), folder);
  const client = await startClient({
    env: { CLOZE_TEST_DATA: data, CLOZE_TEST_MODEL: resolve(shipped) },
    initializationOptions: settings,
    script: { span: '1;', chat: ['Hello'] },
    ...options,
  });
  cleanUp.push(() => {
    client.process.kill('SIGKILL');
    rmSync(data, { recursive: true });
  });
  const ask = <R>(method: string, params?: object): Promise<R> => client.connection.sendRequest<R>(method, params);
  return { data, folder, client, ask, models: () => ask<ModelsResult>(MODELS_METHOD) };
}

async function hub() {
  const started = await startModelHub(shipped);
  cleanUp.push(started.dispose);
  return started;
}

const loaded = async (client: Client) => (await client.calls()).loads.map(({ modelFolder }) => modelFolder);

describe('installed models', () => {
  it('are listed with what they take, and what they are used for', async () => {
    const { ask, folder, models } = await start();
    expect(await ask(ADD_MODEL_METHOD, { folder, name: 'mine' })).toEqual({ name: 'mine' });
    const { models: found, memory, setting } = await models();
    expect(found.map(({ name, origin, usedFor }) => ({ name, origin, usedFor }))).toEqual([
      { name: 'embedded', origin: 'shipped', usedFor: ['inline', 'fill', 'chat'] },
      { name: 'mine', origin: 'added', usedFor: [] },
    ]);
    const own = found[1]?.ways.find(({ runtime }) => runtime === 'native');
    expect(own).toMatchObject({ fits: true, available: expect.any(Number) });
    expect(own?.bytes).toBeGreaterThan(1e6);
    expect(found[1]?.parameters).toBeGreaterThan(1e6);
    expect(memory.total).toBeGreaterThanOrEqual(memory.available);
    expect(setting).toBe('');
  });

  it('that are damaged are listed with what is wrong, and cannot be added', async () => {
    const { ask, data, models } = await start({ model: { path: join(tmpdir(), 'no-such-model') } });
    expect((await models()).models[1]).toMatchObject({ origin: 'setting', name: 'no-such-model' });
    expect((await models()).models[1]?.problem).toContain('config.json');
    await expect(ask(ADD_MODEL_METHOD, { folder: data })).rejects.toThrow('config.json does not exist');
    await expect(ask(ADD_MODEL_METHOD, {})).rejects.toThrow('needs "folder"');
    await expect(ask(USE_MODEL_METHOD, { name: 'yours', tasks: ['inline'] })).rejects.toThrow('no model "yours"');
    await expect(ask(USE_MODEL_METHOD, { name: 'embedded', tasks: ['dinner'] })).rejects.toThrow('"tasks" must be');
  });

  it('are used for the tasks they were chosen for: others are loaded when they are asked for', async () => {
    const { ask, client, folder, models } = await start();
    await client.status('ready');
    await ask(ADD_MODEL_METHOD, { folder, name: 'talker' });
    const before = (await loaded(client)).length;
    await ask(USE_MODEL_METHOD, { name: 'talker', tasks: ['chat'] });
    expect((await models()).models.map(({ usedFor }) => usedFor)).toEqual([['inline', 'fill'], ['chat']]);
    expect((await loaded(client)).slice(before)).toEqual([]);

    const uri = await client.open('let a = \n');
    expect(await client.complete(uri, 0, 8)).toMatchObject([{ insertText: '1;' }]);
    const range = { start: { line: 0, character: 8 }, end: { line: 0, character: 8 } };
    await ask(FILL_METHOD, { textDocument: { uri, version: 1 }, blanks: [{ range }] });
    expect((await loaded(client)).slice(before)).toEqual([]);
    const question = { id: '1', model: 'local', messages: [{ role: 'user', content: 'Hi' }] };
    expect(await ask(CHAT_METHOD, question)).toMatchObject({ finish: 'end' });
    expect((await loaded(client)).slice(before)).toEqual([folder]);

    await ask(USE_MODEL_METHOD, { name: 'talker', tasks: ['inline', 'fill'] });
    expect((await models()).models.map(({ usedFor }) => usedFor)).toEqual([[], ['inline', 'fill', 'chat']]);
    await client.complete(uri, 0, 8);
    const asked = (await loaded(client)).length;
    await ask(CHAT_METHOD, { ...question, id: '2' });
    expect((await loaded(client)).length).toBe(asked);

    await ask(REMOVE_MODEL_METHOD, { name: 'talker' });
    expect((await models()).models.map(({ usedFor }) => usedFor)).toEqual([['inline', 'fill', 'chat']]);
    expect(existsSync(folder)).toBe(true);
  });

  it('give way to the folder that the settings name', async () => {
    const { ask, folder, models } = await start({ model: { path: resolve(shipped) } });
    await ask(ADD_MODEL_METHOD, { folder, name: 'mine' });
    await ask(USE_MODEL_METHOD, { name: 'mine', tasks: ['inline'] });
    const { setting, models: found } = await models();
    expect(setting).toBe(resolve(shipped));
    expect(found.map(({ usedFor }) => usedFor)).toEqual([['inline', 'fill', 'chat'], []]);
  });
});

describe('a download', () => {
  it('is refused while offline, before anything is sent', async () => {
    const { page, asked } = await hub();
    const { ask } = await start();
    await expect(ask(DOWNLOAD_MODEL_METHOD, { id: '1', url: page })).rejects.toThrow('Cloze is offline');
    expect(asked).toEqual([]);
  });

  it('tells how far it is, and installs the model', async () => {
    const { page } = await hub();
    const { ask, client, data, models } = await start({ offline: false });
    const told: DownloadProgress[] = [];
    client.connection.onNotification(DOWNLOADING_METHOD, (progress: DownloadProgress) => void told.push(progress));
    expect(await ask(DOWNLOAD_MODEL_METHOD, { id: '7', url: page })).toEqual({ name: 'small' });
    expect(told.at(-1)).toMatchObject({ id: '7' });
    expect(told.at(-1)?.done).toBe(told.at(-1)?.all);
    const small = (await models()).models[1];
    expect(small).toMatchObject({ name: 'small', origin: 'downloaded', folder: join(data, 'models', 'small') });
    await ask(REMOVE_MODEL_METHOD, { name: 'small' });
    expect(existsSync(join(data, 'models', 'small'))).toBe(false);
  });

  it('that was cancelled goes on where it was', async () => {
    const source = await hub();
    source.hold = true;
    const { client, data, ask } = await start({ offline: false });
    const part = join(data, 'models', '.small.part', 'model.safetensors.part');
    const stop = new CancellationTokenSource();
    const first = client.connection.sendRequest(DOWNLOAD_MODEL_METHOD, { id: '1', url: source.page }, stop.token);
    await expect.poll(() => (existsSync(part) ? statSync(part).size : 0), { timeout: 20_000 }).toBeGreaterThan(100_000);
    stop.cancel();
    await expect(first).rejects.toThrow('cancelled');
    source.hold = false;
    source.ranges.splice(0);
    expect(await ask(DOWNLOAD_MODEL_METHOD, { id: '2', url: source.page })).toEqual({ name: 'small' });
    expect(source.ranges).toContainEqual(expect.stringMatching(/^bytes=[1-9]\d{4,}-$/));
  });

  it('of a wrong address says how one looks', async () => {
    const { ask } = await start({ offline: false });
    await expect(ask(DOWNLOAD_MODEL_METHOD, { id: '1', url: 'hub' })).rejects.toThrow("no model's page");
  });
});
