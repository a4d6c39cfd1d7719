/** Beam search against every span that a toy model could write. */
import { describe, expect, it } from 'vitest';
import type { Fill } from '../../../engine/infill/fill.ts';
import { createInfiller, fillBlank } from '../../../engine/infill/infill.ts';
import { loadModel } from '../../../engine/load-model.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { options, passage, recite } from './passages.ts';
import { type Toy, type ToyTokenizer, toy, type Voice } from './toy.ts';

const LETTERS = ['a', 'b'];
/** Two letters begin 16 spans in the four tokens before the last: a beam of 16 follows all. */
const MOST = 5;

/**
 * After every text an order of preference of its own among two letters, the end, and what may not be drawn: where that
 * comes first, what is drawn is improbable, which a greedy choice does not foresee.
 */
function whimsical(seed: number): (tokenizer: ToyTokenizer) => Voice {
  return (tokenizer) => (soFar) => {
    const random = createRandom(soFar.reduce((hash, byte) => (hash * 31 + byte) % 100_003, seed + 1));
    const { eop, mask, sop, enc } = tokenizer.special;
    const rest = [...LETTERS.map((letter) => tokenizer.encode(letter)[0] as number), eop, mask, sop, enc];
    const order: number[] = [];
    while (rest.length > 0) order.push(...rest.splice(random.below(rest.length), 1));
    return order;
  };
}

/** All spans of at most `MOST` tokens, each letter and end taken with the toy's own probabilities. */
function exhaustive(model: Toy, voice: Voice): { text: string; sum: number; tokens: number }[] {
  const { vocabSize } = model.runtime.config;
  const { special } = model.tokenizer;
  // As the toy's logits are made: ranks from 10 down, all others at -4.
  const ranked = [10, 9, 8, 7, 6, 5].reduce((sum, logit) => sum + Math.exp(logit), 0);
  const total = Math.log(ranked + (vocabSize - 6) * Math.exp(-4));
  const spans: { text: string; sum: number; tokens: number }[] = [];
  const visit = (text: string, sum: number, length: number) => {
    const order = voice(new TextEncoder().encode(text), []);
    for (const [rank, id] of order.entries()) {
      if ([special.mask, special.sop, special.enc].includes(id)) continue;
      const next = sum + 10 - rank - total;
      const own = id === special.eop ? text : text + model.tokenizer.decode([id]);
      if (id === special.eop || length + 1 === MOST) spans.push({ text: own, sum: next, tokens: length + 1 });
      else visit(own, next, length + 1);
    }
  };
  visit('', 0, 0);
  return spans;
}

const normalized = (sum: number, tokens: number) => sum / ((5 + tokens) / 6);
const sumOf = ({ tokens }: Fill) => tokens.reduce((sum, { logProbability }) => sum + logProbability, 0);
const scoreOf = (fill: Fill) => normalized(sumOf(fill), fill.tokens.length);

describe('candidates', () => {
  it('are the greedy one and the most probable of all spans, no text twice, where enough are followed', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const model = toy({ voice: whimsical(seed), tempting: false });
      const infiller = createInfiller(model);
      const fills = await infiller.fillCandidates(passage, 16, { ...options, maxTokens: MOST, documentCache: false });
      const spans = exhaustive(model, whimsical(seed)(model.tokenizer)).sort((a, b) => b.sum - a.sum);
      const greedy = await infiller.fill(passage, { ...options, maxTokens: MOST, documentCache: false });
      const likely = spans.map(({ text }) => text).filter((text) => text !== greedy.text);
      expect(fills.map(({ text }) => text).slice(0, 3)).toEqual([greedy.text, ...likely.slice(0, 2)]);
      const sums = fills.slice(1).map(sumOf);
      expect(sums).toEqual(sums.toSorted((a, b) => b - a));
      expect(fills[0]?.tokens.map(({ id }) => id)).toEqual(greedy.tokens.map(({ id }) => id));
      expect(new Set(fills.map(({ text }) => text)).size).toBe(fills.length);
      await infiller.dispose();
      expect(model.open).toBe(0);
    }
  });

  it('are followed by what was only begun when the time is over', async () => {
    const slow = (call: string) =>
      call.startsWith('extend') && Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    const model = recite('one two three', { tempting: false, onCall: slow });
    const fills = await createInfiller(model).fillCandidates(passage, 3, { ...options, timeLimit: 12 });
    expect(fills[0]).toMatchObject({ finish: 'time' });
    expect(fills.length).toBeGreaterThan(1);
  });
});

