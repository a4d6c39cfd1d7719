import { describe, expect, it } from 'vitest';
import { sureBeginning } from '../../../engine/infill/certainty.ts';
import type { FilledToken } from '../../../engine/infill/fill.ts';

/** Predicted tokens with their probabilities. */
function fillOf(...parts: [text: string, probability: number][]) {
  let end = 0;
  const tokens = parts.map(([text, probability], id): FilledToken => {
    end += text.length;
    return { id, text, logProbability: Math.log(probability), forced: false, end };
  });
  return { text: parts.map(([text]) => text).join(''), tokens };
}

describe('the sure beginning of a fill', () => {
  const fill = fillOf(['foo', 0.9], ['Bar', 0.8], ['(', 0.9], ['baz', 0.5], [')', 0.9]);

  it.each([
    [0, 'fooBar(baz)'],
    [0.29, 'fooBar(baz)'],
    [0.3, 'fooBar(baz'],
    [0.4, 'fooBar('],
    [0.7, 'fooBar'],
    // Half a word is not shown.
    [0.85, ''],
    [1, ''],
  ])('with at least %s is %j', (least, text) => {
    expect(sureBeginning(fill, least).text).toBe(text);
  });

  it('is all of it where all of it is sure, and where nothing is known of it', () => {
    expect(sureBeginning(fill, 0.2)).toEqual({ text: fill.text, probability: expect.closeTo(0.2916), cut: false });
    expect(sureBeginning({ text: 'x', tokens: [] }, 1)).toEqual({ text: 'x', probability: 1, cut: false });
  });

  it('tells how sure it is', () => {
    expect(sureBeginning(fill, 0.4)).toEqual({ text: 'fooBar(', probability: expect.closeTo(0.648), cut: true });
    expect(sureBeginning(fill, 0.95)).toEqual({ text: '', probability: 1, cut: true });
  });

  it('counts what was typed of a token as given, and forced tokens not at all', () => {
    const [begun] = fillOf(['console', 0.001]).tokens as [FilledToken];
    const typed: FilledToken = { id: 9, text: 'x ', logProbability: -20, forced: true };
    const shared = { ...begun, forcedBytes: 3, logShare: Math.log(0.9), end: 4 };
    const given = { text: 'sole', tokens: [typed, shared] };
    expect(sureBeginning(given, 0.8)).toEqual({ text: 'sole', probability: expect.closeTo(0.9), cut: false });
  });

  it('needs an end that is as sure', () => {
    const ended = fillOf(['a', 0.9]);
    ended.tokens.push({ id: 1, text: '', logProbability: Math.log(0.1), forced: false });
    expect(sureBeginning(ended, 0.5)).toEqual({ text: 'a', probability: expect.closeTo(0.9), cut: true });
  });
});
