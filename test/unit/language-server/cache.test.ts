import { describe, expect, it } from 'vitest';
import { createCompletionCache } from '../../../language-server/completion/cache.ts';
import { placeAt } from './text.ts';

const START = 'let a = 1;\nlet b = |\nlet c = 3;';
const COMPLETION = 'sum(a, 2);';

describe('completions that are known', () => {
  const cases: [name: string, at: string, rest: string | undefined][] = [
    ['same place', 'let a = 1;\nlet b = |\nlet c = 3;', 'sum(a, 2);'],
    ['typed as suggested', 'let a = 1;\nlet b = sum|\nlet c = 3;', '(a, 2);'],
    ['typed otherwise', 'let a = 1;\nlet b = sub|\nlet c = 3;', undefined],
    ['all of it typed', 'let a = 1;\nlet b = sum(a, 2);|\nlet c = 3;', undefined],
    ['the editor closed a bracket', 'let a = 1;\nlet b = sum(|)\nlet c = 3;', 'a, 2);'],
    ['typed over the closed bracket', 'let a = 1;\nlet b = sum(a, 2)|\nlet c = 3;', ';'],
    ['text before changed', 'let A = 1;\nlet b = sum|\nlet c = 3;', undefined],
    ['text after changed', 'let a = 1;\nlet b = sum|\nlet d = 3;', undefined],
    ['before the place', 'let a = 1;\nlet b =|\nlet c = 3;', undefined],
  ];
  it.each(cases)('%s', (_, at, rest) => {
    const cache = createCompletionCache(10, () => 1000);
    cache.store(placeAt(START), '', COMPLETION);
    expect(cache.find(placeAt(at), '')).toBe(rest);
  });

  it('keeps documents and surroundings apart', () => {
    const cache = createCompletionCache(10, () => 1000);
    cache.store(placeAt(START), 'other.ts@1', COMPLETION);
    expect(cache.find(placeAt(START, 'file:///project/copy.ts'), 'other.ts@1')).toBeUndefined();
    expect(cache.find(placeAt(START), 'other.ts@2')).toBeUndefined();
    expect(cache.find(placeAt(START), 'other.ts@1')).toBe(COMPLETION);
  });

  it('knows that there is nothing to say at a place, and only there', () => {
    const cache = createCompletionCache(10, () => 1000);
    cache.store(placeAt(START), '', '');
    expect(cache.find(placeAt(START), '')).toBe('');
    expect(cache.find(placeAt('let a = 1;\nlet b = s|\nlet c = 3;'), '')).toBeUndefined();
  });

  it('ignores what the model cannot see', () => {
    const cache = createCompletionCache(10, () => 10);
    cache.store(placeAt(START), '', COMPLETION);
    expect(cache.find(placeAt('let z = 9;\nlet b = s|\nlet c = 3;'), '')).toBe('um(a, 2);');
  });

  it('gives what was last shown when several fit', () => {
    const cache = createCompletionCache(10, () => 1000);
    cache.store(placeAt('f|'), '', 'oo(1)');
    cache.store(placeAt('fo|'), '', 'o(2)');
    expect(cache.find(placeAt('foo|'), '')).toBe('(2)');
    expect(cache.find(placeAt('f|'), '')).toBe('oo(1)');
    expect(cache.find(placeAt('foo|'), '')).toBe('(1)');
  });

  it('forgets the oldest beyond its capacity, and all when cleared', () => {
    const cache = createCompletionCache(2, () => 1000);
    for (const name of ['a', 'b', 'c']) cache.store(placeAt(`${name}|`), '', '!');
    expect(['a', 'b', 'c'].map((name) => cache.find(placeAt(`${name}|`), ''))).toEqual([undefined, '!', '!']);
    cache.clear();
    expect(cache.find(placeAt('c|'), '')).toBeUndefined();
  });

  it('keeps what was cut from those who want the whole', () => {
    const cache = createCompletionCache(10, () => 100);
    cache.store(placeAt(START), '', COMPLETION, true);
    expect(cache.find(placeAt(START), '')).toBe(COMPLETION);
    expect(cache.find(placeAt(START), '', { whole: true })).toBeUndefined();
    cache.store(placeAt(START), '', COMPLETION);
    expect(cache.find(placeAt(START), '', { whole: true })).toBe(COMPLETION);
  });
});
