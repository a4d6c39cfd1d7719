import { describe, expect, it } from 'vitest';
import type { FillOptions } from '../../../engine/infill/fill.ts';
import { createInfiller, fillBlank } from '../../../engine/infill/infill.ts';
import { likeliestEnd, type PossibleEnd, readOut } from '../../../engine/infill/span-end.ts';
import { passage } from './passages.ts';
import { type ToyTokenizer, toy, type Voice } from './toy.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('ends', () => {
  const span = [...bytes('f(a);')];
  const at = (length: number, sum: number, ending: number): PossibleEnd => {
    return { tokens: length, more: [], bytes: length, sum, ending, end: 5 };
  };

  it('are looked for before what only reads out what follows, the likeliest of several', () => {
    const ends = [at(3, -1, -1), at(4, -1.5, -2)] as const;
    expect(likeliestEnd(span, ends, bytes(');\n'))).toBe(ends[0]);
    expect(likeliestEnd(span, ends, bytes(';\n'))).toBe(ends[1]);
    const twice = [...bytes('a;;')];
    const both = [at(1, -3, -1), at(2, -1, -1)] as const;
    expect(likeliestEnd(twice, both, bytes(';;\n'))).toBe(both[1]);
    expect(likeliestEnd(twice, both, bytes(';\n'))).toBe(both[1]);
  });

  it('are not before what differs from what follows, or goes beyond it', () => {
    for (const after of [') {', ')', '']) expect(likeliestEnd(span, [at(3, 0, 0)], bytes(after))).toBeUndefined();
    expect(likeliestEnd(span, [at(5, 0, 0)], bytes(');'))).toBeUndefined();
  });

  it('are told by the last bytes, however they are cut into tokens', () => {
    expect(['', ';', ');', ');\n', 'x', '(a);\n'].map((after) => readOut(span, bytes(after)))).toEqual([
      0, 1, 2, 2, 0, 4,
    ]);
    expect(readOut([...bytes('aaa')], bytes('aab'))).toBe(2);
  });
});

describe('a span before text that it would repeat', () => {
  const TEXT = 'a);\n}';
  const FOLLOWING = ');\n}\n';
  /** Says `a);` and more with an end in the second place, and is less sure of each token the further it goes. */
  const wavering = (tokenizer: ToyTokenizer): Voice => {
    const others = tokenizer.encode('uvwxyz');
    const { eop } = tokenizer.special;
    return (soFar) => {
      const next = [...TEXT][soFar.length];
      if (next === undefined) return [eop, ...others];
      const own = tokenizer.encode(next);
      return soFar.length === 0 ? own : [...own, eop, ...others];
    };
  };
  const options: FillOptions = { maxTokens: 8, temperature: 0, topP: 1, seed: 0, singleLine: false, timeLimit: 0 };
  const speak = () => toy({ voice: wavering, tempting: false });

  it('ends before it', async () => {
    const fill = await fillBlank(speak(), { ...passage, after: FOLLOWING }, options);
    expect([fill.text, fill.finish]).toEqual(['a', 'eop']);
    expect(fill.tokens.map(({ id }) => id)).toEqual([...speak().tokenizer.encode('a'), 5]);
    const sum = fill.tokens.reduce((total, { logProbability }) => total + logProbability, 0);
    expect(fill.confidence).toBeCloseTo(Math.exp(sum / fill.tokens.length), 6);
  });

  it('goes on where other text follows', async () => {
    expect((await fillBlank(speak(), { ...passage, after: '\n);' }, options)).text).toBe(TEXT);
  });

  it('ends before it where a limit cut it', async () => {
    const cut = await fillBlank(speak(), { ...passage, after: FOLLOWING }, { ...options, maxTokens: 3 });
    expect([cut.text, cut.finish]).toEqual(['a', 'eop']);
    const other = await fillBlank(speak(), { ...passage, after: '\n);' }, { ...options, maxTokens: 3 });
    expect([other.text, other.finish]).toEqual(['a);', 'length']);
  });

  it('ends within a token where the model holds that for more probable', async () => {
    // Says `value)`, hardly sure of the end after it; where it reads `val` alone it ends at once.
    const voice = (tokenizer: ToyTokenizer): Voice => {
      const [whole, ...others] = ['value', 'u', 'w', 'x', 'y'].flatMap((word) => tokenizer.encode(word));
      const { eop } = tokenizer.special;
      return (soFar) => {
        if (soFar.length === 0) return [whole as number, ...tokenizer.encode('val')];
        return soFar.length === 3 ? [eop] : [eop, ...others];
      };
    };
    const words = ['value', 'val'];
    const place = { ...passage, before: 'x.', after: 'ue;\n' };
    const model = toy({ words, voice, tempting: false });
    const infiller = createInfiller(model);
    const fill = await infiller.fill(place, { ...options, maxTokens: 1 });
    expect([fill.text, fill.finish, fill.partB]).toEqual(['val', 'eop', 2]);
    expect(fill.tokens.map(({ text }) => text)).toEqual(['val', '']);
    const sure = await infiller.fill({ ...place, after: 'uel;\n' }, options);
    expect([sure.text, sure.finish]).toEqual(['value', 'eop']);
    await infiller.dispose();
    expect(model.open).toBe(0);
  });

  it('tells while it is written only what stays', async () => {
    for (const after of [FOLLOWING, '\n);']) {
      const pieces: string[] = [];
      const onToken = (_: unknown, text: string) => void pieces.push(text);
      const fill = await fillBlank(speak(), { ...passage, after }, options, { onToken });
      expect(pieces.join('')).toBe(fill.text);
    }
  });

  it('holds in its session what is left of it', async () => {
    const model = speak();
    const infiller = createInfiller(model);
    const place = { ...passage, after: FOLLOWING };
    const fill = await infiller.fill(place, options);
    expect(model.rows.slice(-2).map(({ token }) => token)).toEqual([4, ...model.tokenizer.encode('a')]);
    expect(fill.partB).toBe(2);
    expect((await infiller.fill({ ...place, forced: 'a' }, options)).text).toBe('');
    await infiller.dispose();
    expect(model.open).toBe(0);
  });
});
