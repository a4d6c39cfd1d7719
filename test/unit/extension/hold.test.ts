import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createHold } from '../../../extension/inline/hold.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function holding() {
  const done: string[] = [];
  const hold = createHold({
    show: () => done.push('show'),
    hide: () => done.push('hide'),
    held: (on) => done.push(on ? 'held' : 'let go'),
  });
  /** Presses again and again for so many milliseconds, as a held key does. */
  const repeatFor = (milliseconds: number) => {
    vi.advanceTimersByTime(500);
    for (let at = 500; at < milliseconds; at += 33) {
      hold.pressed();
      vi.advanceTimersByTime(33);
    }
  };
  return { hold, done, repeatFor };
}

it('a tap shows the suggestion, which stays', () => {
  const { hold, done } = holding();
  hold.pressed();
  vi.advanceTimersByTime(10_000);
  expect(done).toEqual(['show']);
  hold.pressed();
  expect(done).toEqual(['show', 'show']);
});

it('a held key shows it once, and letting go hides it', () => {
  const { hold, done, repeatFor } = holding();
  hold.pressed();
  repeatFor(5000);
  expect(done).toEqual(['show', 'held']);
  vi.advanceTimersByTime(1000);
  expect(done).toEqual(['show', 'held', 'let go', 'hide']);
  hold.pressed();
  expect(done.at(-1)).toBe('show');
});
