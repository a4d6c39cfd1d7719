import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { CHAT_METHOD, LENS_METHOD, RELOAD_METHOD, TRACE_METHOD } from '../../language-server/protocol.ts';
import { at, type Client, type ClientOptions, request, startClient } from './client.ts';
import { BEGUN_METHOD, RELEASE_METHOD } from './script.ts';

const clients: Client[] = [];
async function start(options: ClientOptions = {}): Promise<Client> {
  const client = await startClient(options);
  clients.push(client);
  return client;
}
afterEach(() => {
  for (const { process } of clients.splice(0)) process.kill('SIGKILL');
});

describe('the end', () => {
  it.each(['stdio', 'node-ipc'] as const)('exits with 1 when nobody asked for shutdown, over %s', async (transport) => {
    const { connection, process } = await start({ transport });
    const exited = once(process, 'exit');
    await connection.sendNotification('exit');
    expect(await exited).toEqual([1, null]);
  });

  it('exits when its client is gone', async () => {
    const { process } = await start();
    const exited = once(process, 'exit');
    process.stdin?.end();
    expect(await exited).toEqual([1, null]);
  });

  it('shuts down while the engine is busy', async () => {
    const { complete, open, next, close } = await start({ script: { span: '1;', hold: 'until aborted' } });
    const uri = await open('let a = \n');
    const begun = next(BEGUN_METHOD);
    const answer = complete(uri, 0, 8);
    await begun;
    const code = close();
    expect(await answer).toEqual([]);
    expect(await code).toBe(0);
  });

  it.each(['stdio', 'node-ipc'] as const)(
    'killed in a request: the next one serves the same documents, over %s',
    async (transport) => {
      const text = 'let a = \n';
      const killed = await start({ transport, script: { span: '1;', hold: 'until aborted' } });
      const begun = killed.next(BEGUN_METHOD);
      const lost = killed.connection.sendRequest(request, at(await killed.open(text), 0, 8));
      await begun;
      killed.process.kill('SIGKILL');
      await expect(lost).rejects.toThrow();

      const restarted = await start({ transport, script: { span: '1;' } });
      expect(await restarted.complete(await restarted.open(text), 0, 8)).toMatchObject([{ insertText: '1;' }]);
    },
  );
});

describe('the model', () => {
  it('is loaded after initialized, in the background', async () => {
    const { status, statuses, calls } = await start({ initializationOptions: { threads: 3 } });
    await status('ready');
    expect(statuses.map((each) => each.state)).toEqual(['loading', 'ready']);
    expect((await calls()).loads).toEqual([{ modelFolder: 'embedded', threads: 3, runtime: 'native' }]);
  });

  it('is the one tuned on the workspace, where no other is chosen', async () => {
    const rootUri = 'file:///tuned';
    const { status, calls, connection } = await start({ rootUri });
    await status('ready');
    const settings = { cloze: { model: { path: 'chosen' } } };
    await connection.sendNotification('workspace/didChangeConfiguration', { settings });
    await expect
      .poll(async () => (await calls()).loads.map(({ modelFolder }) => modelFolder))
      .toEqual(['tuned', 'chosen']);
  });

  it('that runs elsewhere than was asked for says so to the user', async () => {
    const warns = 'onnx-webgpu failed: the device was lost. The model runs on native avx2 fp32, 1 thread instead.';
    const { status, connection, calls, logs, script } = await start();
    await status('ready');
    const shown: unknown[] = [];
    connection.onNotification('window/showMessage', (message) => void shown.push(message));
    await script({ span: '1;', warns });
    const settings = { cloze: { model: { runtime: 'onnx-webgpu' } } };
    await connection.sendNotification('workspace/didChangeConfiguration', { settings });
    await expect.poll(async () => (await calls()).loads.at(-1)?.runtime).toBe('onnx-webgpu');
    await expect.poll(() => shown).toEqual([{ type: 2, message: `Cloze: ${warns}` }]);
    expect(logs.filter(({ message }) => message.includes(warns))).toHaveLength(1);
  });

  it('that fails is reported once, and completions are empty until it can be loaded', async () => {
    const loadFails = 'Model folder /nowhere has no config.json: set cloze.model.path to a folder with a model.';
    const client = await start({
      script: { span: '1;', loadFails },
      initializationOptions: { model: { path: '/nowhere' } },
    });
    const { complete, open, script, status, connection, logs } = client;
    expect(await status('failed')).toMatchObject({ message: loadFails });
    const uri = await open('let a = \n');
    expect(await complete(uri, 0, 8)).toEqual([]);
    expect(await complete(uri, 0, 8)).toEqual([]);
    expect(logs.filter((line) => line.message.includes(loadFails))).toMatchObject([{ type: 1 }]);

    await script({ span: '1;' });
    await connection.sendNotification(RELOAD_METHOD);
    await status('ready');
    expect(await complete(uri, 0, 8)).toMatchObject([{ insertText: '1;' }]);
    expect((await client.calls()).loads).toHaveLength(2);
  });

  it('is loaded again when settings change after it failed, and only then', async () => {
    const { status, connection, script, calls } = await start({ script: { span: '', loadFails: 'no such folder' } });
    await status('failed');
    await script({ span: '' });
    await connection.sendNotification('workspace/didChangeConfiguration', { settings: { cloze: { threads: 0 } } });
    await status('ready');
    await connection.sendNotification('workspace/didChangeConfiguration', { settings: { cloze: { log: {} } } });
    await connection.sendNotification('workspace/didChangeConfiguration', { settings: { cloze: { threads: 2 } } });
    // Settings are taken in one after the other, so a load for the settings of the log would stand before the last.
    await expect.poll(async () => (await calls()).loads.at(-1)?.threads).toBe(2);
    expect((await calls()).loads).toHaveLength(3);
  });

  it('that fails in a call costs that completion only', async () => {
    const { complete, open, script, logs } = await start({ script: { span: '1;', fails: 'out of memory' } });
    const uri = await open('let a = \n');
    expect(await complete(uri, 0, 8)).toEqual([]);
    expect(logs.at(-1)).toMatchObject({ type: 1, message: expect.stringContaining('source.ts: out of memory') });
    await script({ span: '1;' });
    expect(await complete(uri, 0, 8)).toMatchObject([{ insertText: '1;' }]);
  });
});

