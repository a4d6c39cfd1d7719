import { describe, expect, it } from 'vitest';
import { createTracking } from '../../../extension/statistics/tracking.ts';
import { noCounts, paceOf, timeSaved } from '../../../media/statistics/counts.ts';

const URI = 'file:///a.ts';

const at = { line: 0, character: 0 };
const suggestion = (offset: number, text: string) => ({ uri: URI, offset, text, range: { start: at, end: at } });

/** A document that changes as an editor changes it, and a clock that the test moves. */
function bench(before: string) {
  const counts = noCounts();
  const outcomes: string[] = [];
  let text = before;
  let seconds = 0;
  let timers: { at: number; call: () => void }[] = [];
  const tracking = createTracking({
    count: (change) => change(counts),
    outcome: (suggestion, outcome) => outcomes.push(`${outcome} ${suggestion.text}`),
    now: () => seconds * 1000,
    textOf: (uri, from, to) => (uri === URI ? text.slice(from, to) : undefined),
    after(delay, call) {
      const timer = { at: seconds + delay, call };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
  });
  const edit = (offset: number, length: number, inserted: string) => {
    text = text.slice(0, offset) + inserted + text.slice(offset + length);
    tracking.changed(URI, [{ offset, length, text: inserted }]);
  };
  return {
    counts,
    outcomes,
    tracking,
    edit,
    wait(more: number) {
      seconds += more;
      const due = timers.filter(({ at }) => at <= seconds);
      timers = timers.filter(({ at }) => at > seconds);
      for (const { call } of due) call();
    },
    shown: (offset: number, rest: string) => tracking.shown(suggestion(offset, rest)),
    accept(offset: number, rest: string) {
      edit(offset, 0, rest);
      tracking.accepted(suggestion(offset, rest));
    },
    waiting: () => timers.length,
  };
}

describe('a suggestion', () => {
  it('that is typed into letter by letter is shown once', () => {
    const { shown, edit, counts } = bench('a = ');
    shown(4, 'foo();');
    shown(4, 'foo();');
    edit(4, 0, 'f');
    shown(5, 'oo();');
    edit(5, 0, 'o');
    shown(6, 'o();');
    expect(counts).toMatchObject({ shown: 1, accepted: 0, partly: 0 });
    edit(6, 0, 'x');
    shown(7, 'y();');
    expect(counts).toMatchObject({ shown: 2, accepted: 0, partly: 0 });
  });

  it('of which words are taken counts as accepted in part, once', () => {
    const { shown, edit, counts } = bench('a = ');
    shown(4, 'items.length + 1;');
    edit(4, 0, 'items');
    edit(9, 0, '.length');
    expect(counts).toMatchObject({ shown: 1, accepted: 0, partly: 1 });
  });

  it('into which a pair of brackets is typed is still the same', () => {
    const { shown, edit, counts } = bench('f');
    shown(1, '(a, b)');
    edit(1, 0, '()');
    shown(2, 'a, b)');
    expect(counts).toMatchObject({ shown: 1, partly: 0 });
  });

  it('that is taken whole counts with its characters', () => {
    const { shown, accept, counts } = bench('a = ');
    shown(4, 'foo();');
    accept(4, 'foo();');
    expect(counts).toMatchObject({ shown: 1, accepted: 1, partly: 0, characters: 6 });
  });
});

describe('the pace of the hand', () => {
  it('is that of letters that come alone and soon after each other', () => {
    const { edit, wait, counts } = bench('');
    for (const letter of 'abcd') {
      wait(0.2);
      edit(0, 0, letter);
    }
    expect(counts).toMatchObject({ typed: 3, typing: 600 });
    wait(5);
    edit(0, 0, 'e');
    edit(0, 0, 'pasted');
    wait(0.1);
    edit(0, 0, 'f');
    wait(0.1);
    edit(0, 2, '');
    edit(0, 0, 'g');
    expect(counts).toMatchObject({ typed: 3, typing: 600 });
  });

  it('tells what typing would have cost', () => {
    const counts = { ...noCounts(), accepted: 2, characters: 42, typed: 99, typing: 9900 };
    expect(paceOf(counts)).toBeUndefined();
    expect(paceOf({ ...counts, typed: 100, typing: 15_000 })).toBe(150);
    expect(timeSaved(counts, 150)).toBe(6000);
  });
});

describe('the outcome of a suggestion', () => {
  it('is told once: taken whole, though some of it was typed before', () => {
    const { shown, edit, accept, wait, outcomes } = bench('a = ');
    shown(4, 'foo();');
    edit(4, 0, 'f');
    shown(5, 'oo();');
    accept(5, 'oo();');
    wait(5);
    expect(outcomes).toEqual(['shown foo();', 'accepted foo();']);
  });

  it('is told as soon as a part is taken, and never again', () => {
    const { shown, edit, accept, wait, outcomes } = bench('a = ');
    shown(4, 'items.length;');
    edit(4, 0, 'items');
    shown(9, '.length;');
    accept(9, '.length;');
    wait(5);
    expect(outcomes).toEqual(['shown items.length;', 'partiallyAccepted items.length;']);
  });

  it('is accepted where it was typed to its end', () => {
    const { shown, edit, wait, outcomes } = bench('a = ');
    shown(4, '12');
    edit(4, 0, '1');
    edit(5, 0, '2');
    edit(6, 0, ';');
    wait(5);
    expect(outcomes).toEqual(['shown 12', 'accepted 12']);
  });

  it('is dismissed where something else was typed, after there was time to read it', () => {
    const { shown, edit, wait, outcomes } = bench('a = ');
    shown(4, 'foo();');
    wait(1);
    edit(4, 0, 'x');
    expect(outcomes).toEqual(['shown foo();']);
    wait(1);
    shown(5, 'y');
    edit(5, 0, 'z');
    wait(1);
    expect(outcomes).toEqual(['shown foo();', 'dismissed foo();', 'shown y']);
  });

  it('is dismissed where the cursor went elsewhere, not where the model changed its mind', () => {
    const { shown, wait, outcomes } = bench('a = \nb = \n');
    shown(4, 'foo();');
    wait(1);
    shown(4, 'foo(1);');
    wait(1);
    shown(9, 'bar();');
    wait(1);
    expect(outcomes).toEqual(['shown foo();', 'shown foo(1);', 'shown bar();', 'dismissed foo(1);']);
  });

  it('is accepted where the editor types over what it closed, and tells so a moment later', () => {
    const { shown, edit, tracking, wait, outcomes } = bench('f(g()');
    shown(4, 'a))');
    wait(1);
    // Without the beginning that stays as it is.
    edit(3, 2, '(a))');
    tracking.accepted(suggestion(4, 'a))'));
    wait(5);
    expect(outcomes).toEqual(['shown a))', 'accepted a))']);
  });
});

describe('what was accepted', () => {
  it('is looked at after 30 seconds, 5 minutes and an hour', () => {
    const { accept, wait, counts, waiting } = bench('a = ');
    accept(4, 'foo();');
    wait(29);
    expect(counts.looked).toEqual([0, 0, 0]);
    wait(3600);
    expect([counts.looked, counts.kept]).toEqual([
      [1, 1, 1],
      [1, 1, 1],
    ]);
    expect(waiting()).toBe(0);
  });

  it('is found after changes around it, and white space inside it does not matter', () => {
    const { accept, edit, wait, counts } = bench('a = \nb;');
    accept(4, 'foo(1, 2);');
    edit(0, 0, '// first\n');
    edit(9 + 4 + 'foo(1,'.length, 0, '\n  ');
    wait(30);
    expect(counts.kept).toEqual([1, 0, 0]);
  });

  it.each([
    ['changed inside', 5, 1, 'x'],
    ['removed', 3, 8, ''],
  ])('does not stand once it is %s', (_, offset, length, text) => {
    const { accept, edit, wait, counts } = bench('a = ');
    accept(4, 'foo();');
    wait(30);
    edit(offset, length, text);
    wait(300);
    expect([counts.looked, counts.kept]).toEqual([
      [1, 1, 0],
      [1, 0, 0],
    ]);
  });

  it('is not looked at in a document that was closed', () => {
    const { accept, tracking, wait, counts, waiting } = bench('a = ');
    accept(4, 'foo();');
    tracking.closed(URI);
    wait(3600);
    expect(counts.looked).toEqual([0, 0, 0]);
    expect(waiting()).toBe(0);
  });
});
