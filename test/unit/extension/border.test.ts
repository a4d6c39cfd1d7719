import { describe, expect, it } from 'vitest';
import { narrow, widen } from '../../../extension/fill/border.ts';
import { fillTexts, openBlanks, rejectBlanks, type SessionBlank } from '../../../extension/fill/session.ts';

const text = 'function f() {\n  const a = …;\n  return ___;\n}\n';
const at = (part: string) => ({ start: text.indexOf(part), end: text.indexOf(part) + part.length, hint: '' });
const { blanks, edits } = fillTexts(
  openBlanks(text, [at('…'), at('___')]),
  new Map([
    [0, 'one()'],
    [1, 'a'],
  ]),
);
const filled = edited(text, edits);

function edited(before: string, list: typeof edits): string {
  return list
    .toSorted((a, b) => b.start - a.start)
    .reduce((after, edit) => after.slice(0, edit.start) + edit.text + after.slice(edit.end), before);
}
const inside = (document: string, all: readonly SessionBlank[] = []) =>
  all.map(({ start, end }) => document.slice(start, end));
const originals = (all: readonly SessionBlank[] = []) => all.map(({ original }) => original);

describe('a wider blank', () => {
  it('takes its whole line, then the lines around it up to the next blank', () => {
    const line = widen(filled, blanks, 0);
    expect(line?.edits).toEqual([]);
    expect(inside(filled, line?.blanks)).toEqual(['const a = one();', 'a']);
    expect(originals(line?.blanks)).toEqual(['const a = …;', '___']);
    const lines = widen(filled, line?.blanks ?? [], 0);
    expect(inside(filled, lines?.blanks)).toEqual(['function f() {\n  const a = one();\n  return', 'a']);
    expect(widen(filled, lines?.blanks ?? [], 0)).toBeUndefined();
  });

  it('puts back what stood there when it is rejected', () => {
    const { blanks: wide } = widen(filled, blanks, 1) ?? { blanks: [] };
    const rejected = rejectBlanks(wide, new Set([0, 1]));
    expect(edited(filled, rejected.edits)).toBe(text);
  });
});

describe('a narrower blank', () => {
  it('undoes what a wider one took', () => {
    const { blanks: wide } = widen(filled, blanks, 0) ?? { blanks: [] };
    const narrowed = narrow(wide, 0);
    const after = edited(filled, narrowed?.edits ?? []);
    expect(after).toBe('function f() {\n  const a = …;\n  return a;\n}\n');
    expect(inside(after, narrowed?.blanks)).toEqual(['…', 'a']);
    expect(narrowed?.blanks.map(({ state }) => state)).toEqual(['unfilled', 'filled']);
  });

  it('gives back first and last line of several', () => {
    const block = 'if (x) {\n    a();\n  }';
    const [blank] = openBlanks(block, [{ start: 0, end: block.length, hint: '' }]);
    const narrowed = narrow(blank ? [blank] : [], 0);
    expect(edited(block, narrowed?.edits ?? [])).toBe(block);
    expect(inside(block, narrowed?.blanks)).toEqual(['a();']);
  });

  it('keeps the brackets of a value closed', () => {
    const line = 'total += sum(items[0]);';
    const [blank] = openBlanks(line, [{ start: 0, end: line.length, hint: '' }]);
    expect(inside(line, narrow(blank ? [blank] : [], 0)?.blanks)).toEqual(['sum(items[0])']);
    const call = 'add(items);';
    const [whole] = openBlanks(call, [{ start: 0, end: call.length, hint: '' }]);
    expect(inside(call, narrow(whole ? [whole] : [], 0)?.blanks)).toEqual(['items']);
  });

  it('has nothing to give where one word is left', () => {
    expect(narrow(blanks, 0)).toBeUndefined();
    expect(narrow(blanks, 7)).toBeUndefined();
  });
});
