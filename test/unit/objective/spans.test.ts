import { describe, expect, it } from 'vitest';
import { blankInfilling, type Span } from '../../../engine/objective/blank-infilling.ts';
import { createRandom, resumeRandom } from '../../../engine/objective/random.ts';
import {
  documentBlank,
  drawSpanLengths,
  placeSpans,
  sentenceEnds,
  sentenceSpans,
  spanLengthWeights,
  tokenSpans,
} from '../../../engine/objective/spans.ts';

const ids = { enc: 1, eos: 2 };
const document = (length: number) => [ids.enc, ...Array.from({ length }, (_, i) => 10 + i)];
const sorted = (spans: readonly Span[]) => [...spans].sort((x, y) => x.start - y.start);
const lengthOf = (spans: readonly Span[]) => spans.reduce((sum, span) => sum + span.end - span.start, 0);

describe('the generator', () => {
  it('repeats itself from a seed and from an exported state', () => {
    const random = createRandom(7);
    random.float();
    const copy = resumeRandom(JSON.parse(JSON.stringify(random.state())));
    const next = Array.from({ length: 50 }, () => random.uint32());
    expect(Array.from({ length: 50 }, () => copy.uint32())).toEqual(next);
    expect(createRandom(7).state()).toEqual(createRandom(7).state());
    expect(createRandom(7).state()).not.toEqual(createRandom(8).state());
    expect(createRandom(7).state()).not.toEqual(createRandom(7 + 2 ** 33).state());
  });

  it('follows the published xoshiro128** 1.1 sequence', () => {
    const random = resumeRandom([1, 2, 3, 4]);
    expect(Array.from({ length: 5 }, () => random.uint32())).toEqual([11520, 0, 5927040, 70819200, 2031721883]);
  });

  it('draws integers and floats evenly', () => {
    const random = createRandom(3);
    const counts = [0, 0, 0, 0, 0, 0, 0];
    let sum = 0;
    for (let i = 0; i < 70000; i++) {
      const drawn = random.below(7);
      counts[drawn] = (counts[drawn] as number) + 1;
      sum += random.float();
    }
    for (const count of counts) expect(Math.abs(count - 10000)).toBeLessThan(500);
    expect(sum / 70000).toBeCloseTo(0.5, 2);
  });

  it('refuses a state that is no state', () => {
    expect(() => resumeRandom([0, 0, 0, 0])).toThrow(/not all 0/);
    expect(() => resumeRandom([1, 2, 3])).toThrow(/four integers/);
    expect(() => resumeRandom([1, 2, 3, 2 ** 32])).toThrow(RangeError);
    expect(() => createRandom(0.5)).toThrow(/whole number/);
    expect(() => createRandom(1).below(0)).toThrow(RangeError);
  });
});

describe('span lengths', () => {
  it('have the mean of a Poisson law of 3 without 0: 3 / (1 - exp(-3)) = 3.157', () => {
    const weights = spanLengthWeights();
    expect(weights).toHaveLength(39);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const mean = weights.reduce((sum, weight, index) => sum + weight * (index + 1), 0) / total;
    expect(mean).toBeCloseTo(3.157, 3);

    const random = createRandom(1);
    const drawn = Array.from({ length: 2000 }, () => drawSpanLengths(random, 500)).flat();
    expect(drawn.reduce((sum, length) => sum + length, 0) / drawn.length).toBeCloseTo(3.157, 1);
    expect(Math.min(...drawn)).toBe(1);
  });

  it('reach 15 % of the text, the last one overshooting', () => {
    const random = createRandom(2);
    for (let trial = 0; trial < 200; trial++) {
      const lengths = drawSpanLengths(random, 500);
      const total = lengths.reduce((sum, length) => sum + length, 0);
      expect(total).toBeGreaterThanOrEqual(75);
      expect(total - (lengths.at(-1) as number)).toBeLessThan(75);
    }
    expect(drawSpanLengths(random, 6)).toEqual([]);
    expect(drawSpanLengths(random, 6, { single: true })).toHaveLength(1);
  });
});

describe('placement', () => {
  it('never overlaps and leaves a token between spans, in the given order of lengths', () => {
    const random = createRandom(4);
    for (let trial = 0; trial < 500; trial++) {
      const spans = placeSpans(random, [3, 1, 4, 1], 15, 100);
      expect(spans.map((span) => span.end - span.start)).toEqual([3, 1, 4, 1]);
      for (const [index, span] of spans.entries()) {
        expect(span.start).toBeGreaterThanOrEqual(index === 0 ? 100 : (spans[index - 1] as Span).end + 1);
      }
      expect((spans.at(-1) as Span).end).toBeLessThanOrEqual(115);
    }
  });

  it('uses every place from the first token to the last', () => {
    const random = createRandom(5);
    const starts = new Set(Array.from({ length: 200 }, () => placeSpans(random, [2], 5)[0]?.start));
    expect([...starts].sort()).toEqual([0, 1, 2, 3]);
  });

  it('fits exactly or says that it does not', () => {
    expect(placeSpans(createRandom(1), [2, 2], 5)).toEqual([
      { start: 0, end: 2 },
      { start: 3, end: 5 },
    ]);
    expect(() => placeSpans(createRandom(1), [2, 2], 4)).toThrow(/2 spans do not fit into 4 tokens/);
  });
});

