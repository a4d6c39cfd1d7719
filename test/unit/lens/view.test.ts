import { describe, expect, it } from 'vitest';
import { arrange } from '../../../engine/objective/paradigms.ts';
import { around, fitted, LARGEST_SCALE, panned, showing, zoomed } from '../../../media/lens/matrix-view.ts';
import { milliseconds, percent, tokenText, visibleText } from '../../../media/lens/token-text.ts';
import { countSeen, lastStep, passageOf, seenStretches, unseenFrom } from '../../../media/lens/view.ts';
import { summaryWords } from '../../../media/lens/words.ts';
import { sampleTrace } from './trace.ts';

describe('tokens as people see them', () => {
  it.each([
    [' return', '·return'],
    ['\r\n\t', '␍⏎⇥'],
    ['\u202Eevil\u2066', '‹202E›evil‹2066›'],
    ['a\u200Bb\uFEFF\u00A0', 'a‹200B›b‹FEFF›‹A0›'],
    ['\0\u001b[2J', '‹0›‹1B›[2J'],
    ['\u0301', '◌\u0301'],
    ['名前 😀', '名前·😀'],
    ['\ud800', '‹D800›'],
  ])('%j', (text, seen) => expect(visibleText(text)).toBe(seen));

  it('special ones by their names', () => {
    expect(tokenText({ id: 1, text: '', special: '[MASK]' })).toBe('[MASK]');
  });

  it('percent and milliseconds', () => {
    expect([0, Math.log(0.5), Math.log(0.012), Math.log(1e-9)].map(percent)).toEqual([
      '100.0 %',
      '50.0 %',
      '1.2 %',
      '< 0.01 %',
    ]);
    expect([0, 3.06, 123.4].map(milliseconds)).toEqual(['0.0 ms', '3.1 ms', '123 ms']);
  });
});

describe('what a trace shows', () => {
  const trace = sampleTrace();
  const passage = passageOf(trace);

  it('takes the rows that were fed, and the text apart from sop and eop', () => {
    expect(passage).toEqual({ separator: 3, spans: [{ mask: 1, fed: [0, 1, 2], text: [1, 2] }] });
    expect(lastStep(trace)).toBe(3);
  });

  it('counts who sees how many', () => {
    expect(countSeen(arrange('glm', passage))).toEqual({
      A: { tokens: 3, fewest: 3, most: 3 },
      B: { tokens: 3, fewest: 4, most: 6 },
    });
    expect(summaryWords('GLM', countSeen(arrange('glm', passage)))).toBe(
      'GLM: 6 rows in all. 3 rows of the passage, seeing 3 tokens. 3 rows of the span, seeing from 4 to 6 tokens.',
    );
    expect(countSeen(arrange('gpt', passage))).toEqual({
      A: { tokens: 2, fewest: 1, most: 4 },
      B: { tokens: 2, fewest: 2, most: 3 },
    });
  });

  it('cuts what a row sees at the border of the parts', () => {
    const glm = arrange('glm', passage);
    expect(seenStretches(glm, 4)).toEqual([
      { part: 'A', from: 0, to: 3 },
      { part: 'B', from: 3, to: 5 },
    ]);
    expect(seenStretches(glm, 4, 1, 4)).toEqual([
      { part: 'A', from: 1, to: 3 },
      { part: 'B', from: 3, to: 4 },
    ]);
  });

  it('names what the predicting row does not see', () => {
    const gpt = unseenFrom(arrange('gpt', passage), 0);
    expect([[...gpt.A], [...gpt.B]]).toEqual([[2], [1, 2]]);
    const glm = unseenFrom(arrange('glm', passage), 5);
    expect([[...glm.A], [...glm.B]]).toEqual([[], []]);
    expect(unseenFrom(arrange('glm', passage), undefined).A.size).toBe(0);
  });
});

describe('the view of the matrix', () => {
  const [count, size] = [100, 500];
  const whole = fitted(count, size);

  it('fits the whole, and small ones without growing out of proportion', () => {
    expect(whole).toEqual({ scale: 5, x: 0, y: 0 });
    expect(fitted(3, size).scale).toBe(LARGEST_SCALE);
    expect(fitted(0, size).scale).toBe(LARGEST_SCALE);
  });

  it('zooms about a point, which stays where it is', () => {
    const at = { x: 250, y: 100 };
    const closer = zoomed(whole, 2, at, count, size);
    expect(closer.scale).toBeCloseTo(11.25);
    expect(closer.x + at.x / closer.scale).toBeCloseTo(50);
    expect(closer.y + at.y / closer.scale).toBeCloseTo(20);
    expect(zoomed(closer, -9, at, count, size)).toEqual(whole);
    expect(zoomed(closer, 99, at, count, size).scale).toBe(LARGEST_SCALE);
  });

  it('never leaves the matrix', () => {
    const closer = zoomed(whole, 1, { x: 0, y: 0 }, count, size);
    expect(panned(closer, 999, -9999, count, size)).toMatchObject({ x: 0, y: count - size / closer.scale });
    expect(showing(closer, 99, 0, count, size)).toMatchObject({ x: 0, y: count - size / closer.scale });
    const span = around(97, 99, count, size);
    expect(span.x).toBe(100 - 24);
    expect(span.scale).toBeCloseTo(500 / 24);
  });
});
