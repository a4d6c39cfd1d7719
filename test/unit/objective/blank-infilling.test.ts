import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type BlankIds,
  blankInfilling,
  type InfillingSample,
  partA,
  type Span,
  spanPositions,
  spanRows,
  suffixGeneration,
} from '../../../engine/objective/blank-infilling.ts';
import { visible } from '../../../engine/objective/visibility.ts';

const GOLDEN = new URL('../../fixtures/golden/', import.meta.url);
const read = (path: string) => JSON.parse(readFileSync(new URL(path, GOLDEN), 'utf8'));

interface Row {
  tokens: number[];
  targets: number[];
  loss_mask: number[];
  position_ids: number[];
  block_position_ids: number[];
  sep: number;
  visible?: number[][];
}

interface Case {
  name: string;
  task?: string;
  mode?: string;
  options: { task_mask: boolean; block_position_encoding?: boolean };
  command_ids: Record<'MASK' | 'gMASK' | 'sMASK' | 'sop' | 'eop', number>;
  text?: number[];
  samples?: { text: number[]; loss_mask: number[] }[];
  spans?: { text: number[]; spans_in_part_b_order: [number, number][] }[];
  spans_in_part_b_order?: [number, number][];
  rows: Row[] | Row;
}

const cases: Case[] = read('blank-infilling/cases.json');

function idsOf(c: Case): BlankIds {
  const { MASK, gMASK, sMASK, sop, eop } = c.command_ids;
  const mode = c.mode ?? c.task;
  const kind = mode === 'gpt' || mode === 'generation' ? gMASK : mode === 'sentence' ? sMASK : MASK;
  return { mask: c.options.task_mask ? kind : MASK, sop, eop };
}

const asSpans = (pairs: [number, number][]): Span[] => pairs.map(([start, end]) => ({ start, end }));

function padded(values: ArrayLike<number>, length: number): number[] {
  return Array.from({ length }, (_, index) => values[index] ?? 0);
}

function expectRow(c: Case, sample: InfillingSample, row: Row): void {
  const length = row.tokens.length;
  expect(padded(sample.tokens, length)).toEqual(row.tokens);
  expect(padded(sample.targets, length)).toEqual(row.targets);
  expect(padded(sample.lossMask, length)).toEqual(row.loss_mask);
  expect(padded(sample.positions, length)).toEqual(row.position_ids);
  // Models without block positions get a row that is only 0 and 1, and do not use it.
  const blocks = c.options.block_position_encoding === false ? sample.blockPositions.map((b) => Math.min(b, 1)) : null;
  expect(padded(blocks ?? sample.blockPositions, length)).toEqual(row.block_position_ids);
  expect(sample.sep).toBe(row.sep);
  row.visible?.forEach((columns, i) => {
    expect(columns.map((_, j) => Number(visible(i, j, sample.sep)))).toEqual(columns);
  });
}

describe('the original data code, from its recorded spans', () => {
  it.each(cases.map((c) => [c.name, c] as const))('%s', (_, c) => {
    const ids = idsOf(c);
    const rows = Array.isArray(c.rows) ? c.rows : [c.rows];
    if (c.text) {
      expectRow(c, blankInfilling(c.text, asSpans(c.spans_in_part_b_order ?? []), ids), rows[0] as Row);
      return;
    }
    const recorded = [...(c.spans ?? [])];
    const samples = c.samples ?? [];
    expect(rows).toHaveLength(samples.length);
    for (const [index, { text, loss_mask }] of samples.entries()) {
      const row = rows[index] as Row;
      if (JSON.stringify(recorded[0]?.text) === JSON.stringify(text)) {
        const spans = asSpans(recorded.shift()?.spans_in_part_b_order ?? []);
        expectRow(c, blankInfilling(text, spans, ids), row);
      } else {
        expect(c.mode).toBe('gpt');
        expectRow(c, suffixGeneration(text, row.sep - 1, ids, { textLossMask: loss_mask }), row);
      }
    }
    expect(recorded).toHaveLength(0);
  });
});

describe('the training batches of the model families', () => {
  it('counts positions on for the [gMASK] of GLM-130B and stays at the mask elsewhere', () => {
    expect(spanPositions('rotary-1d', 'document')).toBe('running');
    expect(spanPositions('rotary-1d', 'token')).toBe('at-mask');
    expect(spanPositions('rotary-2d', 'document')).toBe('at-mask');
    expect(spanPositions('learned-2d', 'document')).toBe('at-mask');

    const { batch, command_ids: ids } = read('glm-130b/training.json');
    const length = batch.lengths[1];
    const row: number[] = batch.input_ids[1].slice(0, length);
    const division = batch.sep[1] - 1;
    const text = [...row.slice(0, division), ...row.slice(division + 2), batch.targets[1][length - 1]];
    const sample = suffixGeneration(
      text,
      division,
      { ...ids, mask: ids.gMASK ?? row[division] },
      { positions: 'running' },
    );
    expect([...sample.tokens]).toEqual(row);
    expect([...sample.positions]).toEqual(batch.position_ids[1].slice(0, length));
    expect([...sample.targets].slice(sample.sep)).toEqual(batch.targets[1].slice(sample.sep, length));
  });
});

