import { describe, expect, it } from 'vitest';
import { splitForced, vocabularyOf } from '../../../engine/infill/healing.ts';
import { headerTokens, passageTokens } from '../../../engine/infill/passage.ts';
import { drawToken, logProbabilityOf, logShareOf, logSumExp } from '../../../engine/infill/sampling.ts';
import { decodeWellFormed, endOfLine } from '../../../engine/infill/span-text.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { toyTokenizer } from './toy.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);

describe('healing', () => {
  const words = ['ab', 'abc', 'abcd', 'b', 'bc', 'xyz'];
  const tokenizer = toyTokenizer(words);
  const vocabulary = vocabularyOf(tokenizer);
  const agreeing = (text: string) =>
    [...vocabulary.agreeing(bytesOf(text))].map((token) => tokenizer.decode([token])).sort();

  it('finds the tokens that agree with forced bytes, as a search through all of them does', () => {
    for (const text of ['a', 'ab', 'abc', 'abce', 'x', 'xyzabc', 'q', '→']) {
      const forced = bytesOf(text);
      const slow = Array.from({ length: tokenizer.vocabSize }, (_, token) => token).filter((token) => {
        const bytes = tokenizer.bytes(token);
        const common = Math.min(bytes.length, forced.length);
        return bytes.length > 0 && bytes.slice(0, common).every((byte, i) => byte === forced[i]);
      });
      expect([...vocabulary.agreeing(forced)].sort((x, y) => x - y)).toEqual(slow);
    }
    expect(agreeing('ab')).toEqual(['a', 'ab', 'abc', 'abcd']);
  });

  it('lets text, eop and eos be drawn and nothing else', () => {
    const { eop, eos } = tokenizer.special;
    const drawable = new Set(vocabulary.drawable);
    for (let token = 0; token < tokenizer.vocabSize; token++) {
      expect(drawable.has(token)).toBe(tokenizer.bytes(token).length > 0 || token === eop || token === eos);
    }
    expect(drawable.size).toBe(vocabulary.drawable.length);
  });

  it('heals from the first boundary that one token could reach beyond', () => {
    const split = (text: string) => {
      const { fed, healed } = splitForced(tokenizer, text);
      return [fed.map((token) => tokenizer.decode([token])), new TextDecoder().decode(healed)];
    };
    expect(split('')).toEqual([[], '']);
    expect(split('qqab')).toEqual([['q', 'q'], 'ab']);
    expect(split('qqxy')).toEqual([['q', 'q'], 'xy']);
    expect(split('abcdq')).toEqual([['abcd'], 'q']);
    expect(split('xyab')).toEqual([['x', 'y'], 'ab']);
    expect(splitForced({ ...tokenizer, encode: (text) => tokenizer.encode(` ${text}`) }, 'ab')).toEqual({
      fed: [],
      healed: bytesOf('ab'),
    });
  });
});

