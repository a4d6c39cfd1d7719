import { expect, it, vi } from 'vitest';

vi.mock('vscode-languageclient/node', () => ({
  CloseAction: { DoNotRestart: 'stop', Restart: 'restart' },
  ErrorAction: { Continue: 'continue' },
}));

const { createRestarts } = await import('../../../extension/restarts.ts');

it('a server that served is started again however often it ends, without a message of the client', async () => {
  const gaveUp = vi.fn();
  const { handler, served } = createRestarts(gaveUp);
  for (let kills = 0; kills < 50; kills++) {
    expect(await handler.closed()).toEqual({ action: 'restart', handled: true });
    served();
  }
  expect(gaveUp).not.toHaveBeenCalled();
});

it('one that never serves is given up after five times, and begins anew when it is started by hand', async () => {
  const gaveUp = vi.fn();
  const { handler } = createRestarts(gaveUp);
  for (let start = 0; start < 2; start++) {
    for (let kills = 0; kills < 4; kills++) expect(await handler.closed()).toMatchObject({ action: 'restart' });
    expect(await handler.closed()).toEqual({ action: 'stop', handled: true });
  }
  expect(gaveUp).toHaveBeenCalledTimes(2);
});