describe('a model that nobody asks', () => {
  const unloadAfter = 0.001;

  it('is freed after the time in the settings, and loaded again by the next request of any kind', async () => {
    const { complete, open, status, statuses, calls, connection } = await start({
      script: { span: '1;', chat: ['Yes.'] },
      initializationOptions: { unloadAfter },
    });
    await status('asleep');
    expect(await calls()).toMatchObject({ loads: [{}], freed: 1 });
    const uri = await open('let a = \n');
    expect(await complete(uri, 0, 8)).toMatchObject([{ insertText: '1;' }]);
    await expect.poll(async () => (await calls()).freed).toBe(2);
    const params = { id: '1', model: 'local', messages: [{ role: 'user', content: 'Well?' }] };
    expect(await connection.sendRequest(CHAT_METHOD, params)).toMatchObject({ finish: 'end' });
    expect((await calls()).loads).toHaveLength(3);
    expect(statuses.map(({ state }) => state).slice(0, 5)).toEqual(['loading', 'ready', 'asleep', 'loading', 'ready']);
  });

  it('stays while it is at work, and while somebody looks at what it computed', async () => {
    const { complete, open, next, connection, calls, status, statuses } = await start({
      script: { span: '1;', hold: 'until released' },
      initializationOptions: { unloadAfter },
    });
    await connection.sendNotification(LENS_METHOD, { open: true });
    const uri = await open('let a = \n');
    const begun = next(BEGUN_METHOD);
    const answer = complete(uri, 0, 8);
    await begun;
    await new Promise((resolve) => setTimeout(resolve, 200));
    await connection.sendNotification(RELEASE_METHOD);
    expect(await answer).toMatchObject([{ insertText: '1;' }]);
    const loads = (await calls()).loads.length;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await connection.sendRequest(TRACE_METHOD)).toMatchObject({ spans: [{ text: '1;' }] });
    expect((await calls()).loads).toHaveLength(loads);
    statuses.length = 0;
    await connection.sendNotification(LENS_METHOD, { open: false });
    await status('asleep');
  });

  it('stays at 0', async () => {
    const { status, calls } = await start({ initializationOptions: { unloadAfter: 0 } });
    await status('ready');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await calls()).freed).toBe(0);
  });
});

