import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { descendants, isAlive, residentMegabytes, slopeOf } from '../../bench/soak/memory.ts';

it('a process has memory and descendants, and ends', async () => {
  const code = `require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'inherit' });
    setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ['-e', code], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  await expect.poll(() => descendants(pid), { timeout: 30_000 }).toHaveLength(1);
  const [grandchild] = descendants(pid) as [number];
  expect(descendants(process.pid)).toEqual(expect.arrayContaining([pid, grandchild]));
  expect(residentMegabytes(pid)).toBeGreaterThan(5);
  process.kill(grandchild, 'SIGKILL');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isAlive(pid)).toBe(false);
});

it('the slope of a line is its own', () => {
  expect(slopeOf([1, 1.5, 2, 2.5], 0.5)).toBeCloseTo(1);
  expect(slopeOf([7, 7, 7], 1)).toBe(0);
  expect(slopeOf([7], 1)).toBe(0);
});
