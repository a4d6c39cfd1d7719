import { describe, expect, it } from 'vitest';
import { createCompletionCache } from '../../../language-server/completion/cache.ts';
import { placeAt } from './text.ts';

const START = 'let a = 1;\nlet b = |\nlet c = 3;';
const COMPLETION = 'sum(a, 2);';
const whole = (text: string) => ({ text, probability: 0.8, cut: false, prepared: false });

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
    cache.store(placeAt(START), '', whole(COMPLETION));
    expect(cache.find(placeAt(at), '')?.text).toBe(rest);
  });

  it('keeps documents and surroundings apart', () => {
    const cache = createCompletionCache(10, () => 1000);
    cache.store(placeAt(START), 'other.ts@1', whole(COMPLETION));
    expect(cache.find(placeAt(START, 'file:///project/copy.ts'), 'other.ts@1')).toBeUndefined();
    expect(cache.find(placeAt(START), 'other.ts@2')).toBeUndefined();
    expect(cache.find(placeAt(START), 'other.ts@1')?.text).toBe(COMPLETION);
  });

  it('knows that there is nothing to say at a place, and only there', () => {
    const cache = createCompletionCache(10, () => 1000);
    cache.store(placeAt(START), '', whole(''));
    expect(cache.find(placeAt(START), '')?.text).toBe('');
    expect(cache.find(placeAt('let a = 1;\nlet b = s|\nlet c = 3;'), '')).toBeUndefined();
  });

  it('ignores what the model cannot see', () => {
    const cache = createCompletionCache(10, () => 10);
    cache.store(placeAt(START), '', whole(COMPLETION));
    expect(cache.find(placeAt('let z = 9;\nlet b = s|\nlet c = 3;'), '')?.text).toBe('um(a, 2);');
  });

  it('gives what was last shown when several fit', () => {
    const cache = createCompletionCache(10, () => 1000);
    cache.store(placeAt('f|'), '', whole('oo(1)'));
    cache.store(placeAt('fo|'), '', whole('o(2)'));
    expect(cache.find(placeAt('foo|'), '')?.text).toBe('(2)');
    expect(cache.find(placeAt('f|'), '')?.text).toBe('oo(1)');
    expect(cache.find(placeAt('foo|'), '')?.text).toBe('(1)');
  });

  it('forgets the oldest beyond its capacity, and all when cleared', () => {
    const cache = createCompletionCache(2, () => 1000);
    for (const name of ['a', 'b', 'c']) cache.store(placeAt(`${name}|`), '', whole('!'));
    expect(['a', 'b', 'c'].map((name) => cache.find(placeAt(`${name}|`), '')?.text)).toEqual([undefined, '!', '!']);
    cache.clear();
    expect(cache.find(placeAt('c|'), '')).toBeUndefined();
  });

  it('remembers what it is told of a completion, wherever in it the user is', () => {
    const cache = createCompletionCache(10, () => 1000);
    cache.store(placeAt(START), '', { text: COMPLETION, probability: 0.7, cut: true, prepared: true });
    const at = placeAt('let a = 1;\nlet b = sum|\nlet c = 3;');
    expect(cache.find(at, '')).toEqual({ text: '(a, 2);', typed: 3, probability: 0.7, cut: true, prepared: true });
  });

  it('keeps what was cut from those who want the whole', () => {
    const cache = createCompletionCache(10, () => 100);
    cache.store(placeAt(START), '', { ...whole(COMPLETION), cut: true });
    expect(cache.find(placeAt(START), '')?.text).toBe(COMPLETION);
    expect(cache.find(placeAt(START), '', { whole: true })).toBeUndefined();
    cache.store(placeAt(START), '', whole(COMPLETION));
    expect(cache.find(placeAt(START), '', { whole: true })?.text).toBe(COMPLETION);
  });
});