describe('the rows that the original generation code fed', () => {
  interface Generation {
    name: string;
    input_ids: number[];
    position_ids: number[] | [number[], number[]];
  }
  const runs = [
    ['glm-130b', 'generate_mask', 'rotary-1d', 'token', 150, 154],
    ['glm-130b', 'generate_gmask', 'rotary-1d', 'document', 151, 154],
    ['chatglm-6b', 'generate_mask', 'rotary-2d', 'token', 130, 134],
    ['chatglm-6b', 'generate_gmask', 'rotary-2d', 'document', 131, 134],
    ['glm-2021', 'generate_mask_single_blank', 'learned-2d', 'token', 154, 151],
    ['glm-2021', 'generate_gmask', 'learned-2d', 'document', 157, 151],
    ['glm-2021', 'generate_smask', 'learned-2d', 'sentence', 158, 151],
    ['glm-2021', 'two_blanks_in_order', 'learned-2d', 'token', 154, 151],
  ] as const;
  it.each(runs)('%s %s', (family, name, scheme, kind, mask, sop) => {
    const all: Generation[] = read(`${family}/cases.json`);
    const run = all.find((candidate) => candidate.name === name) as Generation;
    const tokens = run.input_ids;
    const sep = tokens.indexOf(sop);
    // The text without its masks: every mask is a blank where nothing is missing.
    const text = tokens.slice(0, sep).filter((token) => token !== mask);
    const spans: Span[] = [];
    for (const [index, token] of tokens.slice(0, sep).entries()) {
      if (token === mask) spans.push({ start: index - spans.length, end: index - spans.length });
    }
    const source = partA(text, spans, mask);
    const positions = [...source.positions];
    const blocks = [...source.blockPositions];
    const pieces: number[][] = [];
    for (const token of tokens.slice(sep)) {
      if (token === sop) pieces.push([]);
      pieces.at(-1)?.push(token);
    }
    expect(pieces).toHaveLength(spans.length);
    for (const [index, piece] of pieces.entries()) {
      const place = { mask: source.masks[index] as number, fed: 0, length: positions.length };
      const rows = spanRows(piece, { ...place, positions: spanPositions(scheme, kind) });
      positions.push(...rows.positions);
      blocks.push(...rows.blockPositions);
    }
    expect([...source.tokens]).toEqual(tokens.slice(0, sep));
    expect(scheme === 'rotary-1d' ? positions : [positions, blocks]).toEqual(run.position_ids);
  });
});

describe('shapes the original never makes', () => {
  const ids = { mask: 90, sop: 91, eop: 92 };

  it('keeps a mask for a blank where nothing is missing', () => {
    const sample = blankInfilling([10, 11, 12], [{ start: 1, end: 1 }], ids);
    expect([...sample.tokens]).toEqual([10, 90, 11, 12, 91]);
    expect([...sample.targets]).toEqual([10, 90, 11, 12, 92]);
    expect([...sample.positions]).toEqual([0, 1, 2, 3, 1]);
    expect([...sample.blockPositions]).toEqual([0, 0, 0, 0, 1]);
    expect([...sample.lossMask]).toEqual([0, 0, 0, 0, 1]);
  });

  it('orders an empty blank before the span that starts where it stands', () => {
    const spans = [
      { start: 1, end: 3 },
      { start: 1, end: 1 },
      { start: 3, end: 3 },
    ];
    const sample = blankInfilling([10, 11, 12], spans, ids);
    expect([...sample.tokens]).toEqual([10, 90, 90, 90, 91, 11, 12, 91, 91]);
    expect([...sample.positions]).toEqual([0, 1, 2, 3, 2, 2, 2, 1, 3]);
  });

  it('refuses spans that overlap, run backwards or leave the text', () => {
    const text = [1, 2, 3, 4];
    const overlapping = [
      { start: 0, end: 2 },
      { start: 1, end: 3 },
    ];
    expect(() => partA(text, overlapping, 9)).toThrow(/\[1, 3\) does not fit/);
    expect(() => partA(text, [{ start: 3, end: 5 }], 9)).toThrow(/\[3, 5\)/);
    expect(() => partA(text, [{ start: 3, end: 2 }], 9)).toThrow(RangeError);
    expect(() => partA(text, [{ start: -1, end: 2 }], 9)).toThrow(RangeError);
    expect(() => suffixGeneration(text, 4, ids)).toThrow(/nothing to generate/);
  });
});

it('gives inference the rows that training used', () => {
  const ids = { mask: 90, sop: 91, eop: 92 };
  const text = [10, 11, 12, 13, 14, 15];
  const spans = [
    { start: 3, end: 5 },
    { start: 1, end: 2 },
  ];
  for (const positions of ['at-mask', 'running'] as const) {
    const trained = blankInfilling(text, spans, ids, positions);
    const source = partA(text, spans, ids.mask);
    let length = source.tokens.length;
    expect(trained.tokens.slice(0, length)).toEqual(source.tokens);
    for (const [index, span] of spans.entries()) {
      const input = [ids.sop, ...text.slice(span.start, span.end)];
      for (const [fed, token] of input.entries()) {
        const place = { mask: source.masks[index] as number, fed, length, positions };
        const row = spanRows([token], place);
        expect(row.tokens[0]).toBe(trained.tokens[length]);
        expect(row.positions[0]).toBe(trained.positions[length]);
        expect(row.blockPositions[0]).toBe(trained.blockPositions[length]);
        length++;
      }
    }
    expect(length).toBe(trained.tokens.length);
  }
});
