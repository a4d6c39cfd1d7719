import { describe, expect, it } from 'vitest';
import {
  arrange,
  type InfilledPassage,
  type Paradigm,
  paradigms,
  predictor,
  separatorOf,
} from '../../../engine/objective/paradigms.ts';

/** x1 x2 M x4, the blank filled with two tokens: Part B is sop y1 y2 eop, of which eop was never fed. */
const passage: InfilledPassage = { separator: 4, spans: [{ mask: 2, fed: [0, 1, 2], text: [1, 2] }] };

function drawn(paradigm: Paradigm): { rows: string; matrix: string[] } {
  const { rows, visible } = arrange(paradigm, passage);
  return {
    rows: rows.map(({ part, index, hidden }) => `${part}${index}${hidden ? '?' : ''}`).join(' '),
    matrix: rows.map((_, i) => rows.map((_, j) => (visible(i, j) ? '1' : '0')).join('')),
  };
}

describe('who sees whom', () => {
  it('in a GLM: Part A itself in both directions, Part B all of Part A and its own past', () => {
    expect(drawn('glm')).toEqual({
      rows: 'A0 A1 A2 A3 B0 B1 B2',
      matrix: ['1111000', '1111000', '1111000', '1111000', '1111100', '1111110', '1111111'],
    });
  });

  it('in BERT: all see all, and the span is masks', () => {
    expect(drawn('bert')).toEqual({
      rows: 'A0 A1 B1? B2? A3',
      matrix: ['11111', '11111', '11111', '11111', '11111'],
    });
  });

  it('in GPT: only what comes before', () => {
    expect(drawn('gpt')).toEqual({
      rows: 'A0 A1 B1 B2 A3',
      matrix: ['10000', '11000', '11100', '11110', '11111'],
    });
  });

  it('in a prefix LM: the text before the blank in both directions, the rest causally', () => {
    expect(drawn('prefix-lm')).toEqual({
      rows: 'A0 A1 B1 B2 A3',
      matrix: ['11000', '11000', '11100', '11110', '11111'],
    });
  });

  it('in an encoder-decoder: the encoder itself, the decoder all of the encoder and its own past', () => {
    expect(drawn('encoder-decoder')).toEqual({
      rows: 'A0 A1 A2 A3 B0 B1 B2',
      matrix: ['1111000', '1111000', '1111000', '1111000', '1111100', '1111110', '1111111'],
    });
  });

  it('with several blanks keeps Part B in its own order and puts each span at its mask in the text', () => {
    const two: InfilledPassage = {
      separator: 4,
      spans: [
        { mask: 3, fed: [0, 1], text: [1] },
        { mask: 1, fed: [2, 3], text: [3] },
      ],
    };
    const order = (paradigm: Paradigm) => arrange(paradigm, two).rows.map(({ part, index }) => part + index);
    expect(order('glm')).toEqual(['A0', 'A1', 'A2', 'A3', 'B0', 'B1', 'B2', 'B3']);
    expect(order('gpt')).toEqual(['A0', 'B3', 'A2', 'B1']);
    const prefix = arrange('prefix-lm', two);
    expect([prefix.visible(0, 1), prefix.visible(1, 0)]).toEqual([false, true]);
  });
});

describe('the row that predicts a token', () => {
  const cases: [Paradigm, first: number | undefined, second: number | undefined, end: number | undefined][] = [
    ['glm', 4, 5, 6],
    ['encoder-decoder', 4, 5, 6],
    ['bert', 2, 3, undefined],
    ['gpt', 1, 2, 3],
    ['prefix-lm', 1, 2, 3],
  ];
  it.each(cases)('in %s', (paradigm, first, second, end) => {
    const arrangement = arrange(paradigm, passage);
    expect([1, 2, 3].map((target) => predictor(arrangement, target))).toEqual([first, second, end]);
  });
});

it('a causal model sees nothing ahead in Part A', () => {
  const { visible } = arrange('glm', { separator: 3, causal: true, spans: [{ mask: 2, fed: [0, 1], text: [1] }] });
  const rows = [0, 1, 2, 3, 4].map((i) => [0, 1, 2, 3, 4].map((j) => Number(visible(i, j))).join(''));
  expect(rows).toEqual(['10000', '11000', '11100', '11110', '11111']);
});

it('says of each paradigm how many rows see one another in both directions', () => {
  const sizes = { rows: 9, partA: 5, prefix: 3 };
  const separators = [...paradigms, 'permutation' as const].map((paradigm) => [paradigm, separatorOf(paradigm, sizes)]);
  expect(Object.fromEntries(separators)).toEqual({
    glm: 5,
    bert: 9,
    gpt: 0,
    'prefix-lm': 3,
    'encoder-decoder': 5,
    permutation: 5,
  });
});
