/** The suggestion after the next one is prepared while the next one is looked at. */
import { afterEach, expect, it } from 'vitest';
import { type AnsweredRequest, REQUESTS_METHOD } from '../../language-server/protocol.ts';
import { type Client, startClient } from './client.ts';
import { ABORTED_METHOD, BEGUN_METHOD, RELEASE_METHOD, type Script } from './script.ts';

let client: Client;
const start = async (script: Script) => {
  client = await startClient({ script });
  return client;
};
afterEach(() => void client.process.kill('SIGKILL'));

/** Counts the engine's calls from now on; resolves when so many have begun. */
function countCalls(): (calls: number) => Promise<void> {
  let seen = 0;
  client.connection.onNotification(BEGUN_METHOD, () => {
    seen++;
  });
  return (calls) => expect.poll(() => seen, { timeout: 30_000 }).toBeGreaterThanOrEqual(calls);
}

it('comes without a call of the model once the one before is accepted', async () => {
  const { open, complete, edit, calls, connection } = await start({ span: ' 1;', after: { ' 1;': '\nlet c = 2;' } });
  const uri = await open('let b =\n');
  const begun = countCalls();
  expect(await complete(uri, 0, 7)).toMatchObject([{ insertText: ' 1;' }]);
  await begun(2);
  await edit(uri, 0, 7, 7, ' 1;');
  // The call that prepares it may still be on its way: in its turn comes first.
  expect(await complete(uri, 0, 10)).toMatchObject([{ insertText: '\nlet c = 2;' }]);
  const { fills } = await calls();
  expect(fills.slice(0, 2).map(({ options: { aside } }) => aside ?? false)).toEqual([false, true]);
  expect(fills[1]?.passage).toMatchObject({ before: 'let b =', forced: ' 1;', after: '\n' });
  const requests = await connection.sendRequest<AnsweredRequest[]>(REQUESTS_METHOD);
  expect(requests).toHaveLength(2);
  expect(requests[0]).toMatchObject({ decided: 'shown', cached: true, prepared: true });
  expect(requests[1]).not.toHaveProperty('cached');
});

it('is given up for any other request', async () => {
  const { open, complete, next, calls, connection } = await start({ span: ' 1;', after: {}, hold: 'until aborted' });
  const uri = await open('let b =\nlet d =\n');
  const begun = countCalls();
  const shown = complete(uri, 0, 7);
  await begun(1);
  await connection.sendNotification(RELEASE_METHOD);
  expect(await shown).not.toEqual([]);
  await begun(2);
  const aborted = next(ABORTED_METHOD);
  const elsewhere = complete(uri, 1, 7);
  await aborted;
  await begun(3);
  await connection.sendNotification(RELEASE_METHOD);
  expect(await elsewhere).toMatchObject([{ insertText: ' 1;' }]);
  const { fills, atOnce } = await calls();
  expect(fills.slice(0, 3).map(({ outcome }) => outcome)).toEqual(['done', 'aborted', 'done']);
  expect(atOnce).toBe(1);
});

it('is not prepared where nothing is shown', async () => {
  const { open, complete, calls } = await start({ span: '', after: {} });
  const uri = await open('let b =\n');
  await complete(uri, 0, 7);
  // Long enough for it to begin, were there one.
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect((await calls()).fills).toHaveLength(1);
});
