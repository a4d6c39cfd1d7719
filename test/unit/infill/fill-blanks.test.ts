import { describe, expect, it } from 'vitest';
import { type BlanksPassage, fillOrder } from '../../../engine/infill/blanks.ts';
import { fillBlanks } from '../../../engine/infill/fill-blanks.ts';
import { blanksTokens } from '../../../engine/infill/passage.ts';
import { blankInfilling } from '../../../engine/objective/blank-infilling.ts';
import { options } from './passages.ts';
import { reciting, type Toy, type ToyOptions, toy } from './toy.ts';

const passage: BlanksPassage = {
  path: 'a.ts',
  languageId: 'typescript',
  texts: ['const x = ', ';\nconst y = ', ';\nreturn ', ';\n'],
  blanks: [
    { state: 'open', forced: '' },
    { state: 'open', forced: '' },
    { state: 'open', forced: '' },
  ],
  neighbours: [],
  kind: 'sentence',
};

/** A model that says `spans[n]` in the n-th span of Part B. */
function reciter(spans: readonly string[], more: ToyOptions = {}): Toy {
  return toy({
    voice: (tokenizer) => (_, tokens) => {
      const last = tokens.lastIndexOf(tokenizer.special.sop);
      const span = tokens.filter((token) => token === tokenizer.special.sop).length;
      const said = tokens.slice(last + 1);
      return reciting(tokenizer, spans[span] ?? '')(tokenizer.decodeBytes(said), said);
    },
    ...more,
  });
}

/** The rows of training for the same text and spans, in the order in which they are filled. */
function expectRowsOfTraining(model: Toy, given: BlanksPassage, spans: readonly string[], order: readonly number[]) {
  const { tokenizer } = model;
  const layout = blanksTokens(tokenizer, given, 200);
  const text: number[] = [];
  const ranges: { start: number; end: number }[] = [];
  let from = 0;
  for (const [index, at] of layout.blanks.entries()) {
    text.push(...layout.text.slice(from, at));
    const start = text.length;
    text.push(...tokenizer.encode(spans[index] as string));
    ranges.push({ start, end: text.length });
    from = at;
  }
  text.push(...layout.text.slice(from));
  const ids = { mask: tokenizer.special.sentenceMask, sop: tokenizer.special.sop, eop: tokenizer.special.eop };
  const ordered = order.map((index) => ranges[index] as { start: number; end: number });
  const sample = blankInfilling(text, ordered, ids);
  expect(model.rows.map(({ token }) => token)).toEqual([...sample.tokens]);
  expect(model.rows.map(({ position }) => position)).toEqual([...sample.positions]);
  expect(model.rows.map(({ blockPosition }) => blockPosition)).toEqual([...sample.blockPositions]);
}

describe('the order of blanks', () => {
  const cases: [states: ('open' | 'edited' | 'kept')[], order: number[]][] = [
    [['open'], [0]],
    [
      ['open', 'open', 'open'],
      [0, 1, 2],
    ],
    [
      ['open', 'kept', 'open', 'kept'],
      [1, 3, 0, 2],
    ],
    [
      ['edited', 'open', 'kept'],
      [2, 1, 0],
    ],
  ];
  it.each(cases)('%j', (states, order) => {
    expect(fillOrder(states.map((state) => ({ state })))).toEqual(order);
  });
});

