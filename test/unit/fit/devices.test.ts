import { Socket } from 'node:net';
import { expect, it, vi } from 'vitest';
import { measureBandwidth } from '../../../engine/fit/bandwidth.ts';
import { findDevices } from '../../../engine/fit/devices.ts';
import { loadAddon } from '../../../engine/native.ts';

it('the processor comes first, with memory that is there, and nothing was asked of the network', {
  timeout: 120_000,
}, async () => {
  const connected = vi.spyOn(Socket.prototype, 'connect');
  const [processor, ...cards] = await findDevices();
  expect(processor).toMatchObject({ kind: 'cpu', name: expect.stringMatching(/\S/) });
  expect(processor?.free).toBeGreaterThan(0);
  expect(processor?.free).toBeLessThanOrEqual(processor?.total ?? 0);
  for (const card of cards) expect(card).toMatchObject({ kind: 'gpu', name: expect.stringMatching(/\S/) });
  expect(connected).not.toHaveBeenCalled();
});

it('bandwidth is a number of bytes', { timeout: 120_000 }, async () => {
  const form = { precision: 'float32', group: 'row', level: loadAddon().detectedLevel, threads: 1 } as const;
  const bandwidth = await measureBandwidth(form);
  expect(bandwidth).toBeGreaterThan(0);
  expect(bandwidth).toBeLessThan(Number.POSITIVE_INFINITY);
});
