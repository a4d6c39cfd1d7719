/** What clients tell of suggestions moves the gate. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  FORGET_METHOD,
  GATE_METHOD,
  type GateState,
  OUTCOME_METHOD,
  type OutcomeParams,
} from '../../language-server/protocol.ts';
import { type Client, startClient } from './client.ts';

let folder: string;
let outcomesFile: string;
let client: Client;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cloze-outcomes-'));
  outcomesFile = join(folder, 'storage', 'outcomes.json');
});
afterEach(() => {
  client.process.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function start(completion: object = {}): Promise<Client> {
  client = await startClient({
    initializationOptions: { completion, outcomesFile },
    script: { span: ' 1;', probability: 0.52 },
  });
  return client;
}

const gate = () => client.connection.sendRequest<GateState>(GATE_METHOD);

/** Asks for the suggestion at the end of the first line and tells what became of it, so many times. */
async function tell(uri: string, outcome: OutcomeParams['outcome'], times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    const [item] = await client.complete(uri, 0, 7);
    await client.connection.sendNotification(OUTCOME_METHOD, { textDocument: { uri }, item, outcome });
  }
}

it('closes a bin of which nothing is ever taken, and keeps the counts for the next server', async () => {
  const { open, complete, close } = await start();
  const uri = await open('let b =\nlet d =\n');
  await tell(uri, 'shown', 5);
  await tell(uri, 'dismissed', 39);
  expect(await gate()).toEqual({ threshold: 0.5, setting: 0.5, taken: 0, left: 39 });
  expect(await complete(uri, 1, 7)).not.toEqual([]);
  await tell(uri, 'dismissed', 1);
  expect(await gate()).toEqual({ threshold: expect.closeTo(0.55), setting: 0.5, taken: 0, left: 40 });
  expect(await close()).toBe(0);
  const written = JSON.parse(readFileSync(outcomesFile, 'utf8'));
  expect(written.bins.filter((bin: object) => JSON.stringify(bin) !== '{"taken":0,"left":0}')).toEqual([
    { taken: 0, left: 40 },
  ]);

  await start();
  const again = await client.open('let d =\n');
  expect(await client.complete(again, 0, 7)).toEqual([]);
  expect(await gate()).toMatchObject({ threshold: expect.closeTo(0.55), left: 40 });

  await client.connection.sendNotification(FORGET_METHOD);
  expect(await gate()).toEqual({ threshold: 0.5, setting: 0.5, taken: 0, left: 0 });
  await expect.poll(() => existsSync(outcomesFile)).toBe(false);
});

it('opens further where nearly all is taken', async () => {
  const { open } = await start();
  const uri = await open('let b =\n');
  await tell(uri, 'accepted', 20);
  await tell(uri, 'partiallyAccepted', 20);
  expect(await gate()).toEqual({ threshold: expect.closeTo(0.45), setting: 0.5, taken: 40, left: 0 });
});

it('leaves the setting alone where it is told to, and ignores what was never suggested', async () => {
  const { open, connection } = await start({ adaptive: false });
  const uri = await open('let b =\n');
  await tell(uri, 'dismissed', 45);
  expect(await gate()).toEqual({ threshold: 0.5, setting: 0.5, taken: 0, left: 0 });
  await client.close();

  await start();
  await client.open('let b =\n');
  expect(connection).not.toBe(client.connection);
  for (const odd of [null, {}, { textDocument: 3, item: [] }, { textDocument: { uri }, item: { insertText: 'x' } }]) {
    await client.connection.sendNotification(OUTCOME_METHOD, odd);
  }
  const [item] = await client.complete(uri, 0, 7);
  const other = { ...item, insertText: ' 2;' };
  await client.connection.sendNotification(OUTCOME_METHOD, { textDocument: { uri }, item: other, outcome: 'accepted' });
  await client.connection.sendNotification(OUTCOME_METHOD, { textDocument: { uri }, item, outcome: 'read' });
  await client.connection.sendNotification(OUTCOME_METHOD, { textDocument: { uri }, item, outcome: 'accepted' });
  await client.connection.sendNotification(OUTCOME_METHOD, { textDocument: { uri }, item, outcome: 'accepted' });
  expect(await gate()).toMatchObject({ taken: 1, left: 0 });
});