describe('a beam search', () => {
  it('wide enough finds the best of all spans; a narrow one none that is better', async () => {
    let [better, equal] = [0, 0];
    for (let seed = 0; seed < 40; seed++) {
      const model = toy({ voice: whimsical(seed), tempting: false });
      const spans = exhaustive(model, whimsical(seed)(model.tokenizer));
      const best = Math.max(...spans.map(({ sum, tokens }) => normalized(sum, tokens)));
      const fills: Fill[] = [];
      for (const beams of [1, 3, 16]) {
        fills.push(await fillBlank(model, passage, { ...options, beams, maxTokens: MOST, documentCache: false }));
      }
      const [greedy, narrow, wide] = fills as [Fill, Fill, Fill];
      expect(scoreOf(wide)).toBeCloseTo(best, 6);
      for (const fill of [greedy, narrow]) expect(scoreOf(fill)).toBeLessThanOrEqual(best + 1e-6);
      if (scoreOf(wide) > scoreOf(greedy) + 1e-6) better++;
      if (scoreOf(narrow) > best - 1e-6) equal++;
      expect(model.open).toBe(0);
    }
    expect(better).toBeGreaterThan(5);
    expect(equal).toBeGreaterThan(20);
  });

  it('stops when nothing that is open can win', async () => {
    const model = recite('ab', { tempting: false });
    const fill = await fillBlank(model, passage, { ...options, beams: 4, maxTokens: 30 });
    expect([fill.text, fill.finish, fill.tokens.length]).toEqual(['ab', 'eop', 3]);
    // Four spans of 30 tokens each would have taken 120.
    expect(model.calls.filter((call) => call.startsWith('extend')).length).toBeLessThan(70);
  });

  it('goes on from what was typed, and leaves the blank as greedy decoding does', async () => {
    const model = recite('return total;', { words: ['return', ' total', ';'], tempting: false });
    const infiller = createInfiller(model);
    const greedy = await infiller.fill({ ...passage, forced: 'ret' }, options);
    const rows = [...model.rows];
    const found = await infiller.fill({ ...passage, forced: 'ret' }, { ...options, beams: 3 });
    expect([found.text, found.partB]).toEqual([greedy.text, greedy.partB]);
    expect(found.tokens.map(({ id }) => id)).toEqual(greedy.tokens.map(({ id }) => id));
    expect(model.rows).toEqual(rows);
    await infiller.dispose();
    expect(model.open).toBe(0);
  });

  it('ends at lines, stops, limits and the signal', async () => {
    const model = recite('one\ntwo; three', { tempting: false });
    const asked = { ...options, beams: 3 };
    expect(await fillBlank(model, passage, { ...asked, singleLine: true })).toMatchObject({
      text: 'one',
      finish: 'line',
    });
    expect(await fillBlank(model, passage, { ...asked, stop: ['; '] })).toMatchObject({
      text: 'one\ntwo',
      finish: 'stop',
    });
    const short = await fillBlank(model, passage, { ...asked, maxTokens: 2 });
    expect([short.text, short.finish]).toEqual(['on', 'length']);
    const abort = new AbortController();
    let extended = 0;
    const slow = recite('one two three', {
      tempting: false,
      onCall: (call) => {
        if (call.startsWith('extend') && ++extended === 7) abort.abort();
      },
    });
    await expect(fillBlank(slow, passage, asked, { signal: abort.signal })).rejects.toThrow(/abort/i);
    expect([model.open, slow.open]).toEqual([0, 0]);
  });

  it('refuses widths and temperatures that make no sense', async () => {
    const model = recite('a');
    await expect(fillBlank(model, passage, { ...options, beams: 0 })).rejects.toThrow('beams must be a whole number');
    await expect(fillBlank(model, passage, { ...options, beams: 2, temperature: 1 })).rejects.toThrow(
      'temperature must be 0 in a beam search',
    );
    expect(model.calls).toEqual([]);
  });
});

it('with the embedded model finds a span that it scores itself', { timeout: 120_000 }, async () => {
  const model = await loadModel('engine/embedded-model', { threads: 1, precision: 'float32' });
  const blank = { ...passage, before: 'function add(a, b) {\n  return ', after: ';\n}\n', kind: 'sentence' as const };
  const asked = { ...options, maxTokens: 12, documentCache: false };
  const [greedy, found] = [await fillBlank(model, blank, asked), await fillBlank(model, blank, { ...asked, beams: 4 })];
  expect(scoreOf(found)).toBeGreaterThanOrEqual(scoreOf(greedy) - 1e-4);
  expect(found.finish).toBe('eop');
  model.runtime.dispose();
});