describe('filling several blanks', () => {
  it('reads Part A once and feeds the rows that training would have made', async () => {
    const model = reciter(['one', 'two()', 'x + y']);
    const fill = await fillBlanks(model, passage, options);
    expect(fill.blanks.map(({ text, finish }) => [text, finish])).toEqual([
      ['one', 'eop'],
      ['two()', 'eop'],
      ['x + y', 'eop'],
    ]);
    expect(fill.order).toEqual([0, 1, 2]);
    expect(fill.blanks.every(({ confidence }) => confidence > 0)).toBe(true);
    expect(model.calls.filter((call) => call.startsWith('read'))).toHaveLength(1);
    expectRowsOfTraining(model, passage, ['one', 'two()', 'x + y'], [0, 1, 2]);
    expect(model.rows.length).toBe(fill.partA + fill.partB);
    expect(model.open).toBe(0);
  });

  it('puts kept spans first and the edited one last', async () => {
    const blanks: BlanksPassage['blanks'] = [
      { state: 'edited', forced: 'on' },
      { state: 'open', forced: '' },
      { state: 'kept', forced: 'x * y' },
    ];
    const model = reciter(['', 'two()', 'one']);
    const fill = await fillBlanks(model, { ...passage, blanks }, options);
    expect(fill.order).toEqual([2, 1, 0]);
    expect(fill.blanks.map(({ text, finish }) => [text, finish])).toEqual([
      ['e', 'eop'],
      ['two()', 'eop'],
      ['', 'kept'],
    ]);
    expect(fill.blanks[2]).toMatchObject({
      confidence: 1,
      tokens: [...'x * y'].map((text) => ({ text, forced: true })),
    });
    expectRowsOfTraining(model, passage, ['one', 'two()', 'x * y'], [2, 1, 0]);
  });

  it('shows the next blanks what is left of a span that was stopped, not what was cut from it', async () => {
    const model = reciter(['foo();\n  bar', 'two', 'end'], { words: ['();\n  ba'] });
    const fill = await fillBlanks(model, passage, { ...options, singleLine: true });
    expect(fill.blanks.map(({ text, finish }) => [text, finish])).toEqual([
      ['foo();', 'line'],
      ['two', 'eop'],
      ['end', 'eop'],
    ]);
    expectRowsOfTraining(model, passage, ['foo();', 'two', 'end'], [0, 1, 2]);

    const long = reciter(['abcdef', 'two', 'abcdef']);
    const cut = await fillBlanks(long, passage, { ...options, maxTokens: 4 });
    expect(cut.blanks.map(({ text, finish }) => [text, finish])).toEqual([
      ['abcd', 'length'],
      ['two', 'eop'],
      ['abcd', 'length'],
    ]);
  });

  it('begins with the surest where that is asked for, after what is kept and before what is edited', async () => {
    /** Ends every span at once, and would rather say so many things that it must not: after `a` most, after `b` none. */
    const doubts: Record<string, number> = { a: 2, b: 0, c: 1 };
    const doubtful = () =>
      toy({
        voice: (tokenizer) => (_, tokens) => {
          const said = tokenizer.decode(tokens.slice(tokens.lastIndexOf(tokenizer.special.sop) + 1));
          return [...Array<number>(doubts[said] ?? 0).fill(tokenizer.special.sop), tokenizer.special.eop];
        },
      });
    const given: BlanksPassage = {
      ...passage,
      texts: ['1 ', ' 2 ', ' 3 ', ' 4 ', ' 5 ', ' 6'],
      blanks: [
        { state: 'open', forced: 'a' },
        { state: 'edited', forced: 'd' },
        { state: 'open', forced: 'b' },
        { state: 'kept', forced: 'k' },
        { state: 'open', forced: 'c' },
      ],
      order: 'certain',
    };
    const model = doubtful();
    const fill = await fillBlanks(model, given, options);
    expect(fill.order).toEqual([3, 2, 4, 0, 1]);
    expectRowsOfTraining(model, given, ['a', 'd', 'b', 'k', 'c'], [3, 2, 4, 0, 1]);
    expect(model.open).toBe(0);

    const asWritten = await fillBlanks(doubtful(), { ...given, order: 'text' }, options);
    expect(asWritten.order).toEqual([3, 0, 2, 4, 1]);

    const causal = await fillBlanks(
      { ...doubtful(), prompt: { infills: true, tokens: () => [20, 4] } },
      { ...given, blanks: given.blanks.map((blank) => ({ ...blank, state: 'open' })) },
      options,
    );
    expect(causal.order.indexOf(2)).toBeLessThan(causal.order.indexOf(4));
    expect(causal.order.at(-1)).toBe(0);
  });

  it('ends a blank after its own number of lines', async () => {
    const blanks = passage.blanks.map((blank, index) => (index === 1 ? { ...blank, lines: 2 } : blank));
    const model = reciter(['a\nb\nc', '\na\n\n b\nc', 'a\nb\nc']);
    const fill = await fillBlanks(model, { ...passage, blanks }, options);
    expect(fill.blanks.map(({ text }) => text)).toEqual(['a\nb\nc', '\na\n\n b', 'a\nb\nc']);
  });

  it('reads given text as text where it would take too much of the model', async () => {
    const kept = 'z'.repeat(70);
    const blanks: BlanksPassage['blanks'] = [
      { state: 'open', forced: '' },
      { state: 'kept', forced: kept },
      { state: 'open', forced: 'y'.repeat(50) },
    ];
    const model = reciter(['one', 'y'.repeat(50)]);
    const fill = await fillBlanks(model, { ...passage, blanks }, { ...options, maxTokens: 10 });
    expect(fill.order).toEqual([0, 2]);
    expect(fill.blanks[1]).toEqual({ text: '', tokens: [], finish: 'kept', confidence: 1 });
    const source = model.tokenizer.decode(model.rows.slice(0, fill.partA).map(({ token }) => token));
    expect(source).toContain(`const y = ${kept};`);
    expect(source).toContain('return yyyyyy');
  });

  it('shares a short model among its blanks, and says when they are too many', async () => {
    const endless: ToyOptions = { voice: (tokenizer) => () => tokenizer.encode('a'), config: { maxLength: 96 } };
    const fill = await fillBlanks(toy(endless), passage, { ...options, maxTokens: 500 });
    expect(fill.blanks.map(({ text }) => text.length)).toEqual([16, 16, 16]);
    const many = { ...passage, texts: Array(21).fill('b'), blanks: Array(20).fill({ state: 'open', forced: '' }) };
    await expect(fillBlanks(toy(endless), many, options)).rejects.toThrow(/20 blanks do not fit/);
    const kept = passage.blanks.map((blank) => ({ ...blank, state: 'kept' as const }));
    await expect(fillBlanks(toy(endless), { ...passage, blanks: kept }, options)).rejects.toThrow(/no blank to fill/);
  });

  it('stops when it is aborted, and leaves nothing open', async () => {
    const controller = new AbortController();
    let extended = 0;
    const onCall = (call: string) => {
      if (call.startsWith('extend') && ++extended === 5) controller.abort();
    };
    const model = reciter(['one', 'two', 'three'], { onCall });
    await expect(fillBlanks(model, passage, options, controller.signal)).rejects.toMatchObject({ name: 'AbortError' });
    expect(extended).toBe(5);
    expect(model.open).toBe(0);
  });
});