describe('sampling', () => {
  const logits = Float32Array.of(1, 4, 3, 2, -5);
  const all = Int32Array.of(0, 1, 2, 3, 4);
  const random = createRandom(1);
  const draws = (allowed: Int32Array, temperature: number, topP: number, trials = 4000) => {
    const counts = logits.slice().fill(0);
    for (let i = 0; i < trials; i++) {
      const token = drawToken(logits, allowed, { temperature, topP }, random);
      counts[token] = (counts[token] as number) + 1 / trials;
    }
    return [...counts];
  };

  it('is greedy at temperature 0, within what is allowed, the first of equals', () => {
    expect(drawToken(logits, all, { temperature: 0, topP: 1 }, random)).toBe(1);
    expect(drawToken(logits, Int32Array.of(4, 0, 3), { temperature: 0, topP: 1 }, random)).toBe(3);
    expect(drawToken(Float32Array.of(2, 2), Int32Array.of(1, 0), { temperature: 0, topP: 1 }, random)).toBe(1);
  });

  it('gives the probability among all and among the allowed', () => {
    const total = [...logits].reduce((sum, logit) => sum + Math.exp(logit), 0);
    expect(logProbabilityOf(logits, 3)).toBeCloseTo(2 - Math.log(total), 6);
    expect(logShareOf(logits, Int32Array.of(0, 3), 3)).toBeCloseTo(2 - Math.log(Math.exp(2) + Math.exp(1)), 6);
    expect(() => logSumExp(Float32Array.of(1, Number.NaN))).toThrow(/not finite/);
    expect(() => logSumExp(Float32Array.of(1, Number.POSITIVE_INFINITY))).toThrow(/not finite/);
    expect(logSumExp(Float32Array.of(1000, 1000))).toBeCloseTo(1000 + Math.log(2), 9);
  });

  it('draws in proportion, sharper or flatter by temperature', () => {
    for (const temperature of [0.5, 1, 2]) {
      const weights = [...logits].map((logit) => Math.exp(logit / temperature));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const expected = weights.map((weight) => weight / total);
      for (const [i, share] of draws(all, temperature, 1).entries()) {
        expect(Math.abs(share - (expected[i] as number))).toBeLessThan(0.03);
      }
    }
  });

  it('keeps the smallest set that reaches topP', () => {
    // Shares: 0.64, 0.24, 0.09, 0.03, 0.0001.
    expect(draws(all, 1, 0.6, 300).filter((share) => share > 0)).toHaveLength(1);
    expect(draws(all, 1, 0.7, 300).filter((share) => share > 0)).toHaveLength(2);
    expect(draws(all, 1, 0.95, 2000).filter((share) => share > 0)).toHaveLength(3);
    expect(draws(all, 1, 1e-9, 50)[1]).toBeCloseTo(1, 5);
  });

  it('refuses an empty choice', () => {
    expect(() => drawToken(logits, new Int32Array(), { temperature: 0, topP: 1 }, random)).toThrow(/No token/);
  });
});

