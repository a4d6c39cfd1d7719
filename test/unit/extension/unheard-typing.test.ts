import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createUnheardTyping, type Typing, type UnheardTyping } from '../../../extension/inline/unheard-typing.ts';

let told: Typing[];
let unheard: UnheardTyping;
const typing = (version: number, column = 1): Typing => ({ uri: 'file:///a.ts', version, column });

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  unheard = createUnheardTyping((each) => told.push(each));
});
afterEach(() => {
  unheard.dispose();
  vi.useRealTimers();
});

describe('an editor that has not asked yet', () => {
  it('is told to ask once, when the typing has paused', () => {
    unheard.served(true);
    unheard.typed(typing(2));
    vi.advanceTimersByTime(400);
    unheard.typed(typing(3));
    vi.advanceTimersByTime(400);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(200);
    expect(told).toEqual([typing(3)]);
    unheard.typed(typing(4));
    vi.advanceTimersByTime(5000);
    expect(told).toHaveLength(1);
  });

  it('is left alone when it asks by itself', () => {
    unheard.served(true);
    unheard.typed(typing(2));
    unheard.asked('file:///a.ts', 2, [1]);
    unheard.typed(typing(3));
    vi.advanceTimersByTime(5000);
    expect(told).toEqual([]);
  });

  it('is told although another one asks, and when it is a new one in an old column', () => {
    unheard.served(true);
    unheard.asked('file:///b.ts', 9, [2]);
    unheard.typed(typing(2, 1));
    vi.advanceTimersByTime(1000);
    unheard.columns([1]);
    unheard.typed(typing(3, 2));
    vi.advanceTimersByTime(1000);
    expect(told).toEqual([typing(2, 1), typing(3, 2)]);
  });
});

describe('while no server runs', () => {
  it('typing waits for one', () => {
    unheard.typed(typing(2));
    vi.advanceTimersByTime(60_000);
    expect(told).toEqual([]);
    unheard.served(true);
    vi.advanceTimersByTime(1000);
    expect(told).toEqual([typing(2)]);
  });

  it('typing waits for the next one, also in an editor that asks', () => {
    unheard.served(true);
    unheard.typed(typing(2));
    unheard.asked('file:///a.ts', 2, [1]);
    unheard.served(false);
    unheard.typed(typing(3));
    vi.advanceTimersByTime(5000);
    expect(told).toEqual([]);
    unheard.served(true);
    vi.advanceTimersByTime(1000);
    expect(told).toEqual([typing(3)]);
  });

  it('what a server was asked about when it ended is asked of the next one', () => {
    unheard.served(true);
    unheard.typed(typing(2));
    unheard.asked('file:///a.ts', 2, [1]);
    unheard.served(false);
    unheard.served(true);
    vi.advanceTimersByTime(1000);
    expect(told).toEqual([typing(2)]);
    unheard.asked('file:///a.ts', 2, [1]);
    unheard.served(false);
    unheard.served(true);
    vi.advanceTimersByTime(1000);
    expect(told).toEqual([typing(2), typing(2)]);
    unheard.answered('file:///a.ts', 2);
    unheard.served(false);
    unheard.served(true);
    vi.advanceTimersByTime(1000);
    expect(told).toHaveLength(2);
  });

  it('what an editor asked about meanwhile, too, unless it is answered after all', () => {
    unheard.typed(typing(2));
    unheard.asked('file:///a.ts', 2, [1]);
    unheard.served(true);
    vi.advanceTimersByTime(1000);
    expect(told).toEqual([typing(2)]);
    unheard.served(false);
    unheard.typed(typing(3));
    unheard.asked('file:///a.ts', 3, [1]);
    unheard.served(true);
    unheard.answered('file:///a.ts', 3);
    vi.advanceTimersByTime(1000);
    expect(told).toHaveLength(1);
  });

  it('typing may come before the editor knows of the next one', () => {
    unheard.served(true);
    unheard.typed(typing(2));
    unheard.asked('file:///a.ts', 2, [1]);
    unheard.answered('file:///a.ts', 2);
    unheard.served(false);
    unheard.typed(typing(3));
    unheard.served(true);
    unheard.typed(typing(4));
    vi.advanceTimersByTime(1000);
    expect(told).toEqual([typing(4)]);
  });

  it('nothing is made up: what was answered is not asked for again', () => {
    unheard.served(true);
    unheard.typed(typing(2));
    unheard.asked('file:///a.ts', 2, [1]);
    unheard.answered('file:///a.ts', 2);
    unheard.served(false);
    unheard.served(true);
    vi.advanceTimersByTime(5000);
    expect(told).toEqual([]);
  });
});