describe('token mode', () => {
  it('keeps clear of [CLS], ends of documents, other spans and the last token', () => {
    const text = [...document(40), ids.eos, ...document(90), ids.eos, ...document(30)];
    const random = createRandom(6);
    for (let trial = 0; trial < 300; trial++) {
      const spans = tokenSpans(random, text, ids) as Span[];
      expect(lengthOf(spans)).toBeGreaterThanOrEqual(Math.floor(0.15 * text.length));
      let last = 0;
      for (const { start, end } of sorted(spans)) {
        expect(start).toBeGreaterThan(last);
        expect(text.slice(start, end).every((token) => token >= 10)).toBe(true);
        last = end;
      }
      expect(last).toBeLessThan(text.length);
      expect(() => blankInfilling(text, spans, { mask: 3, sop: 4, eop: 5 })).not.toThrow();
    }
  });

  it('shuffles the spans for Part B', () => {
    const random = createRandom(8);
    const text = document(200);
    const unsorted = Array.from({ length: 20 }, () => tokenSpans(random, text, ids) as Span[]).filter(
      (spans) => JSON.stringify(spans) !== JSON.stringify(sorted(spans)),
    );
    expect(unsorted.length).toBeGreaterThan(15);
  });

  it('leaves out a sample whose spans do not fit', () => {
    expect(tokenSpans(createRandom(1), document(20), ids, { ratio: 1 })).toBeUndefined();
  });
});

describe('sentence mode', () => {
  const ends = (token: number) => token === 99;

  it('takes whole sentences until 15 % is reached', () => {
    const text = [ids.enc, 10, 11, 99, 12, 99, 13, 14, 15, 99, 16, ids.eos];
    const sentences = ['1,4', '4,6', '6,10'];
    const random = createRandom(9);
    const seen = new Set<string>();
    for (let trial = 0; trial < 100; trial++) {
      const spans = sentenceSpans(random, text, ids, ends, { ratio: 0.3 });
      for (const { start, end } of spans) seen.add(`${start},${end}`);
      expect(lengthOf(spans)).toBeGreaterThanOrEqual(3);
      expect(new Set(spans.map((span) => span.start)).size).toBe(spans.length);
    }
    expect([...seen].sort()).toEqual(sentences);
  });

  it('counts what follows the last sentence end where the text breaks off', () => {
    const text = [ids.enc, 10, 99, 11, 12];
    const spans = sentenceSpans(createRandom(1), text, ids, ends, { ratio: 1 });
    expect(sorted(spans)).toEqual([
      { start: 1, end: 3 },
      { start: 3, end: 5 },
    ]);
  });

  it('knows sentence ends by the text of a token', () => {
    const texts = ['a', '.', '\n  ', '。', ' x'];
    const ends = sentenceEnds(texts.length, (token) => texts[token] as string);
    expect(texts.map((_, token) => ends(token))).toEqual([false, true, true, true, false]);
  });
});

describe('document mode', () => {
  it('draws a length between the ratio and all but two tokens, in both forms', () => {
    const text = [...document(38), ids.eos];
    const random = createRandom(10);
    const forms = { suffix: 0, infill: 0 };
    const lengths: number[] = [];
    for (let trial = 0; trial < 400; trial++) {
      const blank = documentBlank(random, text, ids, { minRatio: 0.25 });
      if (!blank) throw new Error('no blank');
      forms[blank.form]++;
      const span = blank.form === 'suffix' ? { start: blank.division, end: text.length } : (blank.spans[0] as Span);
      lengths.push(span.end - span.start);
      if (blank.form === 'infill') expect(text.slice(span.start, span.end)).not.toContain(ids.eos);
    }
    expect(Math.min(...lengths)).toBe(10);
    expect(Math.max(...lengths)).toBe(38);
    expect(Math.abs(forms.suffix - 200)).toBeLessThan(60);
  });

  it('always cuts a text of several documents', () => {
    const text = [...document(10), ids.eos, ...document(10), ids.eos];
    const random = createRandom(11);
    for (let trial = 0; trial < 50; trial++) expect(documentBlank(random, text, ids)?.form).toBe('suffix');
    expect(documentBlank(random, [ids.enc, 10], ids)).toBeUndefined();
  });
});
