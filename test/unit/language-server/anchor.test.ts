import { describe, expect, it } from 'vitest';
import { blankOpening, typedSince } from '../../../language-server/completion/anchor.ts';
import { openBlank } from '../../../language-server/completion/passage.ts';
import { placeAt } from './text.ts';

describe('where a blank opens', () => {
  const cases: [left: string, opening: string][] = [
    ['', ''],
    ['    ', ''],
    ['\t', ''],
    ['  ret', 'ret'],
    ['foo(', ''],
    ['foo(ba', 'ba'],
    ['const x', ' x'],
    ['const x =', ''],
    ['const x = ', ' '],
    ['const x =   ', ''],
    ['const größe', ' größe'],
    ['this.$va', '$va'],
    [`x = ${'a'.repeat(70)}`, ''],
  ];
  it.each(cases)('%j', (left, opening) => {
    expect(left.slice(left.length - blankOpening(left))).toBe(opening);
  });
});

describe('how long a blank holds', () => {
  const opened = openBlank(placeAt('const a = 1;\nconst b = f|\nconst c = 3;'), 'source.ts', [], 800);
  const cases: [name: string, at: string, typed: string | undefined][] = [
    ['unchanged', 'const a = 1;\nconst b = f|\nconst c = 3;', ' f'],
    ['typed on', 'const a = 1;\nconst b = foo(a|\nconst c = 3;', ' foo(a'],
    ['deleted within', 'const a = 1;\nconst b = |\nconst c = 3;', ' '],
    ['deleted before it', 'const a = 1;\nconst b|\nconst c = 3;', undefined],
    ['text before it changed', 'const A = 1;\nconst b = fo|\nconst c = 3;', undefined],
    ['text after it changed', 'const a = 1;\nconst b = fo|)\nconst c = 3;', undefined],
    ['next line', 'const a = 1;\nconst b = foo;\n|\nconst c = 3;', undefined],
    ['much was typed', `const a = 1;\nconst b = ${'x'.repeat(200)}|\nconst c = 3;`, undefined],
  ];
  it.each(cases)('%s', (_, at, typed) => {
    expect(typedSince(opened, placeAt(at))).toBe(typed);
  });

  it('belongs to one document', () => {
    const elsewhere = placeAt('const a = 1;\nconst b = fo|\nconst c = 3;', 'file:///project/other.ts');
    expect(typedSince(opened, elsewhere)).toBeUndefined();
  });

  it('is cut to what can reach the model, at the start of a line', () => {
    const line = 'const value = 1;\n';
    const { passage, before } = openBlank(placeAt(`${line.repeat(5000)}x|${line.repeat(5000)}`), 'a.ts', [], 100);
    expect(before.length).toBe(line.length * 5000);
    expect(passage.before.length).toBeLessThanOrEqual(600);
    expect(passage.before.startsWith(line)).toBe(true);
    expect(passage.after.length).toBe(600);
    expect(passage.reachesEnd).toBe(false);
  });
});