describe('settings', () => {
  const capabilities = { workspace: { configuration: true, didChangeConfiguration: { dynamicRegistration: true } } };

  it('are asked of the client and followed', async () => {
    let settings: unknown = { enable: true, completion: { maxTokens: 7 } };
    const client = await start({ capabilities, configuration: () => settings, script: { span: '1;' } });
    const { complete, open, connection, status, calls, edit } = client;
    const uri = await open('let a = \n');
    expect(await complete(uri, 0, 8)).toMatchObject([{ insertText: '1;' }]);
    expect((await calls()).fills[0]?.options.maxTokens).toBe(7);

    settings = { enable: false };
    await connection.sendNotification('workspace/didChangeConfiguration', { settings: null });
    await status('disabled');
    await edit(uri, 0, 8, 8, '2');
    expect(await complete(uri, 0, 9)).toEqual([]);
  });

  it('turn languages on and off', async () => {
    const { complete, open } = await start({
      script: { span: 'text' },
      initializationOptions: { languages: { '*': false, python: true } },
    });
    expect(await complete(await open('', 'file:///project/a.ts', 'typescript'), 0, 0)).toEqual([]);
    expect(await complete(await open('', 'file:///project/a.py', 'python'), 0, 0)).toHaveLength(1);
  });

  it('that are malformed are named and replaced by their defaults', async () => {
    const { complete, open, calls, logs } = await start({
      script: { span: '1;' },
      initializationOptions: { completion: { maxTokens: 'many', timeLimit: 5 }, log: [], languages: { python: 1 } },
    });
    const uri = await open('let a = \n');
    expect(await complete(uri, 0, 8)).toMatchObject([{ insertText: '1;' }]);
    expect((await calls()).fills[0]?.options).toMatchObject({ maxTokens: 64, timeLimit: 5 });
    const errors = logs.filter((line) => line.type === 1).map((line) => line.message);
    expect(errors.map((line) => /cloze\.[\w.]+/.exec(line)?.[0])).toEqual([
      'cloze.log',
      'cloze.completion.maxTokens',
      'cloze.languages',
    ]);
  });

  it.each([['a string'], [17], [[]], [null]])('that are %j altogether do no harm', async (initializationOptions) => {
    const { complete, open } = await start({ initializationOptions, script: { span: '1;' } });
    expect(await complete(await open('let a = \n'), 0, 8)).toMatchObject([{ insertText: '1;' }]);
  });
});

describe('documents and positions that cannot be completed', () => {
  const enormous = `${'const value = 1;\n'.repeat(3_200_000)}let a = `;
  const documents: [name: string, text: string, line: number, character: number, reason: RegExp][] = [
    ['of 50 MB', enormous, 3_200_000, 8, /No completions in source\.ts: .*limit/],
    ['that are binary', 'PK\0\u0003\0', 0, 5, /binary/],
    ['with an endless line', `x = ${'1, '.repeat(5000)}`, 0, 20, /line at the cursor/],
  ];
  it.each(documents)('%s are named once in the log, and the rest goes on', async (_, text, line, character, reason) => {
    const { complete, open, edit, logs, calls } = await start({ script: { span: '1;' } });
    const odd = await open(text);
    expect(await complete(odd, line, character)).toEqual([]);
    await edit(odd, line, character, character, 'x');
    expect(await complete(odd, line, character + 1)).toEqual([]);
    const fine = await open('let a = \n', 'file:///project/fine.ts');
    expect(await complete(fine, 0, 8)).toMatchObject([{ insertText: '1;' }]);
    expect((await calls()).fills).toHaveLength(1);
    expect(logs.filter((each) => reason.test(each.message))).toMatchObject([{ type: 3 }]);
    expect(logs.filter((each) => each.type === 1)).toEqual([]);
  });

  const clamped = { start: { line: 1, character: 0 }, end: { line: 1, character: 0 } };
  const positions: [name: string, position: unknown, range: unknown][] = [
    ['beyond the last line', { line: 99, character: 99 }, clamped],
    [
      'beyond the end of a line',
      { line: 0, character: 99 },
      { start: { line: 0, character: 8 }, end: { line: 0, character: 8 } },
    ],
    ['negative', { line: -1, character: -1 }, { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } }],
    ['not numbers', { line: 'one', character: null }, undefined],
    ['absent', undefined, undefined],
  ];
  it.each(positions)('positions that are %s', async (_, position, range) => {
    const { connection, open } = await start({ script: { span: 'a1();' } });
    const uri = await open('let a = \n');
    const params = { textDocument: { uri }, position, context: { triggerKind: 1 } };
    const answer = connection.sendRequest(request, params);
    if (range) expect(await answer).toMatchObject([{ range }]);
    else expect(await answer).toEqual([]);
  });

  it('that were never opened, or are closed', async () => {
    const { complete, open, connection } = await start({ script: { span: '1;' } });
    expect(await complete('file:///project/unknown.ts', 0, 0)).toEqual([]);
    const uri = await open('let a = \n');
    await connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
    expect(await complete(uri, 0, 8)).toEqual([]);
  });
});
