/** The layouts of an encoder-decoder, worked out by hand. */
import { describe, expect, it } from 'vitest';
import { readTwice, spanCorruption, textInfilling } from '../../../engine/objective/encoder-decoder.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { textInfillingSpans } from '../../../engine/objective/spans.ts';

const text = [10, 11, 12, 13, 14, 15];
const t5 = { sentinels: [101, 102, 103], sop: 1, eop: 2 };
const bart = { mask: 100, sop: 1, eop: 2 };
const rowsOf = ({ tokens, targets, lossMask, positions, blockPositions, sep }: ReturnType<typeof textInfilling>) => ({
  read: [...tokens.subarray(0, sep)],
  fed: [...tokens.subarray(sep)],
  targets: [...targets.subarray(sep)],
  lossMask: [...lossMask],
  positions: [...positions],
  blockPositions: [...blockPositions],
});

describe('span corruption', () => {
  it('lists sentinels and spans in the order of the text, whatever the order of the spans', () => {
    const spans = [
      { start: 4, end: 5 },
      { start: 1, end: 3 },
    ];
    const wanted = {
      read: [10, 101, 13, 102, 15],
      fed: [1, 101, 11, 12, 102, 14],
      targets: [101, 11, 12, 102, 14, 2],
      lossMask: [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1],
      positions: [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5],
      blockPositions: new Array(11).fill(0),
    };
    expect(rowsOf(spanCorruption(text, spans, t5))).toEqual(wanted);
    expect(rowsOf(spanCorruption(text, spans.reverse(), t5))).toEqual(wanted);
  });

  it('takes an empty span and the whole text', () => {
    const empty = spanCorruption(text, [{ start: 0, end: 0 }], t5);
    expect(rowsOf(empty)).toMatchObject({ read: [101, ...text], fed: [1, 101], targets: [101, 2] });
    const whole = spanCorruption(text, [{ start: 0, end: 6 }], t5);
    expect(rowsOf(whole)).toMatchObject({ read: [101], fed: [1, 101, ...text], targets: [101, ...text, 2] });
  });

  it('refuses more spans than sentinels, spans that overlap, and nothing to read', () => {
    const spans = [0, 1, 2, 3].map((start) => ({ start, end: start + 1 }));
    expect(() => spanCorruption(text, spans, t5)).toThrow('4 spans need as many sentinels; there are 3.');
    const overlapping = [
      { start: 0, end: 2 },
      { start: 1, end: 3 },
    ];
    expect(() => spanCorruption(text, overlapping, t5)).toThrow(RangeError);
    expect(() => spanCorruption([], [], t5)).toThrow('0 to read and 1 to write are too few');
  });
});

describe('text infilling', () => {
  it('writes the whole text', () => {
    const spans = [
      { start: 1, end: 3 },
      { start: 4, end: 4 },
    ];
    expect(rowsOf(textInfilling(text, spans, bart))).toEqual({
      read: [10, 100, 13, 100, 14, 15],
      fed: [1, ...text],
      targets: [...text, 2],
      lossMask: [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1],
      positions: [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 6],
      blockPositions: new Array(13).fill(0),
    });
  });

  it('hides 30 % in spans of Poisson lengths, some of them 0, that leave tokens between them', () => {
    const lengths = new Map<number, number>();
    for (let seed = 0; seed < 200; seed++) {
      const spans = textInfillingSpans(createRandom(seed), 100);
      expect(spans.reduce((sum, { start, end }) => sum + end - start, 0)).toBe(30);
      for (const [index, { start, end }] of spans.entries()) {
        expect(start).toBeGreaterThan(spans[index - 1]?.end ?? -1);
        expect(end).toBeLessThanOrEqual(100);
        lengths.set(end - start, (lengths.get(end - start) ?? 0) + 1);
      }
    }
    const all = [...lengths.values()].reduce((sum, count) => sum + count, 0);
    // e^-3 and 3 e^-3, a little more for the last ones, which are cut.
    expect((lengths.get(0) ?? 0) / all).toBeGreaterThan(0.035);
    expect((lengths.get(0) ?? 0) / all).toBeLessThan(0.065);
    expect((lengths.get(1) ?? 0) / all).toBeGreaterThan(0.12);
    expect((lengths.get(1) ?? 0) / all).toBeLessThan(0.21);
  });

  it.each([0, 1, 2, 3, 4, 5])('takes a text of %d tokens', (length) => {
    for (let seed = 0; seed < 50; seed++) {
      const spans = textInfillingSpans(createRandom(seed), length);
      const hidden = spans.reduce((sum, { start, end }) => sum + end - start, 0);
      expect(hidden).toBeLessThanOrEqual(Math.floor(0.3 * length));
    }
  });
});

it('a text is read twice, and the rows that are asked for lie in Part B', () => {
  const sample = readTwice(Int32Array.of(7, 8, 9), Uint8Array.of(1, 0, 1));
  expect([...sample.tokens]).toEqual([7, 8, 9, 7, 8, 9]);
  expect([...sample.lossMask]).toEqual([0, 0, 0, 1, 0, 1]);
  expect([...sample.positions]).toEqual([0, 1, 2, 0, 1, 2]);
});
