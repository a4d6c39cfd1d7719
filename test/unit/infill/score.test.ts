import { describe, expect, it } from 'vitest';
import { openBlank } from '../../../engine/infill/open-blank.ts';
import { logProbabilityOf } from '../../../engine/infill/sampling.ts';
import { type CandidateScore, scoreSpans } from '../../../engine/infill/score.ts';
import { loadModel } from '../../../engine/load-model.ts';
import { passage, recite } from './passages.ts';
import { toy } from './toy.ts';

const best = (scores: readonly CandidateScore[]) =>
  scores.reduce((one, other) => (other.logProbability > one.logProbability ? other : one)).text;

describe('scores of given spans', () => {
  it('prefer what the model would write, with its end, to its beginnings and to what goes on', async () => {
    const model = recite('foo();', { words: ['foo();', 'foo', 'bar();'] });
    const scores = await scoreSpans(model, passage, ['foo', 'foo();', 'foo();x', 'bar();']);
    expect(best(scores)).toBe('foo();');
    expect(scores.map(({ text }) => text)).toEqual(['foo', 'foo();', 'foo();x', 'bar();']);
    expect(scores.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    for (const { logProbability, tokens, end } of scores) {
      expect(logProbability).toBeCloseTo(
        tokens.reduce((sum, token) => sum + token.logProbability, end),
        12,
      );
    }
    expect(model.open).toBe(0);
  });

  it('read Part A once, and feed what all begin with once', async () => {
    const model = recite('abc');
    await scoreSpans(model, passage, ['abcd', 'abx', 'abce', 'abcd', 'ab']);
    expect(model.calls.filter((call) => call.startsWith('read'))).toHaveLength(1);
    // sop ab; then b with what differs after it, equal candidates once.
    expect(model.calls.filter((call) => call.startsWith('extend'))).toEqual([
      'extend 3 all',
      ...['extend 3 all', 'extend 2 all', 'extend 3 all', 'extend 1 last'],
    ]);
    const alone = recite('abc');
    await scoreSpans(alone, passage, ['abcd']);
    expect(alone.calls.filter((call) => call.startsWith('extend'))).toEqual(['extend 5 all']);
    expect([model.open, alone.open]).toEqual([0, 0]);
  });

  it('do not depend on how many there are', async () => {
    const model = recite('abc', { words: ['abc', 'ab'] });
    const many = Array.from({ length: 150 }, (_, n) => `a${'b'.repeat(n % 7)}${n}`);
    const scores = await scoreSpans(model, passage, [...many, 'abc']);
    for (const [index, text] of [...many, 'abc'].entries()) {
      const [alone] = await scoreSpans(model, passage, [text]);
      expect(scores[index]?.logProbability).toBeCloseTo(alone?.logProbability as number, 9);
    }
    expect(best(scores)).toBe('abc');
  });

  it('count what was typed as the beginning of every candidate', async () => {
    const scores = await scoreSpans(recite('return', { words: ['return', 'retry'] }), { ...passage, forced: 'ret' }, [
      'urn',
      'ry',
    ]);
    expect(best(scores)).toBe('urn');
    expect(scores[0]?.tokens.map(({ text }) => text).join('')).toBe('return');
  });

  it('name the candidate that is too long, and take none', async () => {
    const model = toy();
    await expect(scoreSpans(model, passage, ['a', 'b'.repeat(400)])).rejects.toThrow(/Candidate 2 has 400 tokens/);
    expect(await scoreSpans(model, passage, [])).toEqual([]);
    expect(model.calls).toEqual([]);
  });

  it('end with the signal, leaving nothing open', async () => {
    const abort = new AbortController();
    const model = recite('a', { onCall: (call) => void (call.startsWith('extend') && abort.abort()) });
    await expect(scoreSpans(model, passage, ['a', 'b'], { signal: abort.signal })).rejects.toThrow(/abort/i);
    expect(model.open).toBe(0);
  });
});

describe('scores by the embedded model', () => {
  it('are those of feeding each candidate alone, token by token', async () => {
    const model = await loadModel('engine/embedded-model', { threads: 1 });
    const blank = { ...passage, before: 'function add(a, b) {\n  const total = a + b;\n  return', after: ';\n}\n' };
    const candidates = [' total', ' total + a', ' tot', '', ' a', ' "nothing of the kind"'];
    const scores = await scoreSpans(model, { ...blank, kind: 'sentence' }, candidates);
    const { tokenizer } = model;
    for (const [index, text] of candidates.entries()) {
      const ids = tokenizer.encode(text);
      const reserve = Math.max(...candidates.map((each) => tokenizer.encode(each).length)) + 2;
      const open = await openBlank(model, { ...blank, kind: 'sentence' }, { reserve });
      let { logits } = await open.feed([]);
      let sum = 0;
      for (const id of ids) {
        const logProbability = logProbabilityOf(logits, id);
        sum += logProbability;
        logits = await open.append(id, logProbability);
      }
      const { eop, eos } = tokenizer.special;
      sum += Math.log(Math.exp(logProbabilityOf(logits, eop)) + Math.exp(logProbabilityOf(logits, eos)));
      open.dispose();
      expect(Math.abs((scores[index] as CandidateScore).logProbability - sum)).toBeLessThan(0.05 * (ids.length + 1));
    }
    expect(scores.at(-1)?.share).toBeLessThan(0.001);
    model.runtime.dispose();
  }, 60_000);
});
