import { describe, expect, it } from 'vitest';
import { fillBlank } from '../../../engine/infill/infill.ts';
import { passageTokens } from '../../../engine/infill/passage.ts';
import { blankInfilling } from '../../../engine/objective/blank-infilling.ts';
import { options, passage, recite } from './passages.ts';
import { type ToyOptions, toy, toyTokenizer } from './toy.ts';

describe('filling a blank', () => {
  it('says what the model says, up to eop', async () => {
    const model = recite('return x;');
    const fill = await fillBlank(model, passage, options);
    expect(fill).toMatchObject({ text: 'return x;', finish: 'eop', partB: 10, device: 'toy' });
    expect(fill.tokens.map(({ text }) => text).join('')).toBe('return x;');
    expect(fill.tokens.at(-1)).toMatchObject({ id: model.tokenizer.special.eop, text: '', forced: false });
    expect(model.open).toBe(0);
  });

  it('feeds the rows that training would have made of the filled text', async () => {
    for (const [kind, mask] of [
      ['token', 1],
      ['sentence', 2],
      ['document', 3],
    ] as const) {
      for (const positions of ['rotary-2d', 'rotary-1d'] as const) {
        const model = recite('abc', { config: { positions } });
        const forced = 'ab';
        const fill = await fillBlank(model, { ...passage, kind, forced }, options);
        expect(fill.text).toBe('c');

        const { text, blank } = passageTokens(model.tokenizer, passage, 256);
        const span = model.tokenizer.encode('abc');
        const whole = [...text.slice(0, blank), ...span, ...text.slice(blank)];
        const { sop, eop } = model.tokenizer.special;
        const style = kind === 'document' && positions === 'rotary-1d' ? 'running' : 'at-mask';
        const spans = [{ start: blank, end: blank + span.length }];
        const sample = blankInfilling(whole, spans, { mask, sop, eop }, style);
        expect(model.rows.map(({ token }) => token)).toEqual([...sample.tokens]);
        expect(model.rows.map(({ position }) => position)).toEqual([...sample.positions]);
        expect(model.rows.map(({ blockPosition }) => blockPosition)).toEqual([...sample.blockPositions]);
        expect(fill.partA).toBe(sample.sep);
      }
    }
  });

  it('takes eos for an end as well', async () => {
    const model = toy({
      voice:
        ({ special, encode }) =>
        (soFar) =>
          soFar.length < 2 ? encode('a') : [special.eos],
    });
    expect(await fillBlank(model, passage, options)).toMatchObject({ text: 'aa', finish: 'eop' });
  });

  it('reports log probabilities of the whole softmax, and their mean as confidence', async () => {
    const model = recite('ab');
    const fill = await fillBlank(model, { ...passage, forced: 'a' }, options);
    const size = model.runtime.config.vocabSize;
    const padding = size - model.tokenizer.vocabSize;
    const expected =
      10 - Math.log(Math.exp(10) + padding * Math.exp(50) + 5 * Math.exp(40) + (size - padding - 6) * Math.exp(-4));
    for (const token of fill.tokens) expect(token.logProbability).toBeCloseTo(expected, 4);
    expect(fill.tokens.map(({ forced }) => forced)).toEqual([true, false, false]);
    expect(fill.confidence).toBeCloseTo(Math.exp(expected), 10);
  });

  it('is repeatable from a seed', async () => {
    const letters = toyTokenizer().encode('abcdefgh');
    const model = toy({ voice: () => () => letters });
    const sampled = { ...options, temperature: 2, maxTokens: 20 };
    const one = await fillBlank(model, passage, sampled);
    expect((await fillBlank(model, passage, sampled)).text).toBe(one.text);
    expect((await fillBlank(model, passage, { ...sampled, seed: 2 })).text).not.toBe(one.text);
    expect(one.text).toHaveLength(20);
  });
});

describe('forced text', () => {
  const words = ['return', 'turn', 're', ' x', 'urn'];

  it('is healed into the tokens that the model prefers', async () => {
    for (const forced of ['r', 're', 'ret', 'retu', 'return', 'return ', 'return x']) {
      const model = recite('return x;', { words });
      const fill = await fillBlank(model, { ...passage, forced }, options);
      expect(forced + fill.text).toBe('return x;');
      expect(fill.tokens.map(({ id }) => id).slice(0, -1)).toEqual(model.tokenizer.encode('return x;'));
    }
  });

  it('marks as forced what was forced entirely, and as predicted what goes on', async () => {
    const fill = await fillBlank(recite('return x;', { words }), { ...passage, forced: 'return' }, options);
    expect(fill.tokens.map(({ text, forced }) => [text, forced])).toEqual([
      ['return', true],
      [' x', false],
      [';', false],
      ['', false],
    ]);
    const healed = await fillBlank(recite('return x;', { words }), { ...passage, forced: 'retu' }, options);
    expect(healed.tokens[0]).toMatchObject({ text: 'return', forced: false });
    expect(healed.text).toBe('rn x;');
  });

  it('counts the share among what agrees in the confidence of a token that begins forced', async () => {
    const model = toy({
      words: ['ab', 'ac'],
      voice:
        ({ encode, special }) =>
        (soFar) =>
          soFar.length > 0 ? [special.eop] : [...encode('ab'), ...encode('ac')],
    });
    const fill = await fillBlank(model, { ...passage, forced: 'a' }, { ...options, maxTokens: 1 });
    // 'a' itself has logit -4; logits of the two that go on are 10 and 9.
    const share = 10 - Math.log(Math.exp(10) + Math.exp(9) + Math.exp(-4));
    expect(fill).toMatchObject({ text: 'b', finish: 'length' });
    expect(fill.confidence).toBeCloseTo(Math.exp(share), 6);
    expect(fill.tokens[0]?.logProbability).toBeLessThan(-30);
  });

  it('is kept even where the model would say something else', async () => {
    const model = recite('return x;', { words });
    const fill = await fillBlank(model, { ...passage, forced: 'xyz = ' }, { ...options, maxTokens: 3 });
    expect(fill.tokens.map(({ text }) => text).join('')).toBe('xyz = ???');
    expect(fill.text).toBe('???');
  });

  it('may be longer than the model holds: its beginning moves in front of the blank', async () => {
    const model = recite('', { config: { maxLength: 64 } });
    const forced = `${'é'.repeat(300)}tail`;
    const fill = await fillBlank(model, { ...passage, forced }, { ...options, maxTokens: 4 });
    expect(fill.finish).toBe('length');
    const text = model.tokenizer.decode(model.rows.map(({ token }) => token));
    expect(text).toContain('étail');
    const source = model.tokenizer.decode(model.rows.slice(0, fill.partA).map(({ token }) => token));
    expect(source).toContain('éé');
    expect(text).not.toContain('\ufffd\ufffdtail');
  });
});

