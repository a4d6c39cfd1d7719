import { describe, expect, it } from 'vitest';
import type { BlanksPassage } from '../../../engine/infill/blanks.ts';
import { logProbabilityOf, mostProbable } from '../../../engine/infill/sampling.ts';
import type { FillTrace } from '../../../engine/infill/trace.ts';
import { createTracedInfiller, type TracedInfiller } from '../../../engine/infill/traced-infiller.ts';
import { options, passage, recite } from './passages.ts';
import type { Toy } from './toy.ts';

const words = ['return', ' value'];
const start = (text: string): { model: Toy; infiller: TracedInfiller } => {
  const model = recite(text, { words });
  return { model, infiller: createTracedInfiller(model, 'toy-model') };
};
const traced = (infiller: TracedInfiller): FillTrace => {
  const trace = infiller.trace();
  if (!trace) throw new Error('no trace');
  return trace;
};

describe('the trace of a fill', () => {
  it('holds the rows that the runtime was fed, and the numbers of the fill', async () => {
    const { model, infiller } = start('return value;');
    expect(infiller.trace()).toBeUndefined();
    const fill = await infiller.fill(passage, options);
    const trace = traced(infiller);
    const fed = trace.partB.filter(({ row }) => row !== 'unfed');
    expect(
      [...trace.partA, ...fed].map(({ id, position, blockPosition }) => ({ token: id, position, blockPosition })),
    ).toEqual(model.rows);
    expect(trace.partB.slice(1).map(({ id, text, logProbability }) => ({ id, text, logProbability }))).toEqual(
      fill.tokens.map(({ id, text, logProbability }) => ({ id, text, logProbability })),
    );
    const { text, finish, confidence, timings, device } = fill;
    const [span] = trace.spans;
    expect(trace).toMatchObject({ format: 1, model: 'toy-model', timings, device });
    expect(span).toMatchObject({ text, finish, confidence });
    expect(trace.separator).toBe(fill.partA);
    expect(trace.partA.map((token) => token.special ?? token.text).join('')).toBe(
      '[CLS]<|path|>a.ts<|code|>const x = 1;\n[MASK]\nend\n<|endoftext|>',
    );
    expect(trace.partB.map(({ text, special, origin, row }) => [special ?? text, origin, row])).toEqual([
      ['<|startofpiece|>', 'start', 'fed'],
      ['return', 'predicted', 'fed'],
      [' value', 'predicted', 'fed'],
      [';', 'predicted', 'fed'],
      ['<|endofpiece|>', 'predicted', 'unfed'],
    ]);
    expect(trace.partB.at(-1)).toMatchObject({ ends: true });
    expect(trace.partB.at(-1)?.position).toBeUndefined();
    expect(trace.partA[span?.blank as number]).toMatchObject({ special: '[MASK]' });
    expect(trace.partB.every(({ blank }) => blank === span?.blank)).toBe(true);
    expect(JSON.parse(JSON.stringify(trace))).toEqual(trace);
    await infiller.dispose();
    expect(infiller.trace()).toBeUndefined();
  });

  it('tells what was kept from an earlier fill, what the user typed and what began with it', async () => {
    const { infiller } = start('return value;');
    await infiller.fill({ ...passage, forced: 'return value' }, options);
    expect(traced(infiller)).toMatchObject({ partARead: 'now' });
    await infiller.fill({ ...passage, forced: 'return val' }, options);
    const trace = traced(infiller);
    expect(trace).toMatchObject({ partARead: 'earlier', timings: { read: 0 } });
    expect(trace.partB.map(({ text, origin, row, forcedBytes }) => [text, origin, row, forcedBytes])).toEqual([
      ['', 'start', 'held', undefined],
      ['return', 'forced', 'fed', undefined],
      [' value', 'predicted', 'fed', 4],
      [';', 'predicted', 'fed', undefined],
      ['', 'predicted', 'unfed', undefined],
    ]);
  });

  it('stays as it was while a later fill is aborted', async () => {
    const { infiller } = start('return value;');
    await infiller.fill(passage, options);
    const before = traced(infiller);
    const stop = new AbortController();
    const aborted = infiller.fill({ ...passage, forced: 'x' }, options, {
      signal: stop.signal,
      onToken: () => stop.abort(),
    });
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    expect(traced(infiller)).toEqual(before);
  });

  it('stays as it was beside other draws of the same blank', async () => {
    const { infiller } = start('return value;');
    await infiller.fill(passage, options);
    const before = traced(infiller);
    await infiller.fill(passage, { ...options, temperature: 2, seed: 1, aside: true });
    expect(traced(infiller)).toEqual(before);
  });

  it('shows a fill that a limit ended without rows for the token that was not read', async () => {
    const { model, infiller } = start('return value;');
    await infiller.fill(passage, { ...options, maxTokens: 2 });
    const { partB } = traced(infiller);
    expect(partB.map(({ text, row }) => [text, row])).toEqual([
      ['', 'fed'],
      ['return', 'fed'],
      [' value', 'unfed'],
    ]);
    expect(partB.some(({ ends }) => ends)).toBe(false);
    expect(model.rows.length).toBe(traced(infiller).separator + 2);
  });

  it('counts positions on where the model does', async () => {
    const model = recite('ab', { config: { positions: 'rotary-1d' } });
    const infiller = createTracedInfiller(model, 'toy-model');
    await infiller.fill({ ...passage, kind: 'document' }, options);
    const { partB, separator, spans, partA } = traced(infiller);
    expect(partB.map(({ position }) => position)).toEqual([separator, separator + 1, separator + 2, undefined]);
    expect(partA[spans[0]?.blank as number]).toMatchObject({ special: '[gMASK]' });
  });
});