describe('the layout of several blanks', () => {
  const { tokenizer } = toy();
  const lines = (letter: string, count: number) => `${letter.repeat(9)}\n`.repeat(count);
  const lay = (texts: string[], budget: number) => {
    const { text, blanks } = blanksTokens(tokenizer, { path: 'p', texts, neighbours: [] }, budget);
    expect(text.length + blanks.length).toBeLessThanOrEqual(budget);
    const stretches = [...blanks, text.length].map((at, index) => text.slice(index === 0 ? 0 : blanks[index - 1], at));
    return stretches.map((stretch) => tokenizer.decode(stretch));
  };

  it('keeps what stands between blanks and cuts outside', () => {
    const [before = '', between, after = ''] = lay([lines('a', 50), lines('b', 8), lines('c', 50)], 200);
    expect(between).toBe(lines('b', 8));
    expect(before.endsWith(lines('a', 3))).toBe(true);
    expect(after.startsWith(lines('c', 2))).toBe(true);
  });

  it('gives all room to what stands between blanks where nothing is outside', () => {
    expect(lay(['', lines('b', 18), ''], 200)[1]).toBe(lines('b', 18));
  });

  it('cuts the longest stretch in its middle where blanks lie too far apart', () => {
    const far = `${lines('b', 3)}${lines('x', 1000)}${lines('d', 3)}`;
    const [before, between = '', short] = lay([lines('a', 50), far, lines('e', 2), ''], 200);
    expect(short).toBe(lines('e', 2));
    expect(between.startsWith(lines('b', 3))).toBe(true);
    expect(between.endsWith(lines('d', 3))).toBe(true);
    expect(before).toContain('aaaa');
  });
});