describe('the text of a span', () => {
  it('keeps whole characters only', () => {
    for (const text of ['', 'abc', 'é→😀', '\ufeffx']) expect(decodeWellFormed(bytesOf(text))).toBe(text);
    const bytes = bytesOf('a😀');
    for (let length = 1; length < bytes.length; length++) expect(decodeWellFormed(bytes.subarray(0, length))).toBe('a');
    for (const bad of [
      [0x80],
      [0xc0, 0x80],
      [0xe0, 0x80, 0x80],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xff],
    ]) {
      expect(decodeWellFormed(Uint8Array.from([0x61, ...bad, 0x62]))).toBe('a');
    }
  });

  it('ends a line only after something was said', () => {
    const end = (text: string) => endOfLine([...bytesOf(text)]);
    expect([end('a\nb'), end('\n\n  a\r\n'), end(' \t\n'), end('abc'), end('')]).toEqual([
      1,
      5,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('the passage', () => {
  const tokenizer = toyTokenizer(['\n  ', '\r\n  ']);
  const base = { path: 'src/a.ts', before: 'one\ntwo', after: 'three\n', neighbours: [] };
  const spell = (tokens: readonly number[]) => {
    const names: Record<number, string> = { 0: '<eos>', 6: '<cls>', 7: '<path>', 8: '<neighbour>', 9: '<code>' };
    return tokens.map((token) => names[token] ?? tokenizer.decode([token])).join('');
  };
  const laid = (passage: Partial<Parameters<typeof passageTokens>[1]>, budget = 200) => {
    const { text, blank } = passageTokens(tokenizer, { ...base, ...passage }, budget);
    expect(text.length + 1).toBeLessThanOrEqual(budget);
    return `${spell(text.slice(0, blank))}_${spell(text.slice(blank))}`;
  };

  it('is laid out as documented', () => {
    expect(laid({})).toBe('<cls><path>src/a.ts<code>one\ntwo_three\n<eos>');
    expect(laid({ reachesEnd: false })).toBe('<cls><path>src/a.ts<code>one\ntwo_three\n');
    const neighbours = [
      { path: 'b.ts', text: 'import b;\nlet b = 1;\n' },
      { path: 'c.ts', text: 'c' },
    ];
    expect(laid({ neighbours })).toBe(
      '<cls><neighbour>b.ts<code>import b;\nlet b = 1;\n<neighbour>c.ts<code>c<path>src/a.ts<code>one\ntwo_three\n<eos>',
    );
  });

  it('has no header where the tokenizer has no tokens for it, or the path is out of proportion', () => {
    const { path: _path, neighbour: _neighbour, code: _code, ...special } = tokenizer.special;
    const plain = { ...tokenizer, special };
    expect(headerTokens(plain, 'a.ts')).toEqual([]);
    const neighbours = [{ path: 'b.ts', text: 'x'.repeat(40) }];
    expect(spell(passageTokens(plain, { ...base, neighbours }, 200).text)).toBe('<cls>one\ntwothree\n<eos>');
    expect(laid({ path: 'p'.repeat(60) })).toBe('<cls>one\ntwo_three\n<eos>');
  });

  it('takes special tokens in the text for text', () => {
    expect(passageTokens(tokenizer, { ...base, before: '[MASK]<|path|>' }, 200).text).not.toContain(
      tokenizer.special.mask,
    );
  });

  it('cuts at lines, 60 % before and 40 % after, and gives what one side leaves to the other', () => {
    const lines = (name: string) => Array.from({ length: 50 }, (_, i) => `${name}${i % 10}\n`).join('');
    const [before, after] = [lines('b'), lines('a')];
    const room = 103 - 3 - headerTokens(tokenizer, base.path).length;
    const cut = laid({ before, after }, 103).split('<code>')[1]?.split('_') as [string, string];
    expect(before.endsWith(cut[0])).toBe(true);
    expect(cut[0]).toMatch(/^b\d\n/);
    expect(after.startsWith(cut[1])).toBe(true);
    expect(cut[1]).toMatch(/a\d\n$/);
    expect(cut[0].length).toBeGreaterThan(room * 0.6 - 3);
    expect(cut[0].length).toBeLessThanOrEqual(room * 0.6);
    expect(cut[0].length + cut[1].length).toBeGreaterThan(room - 6);

    const oneSided = laid({ before, after: '' }, 103).split('<code>')[1] as string;
    expect(oneSided.length).toBeGreaterThan(room - 6);
    expect(oneSided.endsWith('_<eos>')).toBe(true);
    const otherSided = laid({ before: '', after }, 103).split('<code>')[1] as string;
    expect(otherSided.length).toBeGreaterThan(room - 6);
    expect(otherSided).not.toContain('<eos>');
  });

  it('cuts before a line break that its token joins with indentation', () => {
    const before = `${'x'.repeat(100)}\n  yy\n  zz`;
    expect(laid({ before, after: '', path: '' }, 16)).toBe('<cls><path><code>\n  yy\n  zz_<eos>');
    const windows = `${'x'.repeat(100)}\r\n  yyyy`;
    expect(laid({ before: windows, after: '', path: '' }, 14)).toBe('<cls><path><code>\r\n  yyyy_<eos>');
  });

  it('cuts within a line that is too long to keep', () => {
    const text = laid({ before: `head\n${'x'.repeat(500)}`, after: `${'y'.repeat(500)}\ntail` }, 103);
    expect(text).toMatch(/<code>x{50,}_y{30,}$/);
  });

  it('gives neighbours at most a quarter, and only what the document leaves', () => {
    const neighbours = [{ path: 'n', text: 'n'.repeat(500) }];
    const roomy = laid({ neighbours }, 200);
    expect(roomy.match(/n/g)?.length).toBeGreaterThan(40);
    expect(roomy.split('<path>')[0]?.replace(/<\w+>/g, '_').length).toBeLessThanOrEqual(50 + 1);
    expect(laid({ neighbours, before: 'x'.repeat(500) }, 200)).not.toContain('<neighbour>');
  });

  it('stays quick and small on huge text', () => {
    const before = 'const value = 1;\n'.repeat(500_000);
    expect(laid({ before, after: before }, 200).length).toBeLessThan(250);
  });
});
