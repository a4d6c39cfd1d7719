import { describe, expect, it } from 'vitest';
import {
  blankAt,
  type Edit,
  fillTexts,
  followChange,
  keepBlanks,
  openBlanks,
  refillParts,
  rejectBlanks,
  type SessionBlank,
  stillWaits,
  undecided,
} from '../../../extension/fill/session.ts';

const text = 'const a = …;\nconst b = ___;\nreturn a;\n';
const targets = [
  { start: 10, end: 11, hint: '' },
  { start: 23, end: 26, hint: '' },
  { start: 35, end: 36, hint: '' },
];

function edited(before: string, edits: readonly Edit[]): string {
  let after = before;
  for (const edit of edits.toSorted((a, b) => b.start - a.start)) {
    after = after.slice(0, edit.start) + edit.text + after.slice(edit.end);
  }
  return after;
}
const inside = (document: string, blanks: readonly SessionBlank[]) =>
  blanks.map(({ start, end }) => document.slice(start, end));

const open = openBlanks(text, targets);
const first = fillTexts(
  open,
  new Map([
    [0, 'one()'],
    [1, 'x'],
    [2, 'a + b'],
  ]),
);
const filled = edited(text, first.edits);

describe('a fill', () => {
  it('puts each text in its place and knows where it is', () => {
    expect(filled).toBe('const a = one();\nconst b = x;\nreturn a + b;\n');
    expect(inside(filled, first.blanks)).toEqual(['one()', 'x', 'a + b']);
    expect(first.blanks.map(({ original, state }) => [original, state])).toEqual([
      ['…', 'filled'],
      ['___', 'filled'],
      ['a', 'filled'],
    ]);
  });

  it('leaves what the model says nothing about', () => {
    const part = fillTexts(
      open,
      new Map([
        [0, ''],
        [2, 'b'],
      ]),
    );
    const after = edited(text, part.edits);
    expect(after).toBe('const a = …;\nconst b = ___;\nreturn b;\n');
    expect(inside(after, part.blanks)).toEqual(['…', '___', 'b']);
    expect(undecided(part.blanks).map(({ id }) => id)).toEqual([2]);
  });

  it('is rejected for one blank, and for all', () => {
    const one = rejectBlanks(first.blanks, new Set([0]));
    const after = edited(filled, one.edits);
    expect(after).toBe('const a = …;\nconst b = x;\nreturn a + b;\n');
    expect(inside(after, one.blanks)).toEqual(['x', 'a + b']);
    const all = rejectBlanks(one.blanks, new Set([1, 2]));
    expect(edited(after, all.edits)).toBe(text);
    expect(all.blanks).toEqual([]);
  });

  it('refills around what is kept', () => {
    const kept = keepBlanks(first.blanks, new Set([1]));
    expect(undecided(kept).map(({ id }) => id)).toEqual([0, 2]);
    const parts = refillParts(kept);
    expect([parts.open.map(({ id }) => id), parts.kept.map(({ id }) => id)]).toEqual([[0, 2], [1]]);
    const again = fillTexts(
      kept,
      new Map([
        [0, 'y'],
        [2, 'x'],
      ]),
    );
    const after = edited(filled, again.edits);
    expect(after).toBe('const a = y;\nconst b = x;\nreturn x;\n');
    expect(inside(after, again.blanks)).toEqual(['y', 'x', 'x']);
    expect(edited(after, rejectBlanks(again.blanks, new Set([0])).edits)).toContain('const a = …;');
  });

  it('tells the blank at the cursor, or the nearest', () => {
    expect([0, 12, 18, 27, 99].map((offset) => blankAt(first.blanks, offset)?.id)).toEqual([0, 0, 0, 1, 2]);
    expect(blankAt([], 3)).toBeUndefined();
  });
});

describe('while the user types', () => {
  const change = (find: string, replacement: string, at = 0) => {
    const start = filled.indexOf(find) + at;
    return { start, end: start, length: replacement.length, text: replacement };
  };
  const cases: [
    name: string,
    change: { start: number; end: number; text: string },
    texts: string[],
    states: string[],
  ][] = [
    ['before all', { start: 0, end: 0, text: '// note\n' }, ['one()', 'x', 'a + b'], ['filled', 'filled', 'filled']],
    ['at the start of a blank', { ...change('x;', '-') }, ['one()', 'x', 'a + b'], ['filled', 'filled', 'filled']],
    ['at its end', { ...change(';\nreturn', ' + 1') }, ['one()', 'x', 'a + b'], ['filled', 'filled', 'filled']],
    ['inside', { ...change('one()', '2', 4) }, ['one(2)', 'x', 'a + b'], ['edited', 'filled', 'filled']],
    ['over all of it', { start: 10, end: 15, text: '0' }, ['0', 'x', 'a + b'], ['edited', 'filled', 'filled']],
    ['over its border', { start: 13, end: 17, text: ';\n' }, ['one;\n', 'x', 'a + b'], ['edited', 'filled', 'filled']],
    [
      'after all',
      { start: filled.length, end: filled.length, text: '}' },
      ['one()', 'x', 'a + b'],
      ['filled', 'filled', 'filled'],
    ],
  ];
  it.each(cases)('%s', (_, { start, end, text: typed }, texts, states) => {
    const after = edited(filled, [{ start, end, text: typed }]);
    const blanks = followChange(first.blanks, { start, end, length: typed.length });
    expect(inside(after, blanks)).toEqual(texts);
    expect(blanks.map(({ state }) => state)).toEqual(states);
  });

  it('takes what is typed into an empty blank', () => {
    const cursor = openBlanks('f()', [{ start: 2, end: 2, hint: '' }]);
    expect(followChange(cursor, { start: 2, end: 2, length: 1 })).toMatchObject([
      { start: 2, end: 3, state: 'edited' },
    ]);
  });

  it('leaves a kept blank kept', () => {
    const kept = keepBlanks(first.blanks, new Set([0]));
    expect(followChange(kept, { start: 12, end: 12, length: 1 })[0]?.state).toBe('kept');
  });
});

it('a text that was drawn meanwhile is for a blank that nobody has decided about', () => {
  const blank = first.blanks[1] as SessionBlank;
  expect(stillWaits(first.blanks, blank)).toBe(true);
  expect(stillWaits(keepBlanks(first.blanks, new Set([0, 2])), blank)).toBe(true);
  expect(stillWaits(keepBlanks(first.blanks, new Set([1])), blank)).toBe(false);
  expect(stillWaits(rejectBlanks(first.blanks, new Set([1])).blanks, blank)).toBe(false);
  // The session is over: the last of its blanks was decided about, or has its old text for the moment.
  expect(stillWaits(undefined, blank)).toBe(false);
  expect(stillWaits(undefined, { ...blank, state: 'unfilled' })).toBe(true);
});
