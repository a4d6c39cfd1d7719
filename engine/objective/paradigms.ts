/**
 * One passage with filled blanks as five ways of training would lay it out, and who would see whom: for the Lens, which
 * compares them. `glm` is what is computed here; the others follow from their definitions alone.
 * BERT: Devlin et al. 2019. GPT: Radford et al. 2018. Prefix LM: Dong et al. 2019 (UniLM). Encoder-decoder: Raffel et al. 2020 (T5).
 */
import { visible } from './visibility.ts';

export const paradigms = ['glm', 'bert', 'gpt', 'prefix-lm', 'encoder-decoder'] as const;
export type Paradigm = (typeof paradigms)[number];

/**
 * How many leading rows see one another in both directions: with `visible`, all that a way of training says about
 * attention. `permutation` is XLNet's, whose rows stand in the order of the factorisation.
 */
export function separatorOf(
  paradigm: Paradigm | 'permutation',
  { rows, partA, prefix }: { rows: number; partA: number; prefix: number },
): number {
  switch (paradigm) {
    case 'glm':
    case 'permutation':
    // The encoder's tokens see one another; the decoder's see the encoder's by cross-attention and their own past.
    case 'encoder-decoder':
      return partA;
    case 'bert':
      return rows;
    case 'gpt':
      return 0;
    case 'prefix-lm':
      return prefix;
  }
}

/** A passage whose blanks are filled; spans in the order of Part B. */
export interface InfilledPassage {
  /** Tokens of Part A. */
  separator: number;
  /** The model sees no later token, in Part A neither: what `glm` shows is what it computed. */
  causal?: boolean;
  spans: {
    /** Index of the span's mask in Part A. */
    mask: number;
    /** Indices in Part B of the tokens that were fed, `sop` first. */
    fed: number[];
    /** Indices in Part B of the tokens that make up the text: neither `sop` nor `eop`. */
    text: number[];
  }[];
}

/** A token of the passage; `hidden` where its row holds a mask in its place. */
export interface RowSource {
  part: 'A' | 'B';
  index: number;
  hidden?: true;
}

export interface Arrangement {
  paradigm: Paradigm;
  rows: RowSource[];
  /** Whether row `i` sees row `j`. */
  visible(i: number, j: number): boolean;
}

export function arrange(paradigm: Paradigm, passage: InfilledPassage): Arrangement {
  const rows = isInParts(paradigm) ? partsInOrder(passage) : textInOrder(passage);
  const partA = passage.causal && paradigm === 'glm' ? 0 : passage.separator;
  const prefix = Math.min(passage.separator, ...passage.spans.map(({ mask }) => mask));
  const separator = separatorOf(paradigm, { rows: rows.length, partA, prefix });
  return {
    paradigm,
    rows: paradigm === 'bert' ? rows.map((row) => (row.part === 'B' ? { ...row, hidden: true } : row)) : rows,
    visible: (i, j) => visible(i, j, separator),
  };
}

/** The row from which token `target` of Part B is predicted; undefined where the paradigm has none, as BERT for `eop`. */
export function predictor({ paradigm, rows }: Arrangement, target: number): number | undefined {
  const place = (index: number) => rows.findIndex((row) => row.part === 'B' && row.index === index);
  const own = place(target);
  const before = place(target - 1);
  const found = paradigm === 'bert' ? own : isInParts(paradigm) || own < 0 ? before : own - 1;
  return found < 0 ? undefined : found;
}

function isInParts(paradigm: Paradigm): boolean {
  return paradigm === 'glm' || paradigm === 'encoder-decoder';
}

function partsInOrder({ separator, spans }: InfilledPassage): RowSource[] {
  return [
    ...Array.from({ length: separator }, (_, index): RowSource => ({ part: 'A', index })),
    ...spans.flatMap(({ fed }) => fed.map((index): RowSource => ({ part: 'B', index }))),
  ];
}

/** Each span where its mask stood. */
function textInOrder({ separator, spans }: InfilledPassage): RowSource[] {
  return Array.from({ length: separator }, (_, index) => index).flatMap((index): RowSource[] => {
    const span = spans.find(({ mask }) => mask === index);
    return span ? span.text.map((token) => ({ part: 'B', index: token })) : [{ part: 'A', index }];
  });
}
