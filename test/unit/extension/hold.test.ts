import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createHold, type Hold } from '../../../extension/inline/hold.ts';

let hold: Hold;
let done: string[];
beforeEach(() => {
  vi.useFakeTimers();
  done = [];
  hold = createHold({
    show: () => done.push('show'),
    hide: () => done.push('hide'),
    held: (on) => done.push(on ? 'held' : 'let go'),
  });
});
afterEach(() => {
  hold.dispose();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Presses, each so many milliseconds after the one before; done meanwhile. */
function press(...gaps: number[]): string[] {
  const before = done.length;
  for (const gap of gaps) {
    vi.advanceTimersByTime(gap);
    hold.pressed();
  }
  return done.slice(before);
}

/** Nothing is pressed; done meanwhile. */
function nothing(milliseconds = 10_000): string[] {
  const before = done.length;
  vi.advanceTimersByTime(milliseconds);
  return done.slice(before);
}

const times = (count: number, gap: number) => Array.from({ length: count }, () => gap);

/** Done without what shows it once more, which changes nothing on the screen. */
const others = (all: readonly string[]) => all.filter((each) => each !== 'show');

describe('a key that is tapped', () => {
  it('shows the suggestion, which stays', () => {
    expect(press(0)).toEqual(['show']);
    expect(nothing()).toEqual([]);
    expect(press(0)).toEqual(['show']);
    expect(nothing()).toEqual([]);
  });

  it.each([90, 130, 180, 250, 400, 690, 710, 1500])(
    'twice within %i ms leaves it, at once or after an earlier tap',
    (gap) => {
      expect(others([...press(0, gap), ...nothing()])).toEqual([]);
      expect(others([...press(0, 800, gap), ...nothing()])).toEqual([]);
    },
  );

  it.each([110, 140, 170, 300, 600])('impatiently every %i ms leaves it', (gap) => {
    expect(others([...press(...times(7, gap)), ...nothing()])).toEqual([]);
  });

  it('again shows it again, as it may have been sent away meanwhile', () => {
    expect(press(0, 200, 500)).toEqual(['show', 'show', 'show']);
  });
});

describe('a key that is held', () => {
  it.each([
    ['Windows', 500, 33],
    ['Windows, quickest', 250, 33],
    ['Windows, longest pause', 1000, 33],
    ['GNOME', 500, 30],
    ['X', 660, 40],
    ['macOS', 375, 90],
    ['macOS, quickest', 225, 30],
    ['slow repetition', 1000, 140],
    ['slow keys', 2000, 100],
  ])('shows it until the key is let go: %s', (_system, pause, gap) => {
    expect(press(0, pause, ...times(40, gap))).toEqual(['show', 'show', 'held']);
    expect(nothing(240)).toEqual([]);
    expect(nothing()).toEqual(['let go', 'hide']);
  });

  it('is known to be held at its third close press, and that it is let go 250 ms after its last', () => {
    expect(press(0, 500, 33, 33)).toEqual(['show', 'show']);
    expect(press(33)).toEqual(['held']);
    expect(nothing(249)).toEqual([]);
    expect(nothing(1)).toEqual(['let go', 'hide']);
  });

  it('for so short that it hardly repeats was a tap', () => {
    expect(others([...press(0, 500, 33, 33), ...nothing()])).toEqual([]);
  });

  it.each([160, 300, 500, 1000])('and repeats only every %i ms counts as tapped: the suggestion stays', (gap) => {
    expect(others([...press(0, 1000, ...times(20, gap)), ...nothing()])).toEqual([]);
  });

  it('may repeat unevenly', () => {
    const uneven = [20, 70, 10, 33, 140, 5, 60, 210, 12, 33, 90, 240, 33, 8, 33];
    expect(press(0, 480, ...uneven, ...uneven)).toEqual(['show', 'show', 'held']);
    expect(nothing()).toEqual(['let go', 'hide']);
  });

  it('is held again after it was let go', () => {
    press(0, 500, ...times(20, 33));
    nothing(400);
    expect(press(0, 500, ...times(20, 33))).toEqual(['show', 'show', 'held']);
    expect(nothing(249)).toEqual([]);
    expect(nothing(1)).toEqual(['let go', 'hide']);
  });
});

describe('a tap after the key was held', () => {
  it.each([100, 130, 180, 249])('%i ms after its last repetition keeps the suggestion', (gap) => {
    press(0, 500, ...times(20, 33));
    expect(press(gap)).toEqual([]);
    expect(nothing()).toEqual(['let go']);
  });

  it.each([260, 500, 3000])('%i ms after it shows it again, for good', (gap) => {
    press(0, 500, ...times(20, 33));
    expect(press(gap)).toEqual(['let go', 'hide', 'show']);
    expect(nothing()).toEqual([]);
  });

  it('twice keeps it as well', () => {
    press(0, 500, ...times(20, 33));
    expect(others([...press(180, 180), ...nothing()])).toEqual(['let go']);
    press(5000, 500, ...times(20, 33));
    expect(others([...press(400, 130), ...nothing()])).toEqual(['let go', 'hide']);
    expect(done.at(-1)).toBe('show');
  });

  it('that is itself held goes on as a held key', () => {
    press(0, 500, ...times(20, 33));
    expect(press(200, 500, ...times(20, 33))).toEqual(['let go', 'show', 'held']);
    expect(nothing()).toEqual(['let go', 'hide']);
  });
});

describe('on a busy machine, a held key', () => {
  it('may come in bunches', () => {
    const bunch = [200, 0, 0, 1, 0, 0];
    expect(press(0, 500, ...bunch, ...bunch, ...bunch)).toEqual(['show', 'show', 'show', 'held']);
    expect(nothing()).toEqual(['let go', 'hide']);
  });

  it('may come as one bunch from its first press on', () => {
    expect(press(0, ...times(20, 0), 33, 33)).toEqual(['show', 'held']);
    expect(nothing()).toEqual(['let go', 'hide']);
  });

  it('is waited for longer once a bunch came after it seemed let go', () => {
    const bunch = [400, 0, 0, 1, 0, 0];
    press(0, 500, ...times(5, 33));
    expect(press(...bunch)).toEqual(['let go', 'hide', 'show', 'held']);
    expect(press(...bunch, ...bunch, ...bunch)).toEqual([]);
    expect(nothing(499)).toEqual([]);
    expect(nothing(1)).toEqual(['let go', 'hide']);
  });

  it('is waited for as usual the next time', () => {
    press(0, 500, ...times(5, 33), 400, 0, 0, 0);
    nothing();
    press(0, 500, ...times(5, 33));
    expect(nothing(250)).toEqual(['let go', 'hide']);
  });

  it('is not let go by a timer that ran before the presses that wait with it', () => {
    press(0, 500, ...times(5, 33));
    const now = performance.now.bind(performance);
    let stalled = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now() + stalled);
    stalled = 900;
    expect(nothing(250)).toEqual([]);
    expect(press(0, 0, 33, 33)).toEqual([]);
    expect(nothing(250)).toEqual(['let go', 'hide']);
  });
});

it('what is shown after the text was changed, as by taking it, stays', () => {
  press(0, 500, ...times(20, 33));
  hold.changed();
  expect(done.at(-1)).toBe('let go');
  expect(nothing()).toEqual([]);
  hold.changed();
  expect(nothing()).toEqual([]);
});
