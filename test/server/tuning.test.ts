/** Tuning over the protocol, with the server and the model that ship: progress, pause, stop, switching over, going back. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CancellationTokenSource } from 'vscode-languageserver-protocol/node';
import {
  PAUSE_TUNING_METHOD,
  ROLL_BACK_METHOD,
  TUNE_METHOD,
  TUNING_METHOD,
  type TunedResult,
  type TuneParams,
  type TuningProgress,
} from '../../language-server/protocol.ts';
import { code } from '../unit/tuning/code.ts';
import { startClient } from './client.ts';

vi.setConfig({ testTimeout: 900_000 });

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const step of cleanUp.splice(0).reverse()) step();
});

async function start() {
  const data = mkdtempSync(join(tmpdir(), 'cloze-tuning-'));
  const project = join(data, 'project');
  mkdirSync(project);
  for (let index = 0; index < 24; index++) writeFileSync(join(project, `part${index}.ts`), code(index));
  const rootUri = pathToFileURL(project).href;
  const client = await startClient({ server: 'dist/server.cjs', rootUri, env: { CLOZE_DATA: join(data, 'own') } });
  cleanUp.push(() => {
    client.process.kill('SIGKILL');
    rmSync(data, { recursive: true });
  });
  const told: TuningProgress[] = [];
  client.connection.onNotification(TUNING_METHOD, (progress: TuningProgress) => void told.push(progress));
  const tune = (params: Partial<TuneParams> = {}, token = new CancellationTokenSource().token) =>
    client.connection.sendRequest<TunedResult>(TUNE_METHOD, { folder: rootUri, method: 'memory', ...params }, token);
  return { client, data: join(data, 'own'), project, rootUri, told, tune };
}

/** Processes that the server has started, and whether each stands still. */
function children(pid: number | undefined): { pid: number; stopped: boolean; nice: number }[] {
  // It fails where there are none.
  const { stdout } = spawnSync('ps', ['-o', 'pid=,stat=,ni=', '--ppid', String(pid)], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/\s+/))
    .map(([id, state, nice]) => ({ pid: Number(id), stopped: state?.startsWith('T') ?? false, nice: Number(nice) }));
}

describe.skipIf(process.platform !== 'linux')('tuning on a workspace', () => {
  it('makes a model that is better, uses it, and goes back', async () => {
    const { client, data, project, rootUri, told, tune } = await start();
    await client.status('ready');
    const result = await tune({ tasks: 9 });
    expect(result).toMatchObject({ number: 1, used: true });
    expect(result.unseen.after).toBeGreaterThan(result.unseen.before);
    expect(result.report).toContain('# Tuned model 1 of');
    expect(new Set(told.map(({ stage }) => stage))).toEqual(new Set(['remembering', 'measuring']));
    expect(readdirSync(project)).toHaveLength(24);
    const [home] = readdirSync(join(data, 'tuned'));
    const model = join(data, 'tuned', home as string, '1', 'model');
    expect(JSON.parse(readFileSync(join(model, 'memory.json'), 'utf8')).files.length).toBeGreaterThan(10);
    const loads = () => client.logs.filter(({ message }) => /Model .* loaded/.test(message)).length;
    await expect.poll(loads, { timeout: 60_000 }).toBe(2);
    expect(await client.connection.sendRequest<number>(ROLL_BACK_METHOD, { folder: rootUri })).toBe(0);
    await expect.poll(loads, { timeout: 60_000 }).toBe(3);
    await expect(client.connection.sendRequest(ROLL_BACK_METHOD, { folder: rootUri })).rejects.toThrow(
      /nothing to go back from/,
    );
  });

  it('stands still while keys come and while the user says so, and can be stopped', async () => {
    const { client, data, told, tune } = await start();
    await client.status('ready');
    const stop = new CancellationTokenSource();
    const ended = tune({ tasks: 60 }, stop.token);
    const rejected = expect(ended).rejects.toThrow(/cancelled/);
    await expect.poll(() => told.length, { timeout: 300_000 }).toBeGreaterThan(1);
    const worker = () => children(client.process.pid).find(({ nice }) => nice >= 15);
    expect(worker()?.stopped).toBe(false);

    const uri = await client.open('const total = ');
    await client.complete(uri, 0, 14);
    expect(worker()?.stopped).toBe(true);
    await expect.poll(() => worker()?.stopped, { timeout: 60_000 }).toBe(false);

    await client.connection.sendNotification(PAUSE_TUNING_METHOD, { paused: true });
    await expect.poll(() => told.at(-1)?.paused, { timeout: 60_000 }).toBe('user');
    expect(worker()?.stopped).toBe(true);
    await client.connection.sendNotification(PAUSE_TUNING_METHOD, { paused: false });
    await expect.poll(() => worker()?.stopped, { timeout: 60_000 }).toBe(false);

    await expect(tune()).rejects.toThrow(/being tuned already/);
    stop.cancel();
    await rejected;
    expect(worker()).toBeUndefined();
    const [home] = readdirSync(join(data, 'tuned'));
    expect(existsSync(join(data, 'tuned', home as string, 'tuning.lock'))).toBe(false);
  });

  it('says what is wrong with a request, and why a folder cannot be tuned', async () => {
    const { data, tune } = await start();
    await expect(tune({ folder: 'https://example.org/' })).rejects.toThrow(/must be the address of a folder/);
    await expect(tune({ method: 'magic' as 'full' })).rejects.toThrow(/"method" must be one of/);
    await expect(tune({ minutes: 0 })).rejects.toThrow(/"minutes" must be a number above 0/);
    await expect(tune({ tasks: 2 })).rejects.toThrow(/"tasks" must be a whole number/);
    const empty = join(data, '..', 'empty');
    mkdirSync(empty);
    await expect(tune({ folder: pathToFileURL(empty).href })).rejects.toThrow(/Only 0 files of TypeScript/);
  });
});