describe('limits', () => {
  const endless = (more: ToyOptions = {}) =>
    toy({
      voice:
        ({ encode }) =>
        () =>
          encode('a'),
      ...more,
    });

  it('stops at maxTokens, not counting forced ones', async () => {
    const fill = await fillBlank(endless(), { ...passage, forced: 'aaa' }, { ...options, maxTokens: 5 });
    expect(fill).toMatchObject({ text: 'aaaaa', finish: 'length' });
  });

  it('stops where the model is full', async () => {
    const model = endless({ config: { maxLength: 64 } });
    const fill = await fillBlank(model, { ...passage, before: 'x'.repeat(500) }, { ...options, maxTokens: 1000 });
    expect(fill.finish).toBe('capacity');
    expect(fill.partA + fill.partB).toBe(64);
  });

  it('stops when the time is over', async () => {
    const spin = () => {
      const until = performance.now() + 2;
      while (performance.now() < until);
    };
    const fill = await fillBlank(endless({ onCall: spin }), passage, { ...options, maxTokens: 100, timeLimit: 1 });
    expect(fill).toMatchObject({ text: 'a', finish: 'time' });
  });

  it('stops before a line break once something was said', async () => {
    const line = { ...options, singleLine: true };
    expect(await fillBlank(recite('\n  foo();\nbar'), passage, line)).toMatchObject({
      text: '\n  foo();',
      finish: 'line',
    });
    expect(await fillBlank(recite('foo();\r\nbar'), passage, line)).toMatchObject({ text: 'foo();', finish: 'line' });
    const joined = recite('foo;\n  bar', { words: ['o;\n  ba'] });
    expect(await fillBlank(joined, passage, line)).toMatchObject({ text: 'foo;', finish: 'line' });
    expect(await fillBlank(recite('foo;\nbar'), passage, options)).toMatchObject({ text: 'foo;\nbar', finish: 'eop' });
  });

  it('never gives half a character', async () => {
    const fill = await fillBlank(recite('a→'), passage, { ...options, maxTokens: 3 });
    expect(fill).toMatchObject({ text: 'a', finish: 'length' });
    expect((await fillBlank(recite('a→'), passage, { ...options, maxTokens: 4 })).text).toBe('a→');
  });

  it('refuses options that make no sense', async () => {
    await expect(fillBlank(toy(), passage, { ...options, maxTokens: 0 })).rejects.toThrow(/maxTokens must be/);
    await expect(fillBlank(toy(), passage, { ...options, temperature: Number.NaN })).rejects.toThrow(/temperature/);
    await expect(fillBlank(toy(), passage, { ...options, topP: 0 })).rejects.toThrow(/topP must be above 0/);
    await expect(fillBlank(toy(), passage, { ...options, contextTokens: 0 })).rejects.toThrow(/contextTokens/);
  });
});

describe('what goes wrong', () => {
  it('stops between and inside calls when the signal fires, leaving no session', async () => {
    for (const when of ['read', 'extend', 'token']) {
      const stop = new AbortController();
      const model = toy({
        voice:
          ({ encode }) =>
          () =>
            encode('a'),
        onCall: (call) => call.startsWith(when) && stop.abort(),
      });
      const onToken = () => when === 'token' && stop.abort();
      const filling = fillBlank(model, passage, options, { signal: stop.signal, onToken });
      await expect(filling).rejects.toMatchObject({ name: 'AbortError' });
      expect(model.open).toBe(0);
      expect(model.calls.length).toBeLessThan(4);
    }
    const model = toy();
    await expect(fillBlank(model, passage, options, { signal: AbortSignal.abort() })).rejects.toThrow();
    expect(model).toMatchObject({ calls: [], open: 0 });
  });

  it('names damaged weights and a foreign tokenizer', async () => {
    const broken = toy({ config: { vocabSize: 100 } });
    await expect(fillBlank(broken, passage, options)).rejects.toThrow(/tokenizer has 272 tokens.*knows 100/);
    const model = toy();
    const { open } = model.runtime;
    model.runtime.open = (capacity) => {
      const session = open(capacity);
      session.extend = async () => new Float32Array(model.runtime.config.vocabSize).fill(Number.NaN);
      return session;
    };
    await expect(fillBlank(model, passage, options)).rejects.toThrow(/not finite/);
    expect(model.open).toBe(0);
  });
});
