/** Every sentence of the page, in one place. What is said of a paradigm follows from its definition; nothing is measured. */
import type { Paradigm } from '../../engine/objective/paradigms.ts';
import type { FillTrace, PartBToken } from '../../language-server/protocol.ts';
import { visibleName } from './token-text.ts';
import type { Counts } from './view.ts';

export const words = {
  title: 'Cloze Lens',
  empty: 'Nothing has been completed yet. Put the cursor into a file and type: the fill appears here.',
  copy: 'Copy as JSON',
  save: 'Save as SVG',
  keep: 'Keep this fill',
  noRivals: 'Rivals are noted while the Lens is open; this token was computed before.',
  generation: 'Generation',
  step: 'Step',
  previous: 'Previous step',
  next: 'Next step',
  partA: 'Part A: the passage',
  partALegend:
    'Under each token: position and block position. Struck through: not seen where the selected token is predicted.',
  partB: 'Part B: the spans',
  partBLegend: 'Under each token: position and block position, probability, where it came from.',
  token: 'Token',
  rivals: 'Probable tokens at this step',
  matrix: 'Who sees whom',
  matrixLabel:
    'Visibility matrix: rows see columns. Arrow keys move, plus and minus zoom, 0 fits, Enter selects the row.',
  asSeenBy: 'The same passage as seen by',
  zoomIn: 'Zoom in',
  zoomOut: 'Zoom out',
  fit: 'Fit',
  toSpan: 'Zoom to the span',
  time: 'Time',
  stage: 'Stage',
  duration: 'Duration',
  probability: 'Probability',
  chosen: 'chosen',
} as const;

export const paradigmNames: Record<Paradigm, string> = {
  glm: 'GLM',
  bert: 'BERT',
  gpt: 'GPT',
  'prefix-lm': 'Prefix LM',
  'encoder-decoder': 'Encoder-decoder',
};

export const paradigmWords: Record<Paradigm, string> = {
  glm: 'What was computed: the passage is read in both directions on either side of the blank, and the span is written token by token until the model ends it with eop or a limit is reached.',
  bert: 'It could read both sides of the cursor, but a mask stands for one token: the length of the span would have to be known beforehand, and its tokens would be predicted without knowing each other.',
  gpt: 'It could write a span of any length token by token, but each token sees only what comes before it: the text after the cursor could not guide the span.',
  'prefix-lm':
    'It could read the text before the cursor in both directions and write a span of any length, but the text after the cursor is no part of its prefix and could not guide the span.',
  'encoder-decoder':
    'It could read both sides of the cursor and write a span of any length, as here, but in two stacks with weights of their own: the encoder reads, and the decoder sees what it read by cross-attention.',
};

export const originWords: Record<PartBToken['origin'], string> = {
  start: 'start of the span',
  forced: 'forced',
  predicted: 'predicted',
  cut: 'left of a token that a limit cut',
};

export const rowWords: Record<PartBToken['row'], string> = {
  fed: 'computed for this fill',
  held: 'cached from an earlier fill',
  unfed: 'chosen last, never read',
};

/** One word each for the chips. */
export const rowLabels: Record<PartBToken['row'], string> = { fed: '', held: 'cached', unfed: 'not read' };

const finishes: Readonly<Record<string, string>> = {
  eop: 'the model ended the span (eop)',
  line: 'the line ended',
  length: 'the limit of tokens was reached',
  time: 'the time limit was reached',
  capacity: 'the model can hold no more',
  kept: 'the span was given',
};

function finishWords({ spans }: FillTrace): string {
  return spans.map(({ finish }) => finishes[finish] ?? visibleName(finish)).join('; ');
}

export function headWords(trace: FillTrace): string {
  return `${visibleName(trace.model)} · ${visibleName(trace.device)} · ${finishWords(trace)}`;
}

export function spanOrderWords({ spans }: FillTrace): string {
  const places = spans.map(({ blank }) => `the blank at ${blank}`).join(', then ');
  return `Order of the spans in Part B: ${places}. Part A has ${plural(spans.length, 'blank')}.`;
}

export function readWords({ partARead, partB, separator }: FillTrace): string {
  const held = partB.filter(({ row }) => row === 'held').length;
  const rows = partB.filter(({ row }) => row !== 'unfed').length;
  const read =
    partARead === 'now'
      ? `Part A was read for this fill: ${plural(separator, 'token')}.`
      : `Part A was kept from an earlier fill: none of its ${plural(separator, 'token')} was read again.`;
  return `${read} ${held} of ${plural(rows, 'row')} of Part B came from the cache.`;
}

export function stageWords({ partARead }: FillTrace): Record<'tokenize' | 'read' | 'extend' | 'other', string> {
  return {
    tokenize: 'Text to tokens',
    read: partARead === 'now' ? 'Reading Part A' : 'Reading Part A (reused)',
    extend: 'Writing Part B',
    other: 'Everything else',
  };
}

export function stepWords(step: number, last: number, token: string): string {
  return `Step ${step} of ${last}: ${token}`;
}

export function summaryWords(name: string, counts: Record<'A' | 'B', Counts>): string {
  const part = (what: string, { tokens, fewest, most }: Counts): string => {
    if (tokens === 0) return `The ${what} has no rows.`;
    const seen = fewest === most ? plural(most, 'token') : `from ${fewest} to ${plural(most, 'token')}`;
    return `${plural(tokens, 'row')} of the ${what}, seeing ${seen}.`;
  };
  const all = counts.A.tokens + counts.B.tokens;
  return `${name}: ${plural(all, 'row')} in all. ${part('passage', counts.A)} ${part('span', counts.B)}`;
}

export function cellWords(row: string, column: string, sees: boolean): string {
  return `${row} ${sees ? 'sees' : 'does not see'} ${column}.`;
}

export function degreeWords(sees: number, seenBy: number, all: number): string {
  return `Sees ${sees} of ${all} tokens, is seen by ${seenBy}.`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