describe('the trace of several blanks', () => {
  const blanks: BlanksPassage = {
    path: 'a.ts',
    languageId: 'typescript',
    texts: ['x = ', ';\ny = ', ';\n'],
    blanks: [
      { state: 'open', forced: '' },
      { state: 'kept', forced: 'k' },
    ],
    neighbours: [],
    kind: 'sentence',
  };
  const shown = ({ partB }: FillTrace) => partB.map(({ text, special, origin, row }) => [special ?? text, origin, row]);

  it('has the spans in the order of Part B, each with its blank and its outcome', async () => {
    // The toy says what follows all of Part B, whose first span is kept.
    const model = recite('kab');
    const infiller = createTracedInfiller(model, 'toy-model');
    await infiller.fillBlanks(blanks, { ...options, rivals: 2 });
    const trace = traced(infiller);
    expect(shown(trace)).toEqual([
      ['<|startofpiece|>', 'start', 'fed'],
      ['k', 'forced', 'fed'],
      ['<|startofpiece|>', 'start', 'fed'],
      ['a', 'predicted', 'fed'],
      ['b', 'predicted', 'fed'],
      ['<|endofpiece|>', 'predicted', 'unfed'],
    ]);
    const rows = trace.partB.filter(({ row }) => row !== 'unfed');
    expect(
      [...trace.partA, ...rows].map(({ id, position, blockPosition }) => ({ token: id, position, blockPosition })),
    ).toEqual(model.rows);
    const masks = trace.partA.flatMap(({ special }, index) => (special === '[sMASK]' ? [index] : []));
    expect(trace.spans).toMatchObject([
      { blank: masks[1], finish: 'kept' },
      { blank: masks[0], finish: 'eop', text: 'ab' },
    ]);
    expect(trace.partB.map(({ rivals }) => rivals?.length)).toEqual([undefined, 2, undefined, 2, 2, 2]);
  });

  it('shows what the next span reads where a limit cut a token', async () => {
    const both: BlanksPassage = {
      ...blanks,
      blanks: [
        { state: 'open', forced: '' },
        { state: 'open', forced: '' },
      ],
    };
    const model = recite('a;\nb', { words: [';\n'] });
    const infiller = createTracedInfiller(model, 'toy-model');
    await infiller.fillBlanks(both, { ...options, singleLine: true });
    expect(shown(traced(infiller)).slice(0, 5)).toEqual([
      ['<|startofpiece|>', 'start', 'fed'],
      ['a', 'predicted', 'fed'],
      [';\n', 'predicted', 'unfed'],
      [';', 'cut', 'fed'],
      ['<|startofpiece|>', 'start', 'fed'],
    ]);
  });
});

describe('rivals', () => {
  it('are noted only when asked for, and never the token itself', async () => {
    const { infiller } = start('return value;');
    await infiller.fill(passage, options);
    expect(traced(infiller).partB.every(({ rivals }) => rivals === undefined)).toBe(true);
    await infiller.fill({ ...passage, before: 'other' }, { ...options, rivals: 3 });
    const { partB } = traced(infiller);
    expect(partB[0]?.rivals).toBeUndefined();
    for (const { id, rivals } of partB.slice(1)) {
      expect(rivals).toHaveLength(3);
      expect(rivals?.some((rival) => rival.id === id)).toBe(false);
      const probabilities = rivals?.map((rival) => rival.logProbability) ?? [];
      expect(probabilities).toEqual(probabilities.toSorted((x, y) => y - x));
    }
  });

  it('of tokens that are held since a fill that asked are still known', async () => {
    const { infiller } = start('return value;');
    await infiller.fill({ ...passage, forced: 'return value;' }, { ...options, rivals: 2 });
    await infiller.fill({ ...passage, forced: 'return value;' }, { ...options, rivals: 2 });
    const { partB } = traced(infiller);
    expect(partB.map(({ row }) => row)).toContain('held');
    expect(partB.slice(1).map(({ rivals }) => rivals?.length)).toEqual([2, 2, 2, 2]);
  });

  it('come from the logits in order, ties by id', () => {
    const logits = Float32Array.of(1, 4, 2, 4, 3);
    const found = mostProbable(logits, 3);
    expect(found.map(({ id }) => id)).toEqual([1, 3, 4]);
    expect(found[2]?.logProbability).toBe(logProbabilityOf(logits, 4));
    expect(mostProbable(logits, 9)).toHaveLength(5);
  });
});
