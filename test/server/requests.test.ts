import { afterEach, describe, expect, it } from 'vitest';
import { type AnsweredRequest, REQUESTS_METHOD, SNOOZE_METHOD, UNDONE_METHOD } from '../../language-server/protocol.ts';
import { at, type Client, type ClientOptions, itemsOf, request, startClient } from './client.ts';
import { BEGUN_METHOD } from './script.ts';

let client: Client;
const start = async (options: ClientOptions = {}) => {
  client = await startClient(options);
  return client;
};
afterEach(() => void client.process.kill('SIGKILL'));

const requests = () => client.connection.sendRequest<AnsweredRequest[]>(REQUESTS_METHOD);
const decisions = async () => (await requests()).map(({ decided }) => decided);
const invoke = async (uri: string, line: number, character: number) =>
  itemsOf(await client.connection.sendRequest(request, { ...at(uri, line, character), context: { triggerKind: 1 } }));

describe('the last requests', () => {
  it('tell where they were, what decided them and what they cost, newest first', async () => {
    const { complete, open, edit } = await start({ script: { span: ' sum(a);' } });
    const uri = await open('let b =\n', 'file:///project/src/b.ts');
    await complete(uri, 0, 7);
    await edit(uri, 0, 7, 7, ' su');
    await complete(uri, 0, 10);
    await complete(uri, 0, 2);

    const [inWord, typedOn, first] = await requests();
    expect(first).toMatchObject({
      ...{ path: 'src/b.ts', line: 0, character: 7, invoked: false, decided: 'shown' },
      fill: { tokens: 0, confidence: 1, finish: 'eop', waiting: expect.any(Number), read: expect.any(Number) },
    });
    expect(typedOn).toMatchObject({ decided: 'shown', cached: true });
    expect(inWord).toMatchObject({ decided: 'word' });
    expect(inWord).not.toHaveProperty('fill');
    expect(JSON.stringify(await requests())).not.toContain('sum');
  });

  it('name the rule that left nothing to show', async () => {
    const { complete, open, script, next } = await start({
      initializationOptions: { languages: { css: false } },
      script: { span: '' },
    });
    const uri = await open('one();\n\nlet a = 1;\n\nlet b = 2;\nlet c = \n');
    await complete(uri, 1, 0);
    await script({ span: 'let b = 2;' });
    await complete(uri, 3, 0);
    await script({ span: '', fails: 'out of memory' });
    await complete(uri, 5, 8);
    await complete(await open('a {', 'file:///project/a.css', 'css'), 0, 3);
    await complete(await open('PK\0', 'file:///project/a.zip'), 0, 3);
    await script({ span: '1;', hold: 'until aborted' });
    const begun = next(BEGUN_METHOD);
    const overtaken = complete(uri, 5, 8);
    await begun;
    await script({ span: ' 3;' });
    await invoke(uri, 5, 7);
    await overtaken;

    expect((await requests()).reverse()).toMatchObject([
      { decided: 'nothing', line: 1 },
      { decided: 'repeats', line: 3 },
      { decided: 'failed', line: 5, detail: 'out of memory' },
      { decided: 'language', path: 'a.css' },
      { decided: 'document', path: 'a.zip', detail: expect.stringContaining('NUL') },
      { decided: 'overtaken', line: 5, character: 8 },
      { decided: 'shown', line: 5, character: 7, invoked: true },
    ]);
  });

  it('say that no model is loaded, and why', async () => {
    const { complete, open, status } = await start({
      script: { span: '', loadFails: 'model.safetensors is cut short' },
    });
    const uri = await open('let a = \n');
    await status('failed');
    await complete(uri, 0, 8);
    expect(await requests()).toMatchObject([{ decided: 'unloaded', detail: 'model.safetensors is cut short' }]);
  });

  it('are fifty', async () => {
    const { complete, open } = await start({ script: { span: '1;' } });
    const uri = await open('let a = \n');
    for (let i = 0; i < 53; i++) await complete(uri, 0, i % 2 === 0 ? 8 : 2);
    const last = await requests();
    expect(last).toHaveLength(50);
    expect(last[0]).toMatchObject({ character: 8 });
  });
});

describe('where nobody asked by hand, nothing is shown', () => {
  it('after a deletion, until something is typed again', async () => {
    const { complete, open, edit } = await start({ script: { span: '1;' } });
    const uri = await open('let a = x\n');
    await edit(uri, 0, 8, 9, '');
    expect(await complete(uri, 0, 8)).toEqual([]);
    expect(await invoke(uri, 0, 8)).not.toEqual([]);
    await edit(uri, 0, 7, 8, '  ');
    expect(await complete(uri, 0, 9)).not.toEqual([]);
    expect(await decisions()).toEqual(['shown', 'shown', 'deleted']);
  });

  it('after an undo or redo, at that version only', async () => {
    const { complete, open, edit, connection } = await start({ script: { span: '1;' } });
    const uri = await open('let a =\n');
    await edit(uri, 0, 7, 7, ' ');
    await connection.sendNotification(UNDONE_METHOD, { textDocument: { uri, version: 2 } });
    expect(await complete(uri, 0, 8)).toEqual([]);
    await edit(uri, 0, 8, 8, ' ');
    expect(await complete(uri, 0, 9)).not.toEqual([]);
    expect(await decisions()).toEqual(['shown', 'undone']);
  });

  it('where suggestions while typing are turned off', async () => {
    const { complete, open } = await start({
      initializationOptions: { completion: { automatic: false } },
      script: { span: '1;' },
    });
    const uri = await open('let a = \n');
    expect(await complete(uri, 0, 8)).toEqual([]);
    expect(await invoke(uri, 0, 8)).not.toEqual([]);
    expect(await decisions()).toEqual(['shown', 'manual']);
  });

  it('while completions are snoozed', async () => {
    const { complete, open, connection } = await start({ script: { span: '1;' } });
    const uri = await open('let a = \n');
    await connection.sendNotification(SNOOZE_METHOD, { until: Date.now() + 3_600_000 });
    expect(await complete(uri, 0, 8)).toEqual([]);
    expect(await invoke(uri, 0, 8)).not.toEqual([]);
    await connection.sendNotification(SNOOZE_METHOD, { until: 0 });
    expect(await complete(uri, 0, 8)).not.toEqual([]);
    expect(await decisions()).toEqual(['shown', 'shown', 'snoozed']);
  });
});

describe('asked by hand', () => {
  const texts = async (uri: string) => (await invoke(uri, 0, 8)).map(({ insertText }) => insertText);

  it('several candidates come, each once', async () => {
    const { open } = await start({ script: { span: '', candidates: ['1;', '', '2;  ', '1;  '] } });
    const uri = await open('let a = \n', 'untitled:Untitled-1');
    expect(await texts(uri)).toEqual(['1;', '2;']);
  });

  it('what is there stays the first', async () => {
    const { open, complete, calls } = await start({ script: { span: '2;', candidates: ['1;', '2;', '3;'] } });
    const uri = await open('let a = \n', 'untitled:Untitled-1');
    expect(await complete(uri, 0, 8)).toMatchObject([{ insertText: '2;' }]);
    expect(await texts(uri)).toEqual(['2;', '1;', '3;']);
    expect((await calls()).fills.map(({ options }) => [options.least, options.aside])).toEqual([
      [0.5, false],
      [0, true],
    ]);
  });
});
