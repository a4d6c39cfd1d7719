import { afterEach, expect, it } from 'vitest';
import {
  type FillTrace,
  LENS_METHOD,
  MEASURED_METHOD,
  type MeasuredParams,
  RELOAD_METHOD,
  TRACE_METHOD,
  TRACED_METHOD,
} from '../../language-server/protocol.ts';
import { type Client, startClient } from './client.ts';

let client: Client;
afterEach(() => void client.process.kill('SIGKILL'));

const trace = () => client.connection.sendRequest<FillTrace | null>(TRACE_METHOD);
/** The rivals that each fill was asked to note. */
const rivals = async () => (await client.calls()).fills.map(({ options }) => options.rivals);

it('keeps the trace of the last fill, and gives it to whoever asks', async () => {
  client = await startClient({ script: { span: ' 1;' } });
  const uri = await client.open('const x =\nconst y =\n');
  expect(await trace()).toBeNull();
  await client.complete(uri, 0, 9);
  expect(await trace()).toMatchObject({ format: 1, model: 'scripted', spans: [{ text: ' 1;' }] });
  await client.script({ span: ' 2;' });
  await client.complete(uri, 1, 9);
  expect(await trace()).toMatchObject({ spans: [{ text: ' 2;' }] });
});

it('notes rivals and tells of new traces only while a Lens is open', async () => {
  client = await startClient({ script: { span: ' 1;' } });
  const told: (string | undefined)[] = [];
  client.connection.onNotification(TRACED_METHOD, async () => void told.push((await trace())?.spans[0]?.text));
  const uri = await client.open('const x =\nconst y =\nconst z =\n');
  await client.complete(uri, 0, 9);
  await client.connection.sendNotification(LENS_METHOD, { open: true });
  await client.complete(uri, 1, 9);
  await expect.poll(() => told).toEqual([' 1;']);
  await client.connection.sendNotification(LENS_METHOD, { open: false });
  await client.complete(uri, 2, 9);
  expect(await rivals()).toEqual([undefined, 5, undefined]);
  expect(told).toHaveLength(1);
});

it('takes anything but an open Lens for a closed one', async () => {
  client = await startClient({ script: { span: ' 1;' } });
  const uri = await client.open('const x =\nconst y =\n');
  await client.connection.sendNotification(LENS_METHOD, { open: 'yes' });
  await client.complete(uri, 0, 9);
  await client.connection.sendNotification(LENS_METHOD, null);
  await client.complete(uri, 1, 9);
  expect(await rivals()).toEqual([undefined, undefined]);
});

it('forgets the trace together with the model', async () => {
  client = await startClient({ script: { span: ' 1;' } });
  const uri = await client.open('const x =\n');
  await client.complete(uri, 0, 9);
  expect(await trace()).not.toBeNull();
  const before = client.statuses.length;
  await client.connection.sendNotification(RELOAD_METHOD);
  await expect.poll(() => client.statuses.slice(before).map(({ state }) => state)).toContain('ready');
  expect(await trace()).toBeNull();
});

it('tells how long the stages of each call took, and nothing of answers from the cache', async () => {
  client = await startClient({ script: { span: ' 1;' } });
  const told: MeasuredParams[] = [];
  client.connection.onNotification(MEASURED_METHOD, (params: MeasuredParams) => void told.push(params));
  const uri = await client.open('const x =\n');
  await client.complete(uri, 0, 9);
  await client.complete(uri, 0, 9);
  await trace();
  expect(told).toHaveLength(1);
  expect(Object.keys(told[0] ?? {}).sort()).toEqual(['extend', 'read', 'tokenize', 'total']);
});
