/** Every sentence of the page, in one place. What is said of a paradigm follows from its definition; nothing is measured. */
import type { Paradigm } from '../../engine/objective/paradigms.ts';
import type { FillTrace, PartBToken } from '../../language-server/protocol.ts';
import { t } from '../l10n.ts';
import { visibleName } from './token-text.ts';
import type { Counts, Place } from './view.ts';

export const words = {
  title: t('Cloze Lens'),
  empty: t('Nothing has been completed yet. Put the cursor into a file and type: the fill appears here.'),
  copy: t('Copy as JSON'),
  save: t('Save as SVG'),
  keep: t('Keep this fill'),
  noRivals: t('Rivals are noted while the Lens is open; this token was computed before.'),
  generation: t('Generation'),
  step: t('Step'),
  previous: t('Previous step'),
  next: t('Next step'),
  partA: t('Part A: the passage'),
  partALegend: t(
    'Under each token: position and block position. Struck through: not seen where the selected token is predicted.',
  ),
  partB: t('Part B: the spans'),
  partBLegend: t('Under each token: position and block position, probability, where it came from.'),
  token: t('Token'),
  rivals: t('Probable tokens at this step'),
  matrix: t('Who sees whom'),
  matrixLabel: t(
    'Visibility matrix: rows see columns. Arrow keys move, plus and minus zoom, 0 fits, Enter selects the row.',
  ),
  asSeenBy: t('The same passage as seen by'),
  zoomIn: t('Zoom in'),
  zoomOut: t('Zoom out'),
  fit: t('Fit'),
  toSpan: t('Zoom to the span'),
  time: t('Time'),
  stage: t('Stage'),
  duration: t('Duration'),
  probability: t('Probability'),
  document: t('Document'),
  networkAlone: t("The figures are the network's alone: no like place of the document was heard at this step."),
  typed: t('It was typed, not chosen: the figures say how probable it was.'),
  chosen: t('chosen'),
} as const;

export const paradigmNames: Record<Paradigm, string> = {
  glm: 'GLM',
  bert: 'BERT',
  gpt: 'GPT',
  'prefix-lm': t('Prefix LM'),
  'encoder-decoder': t('Encoder-decoder'),
};

const paradigmWords: Record<Paradigm, string> = {
  glm: t(
    'What was computed: the passage is read in both directions on either side of the blank, and the span is written token by token until the model ends it with eop or a limit is reached.',
  ),
  bert: t(
    'It could read both sides of the cursor, but a mask stands for one token: the length of the span would have to be known beforehand, and its tokens would be predicted without knowing each other.',
  ),
  gpt: t(
    'It could write a span of any length token by token, but each token sees only what comes before it: the text after the cursor could not guide the span.',
  ),
  'prefix-lm': t(
    'It could read the text before the cursor in both directions and write a span of any length, but the text after the cursor is no part of its prefix and could not guide the span.',
  ),
  'encoder-decoder': t(
    'It could read both sides of the cursor and write a span of any length, as here, but in two stacks with weights of their own: the encoder reads, and the decoder sees what it read by cross-attention.',
  ),
};

const causalWords = t(
  'What was computed: this model is causal. It reads its prompt from left to right, each token seeing only those before it, and writes the span after it, token by token.',
);

/** What a paradigm could and could not do, in general and with this blank. */
export function paradigmSentence(paradigm: Paradigm, trace: FillTrace, place: Place): string {
  if (!trace.causal) return joined(paradigmWords[paradigm], atCursorWords(paradigm, place));
  return paradigm === 'glm' ? causalWords : paradigmWords[paradigm];
}

function atCursorWords(paradigm: Paradigm, { before, after, span }: Place): string {
  switch (paradigm) {
    case 'glm':
      return t(
        'Here each step of the span had {0} before the blank and {1} after it in view.',
        tokens(before),
        tokens(after),
      );
    case 'bert':
      return t('Here the span was {0} long: as many masks would have had to stand at the cursor.', tokens(span));
    case 'gpt':
      return t(
        'Here {0} after the cursor would be out of view; {1} before it would be read from left to right.',
        tokens(after),
        tokens(before),
      );
    case 'prefix-lm':
      return t(
        'Here {0} after the cursor would be out of view; {1} before it would be read in both directions.',
        tokens(after),
        tokens(before),
      );
    case 'encoder-decoder':
      return t(
        'Here the encoder would read {0} around the blank, and the decoder would write {1}.',
        tokens(before + after),
        tokens(span),
      );
  }
}

export const originWords: Record<PartBToken['origin'], string> = {
  start: t('start of the span'),
  forced: t('forced'),
  predicted: t('predicted'),
  cut: t('left of a token that a limit cut'),
};

export const rowWords: Record<PartBToken['row'], string> = {
  fed: t('computed for this fill'),
  held: t('cached from an earlier fill'),
  unfed: t('chosen last, never read'),
};

/** One word each for the chips. */
export const rowLabels: Record<PartBToken['row'], string> = { fed: '', held: t('cached'), unfed: t('not read') };

const finishes: Readonly<Record<string, string>> = {
  eop: t('the model ended the span (eop)'),
  line: t('the line ended'),
  length: t('the limit of tokens was reached'),
  time: t('the time limit was reached'),
  capacity: t('the model can hold no more'),
  kept: t('the span was given'),
};

function finishWords({ spans }: FillTrace): string {
  return spans.map(({ finish }) => finishes[finish] ?? visibleName(finish)).join('; ');
}

export function headWords(trace: FillTrace): string {
  return `${visibleName(trace.model)} · ${visibleName(trace.device)} · ${finishWords(trace)}`;
}

export function spanOrderWords({ spans }: FillTrace): string {
  const places = spans.map(({ blank }) => t('the blank at {0}', blank)).join(t(', then '));
  const count = spans.length === 1 ? t('Part A has {0} blank.', 1) : t('Part A has {0} blanks.', spans.length);
  return joined(t('Order of the spans in Part B: {0}.', places), count);
}

export function readWords({ partARead, partB, separator }: FillTrace): string {
  const held = partB.filter(({ row }) => row === 'held').length;
  const fed = partB.filter(({ row }) => row !== 'unfed').length;
  const read =
    partARead === 'now'
      ? t('Part A was read for this fill: {0}.', tokens(separator))
      : t('Part A was kept from an earlier fill: none of its {0} was read again.', tokens(separator));
  return joined(read, t('{0} of {1} of Part B came from the cache.', held, rows(fed)));
}

export function stageWords({ partARead }: FillTrace): Record<'tokenize' | 'read' | 'extend' | 'other', string> {
  return {
    tokenize: t('Text to tokens'),
    read: partARead === 'now' ? t('Reading Part A') : t('Reading Part A (reused)'),
    extend: t('Writing Part B'),
    other: t('Everything else'),
  };
}

export function totalWords(time: string): string {
  return t('{0} in all', time);
}

export function stepWords(step: number, last: number, token: string): string {
  return t('Step {0} of {1}: {2}', step, last, token);
}

export function summaryWords(name: string, counts: Record<'A' | 'B', Counts>): string {
  const seen = ({ fewest, most }: Counts) =>
    fewest === most ? tokens(most) : t('from {0} to {1}', fewest, tokens(most));
  const { A, B } = counts;
  const passage =
    A.tokens === 0 ? t('The passage has no rows.') : t('{0} of the passage, seeing {1}.', rows(A.tokens), seen(A));
  const span = B.tokens === 0 ? t('The span has no rows.') : t('{0} of the span, seeing {1}.', rows(B.tokens), seen(B));
  return joined(t('{0}: {1} in all.', name, rows(A.tokens + B.tokens)), passage, span);
}

/** Rows and columns of the matrix by their numbers and tokens. */
export function cellWords(row: [number, string], column: [number, string], sees: boolean): string {
  return sees
    ? t('Row {0} ({1}) sees column {2} ({3}).', ...row, ...column)
    : t('Row {0} ({1}) does not see column {2} ({3}).', ...row, ...column);
}

export function degreeWords(sees: number, seenBy: number, all: number): string {
  return t('Sees {0} of {1} tokens, is seen by {2}.', sees, all, seenBy);
}

/** What the colours of the matrix stand for. */
export const seeingWords = {
  aa: t('Part A sees Part A'),
  ba: t('Part B sees Part A'),
  bb: t('Part B sees Part B'),
};

export function placeWords(part: 'A' | 'B', index: number): string {
  return part === 'A' ? t('Part A, token {0}', index) : t('Part B, token {0}', index);
}

export function idWords(id: number): string {
  return t('id {0}', id);
}

export function positionWords(position: number, blockPosition: number | undefined): string {
  return t('position {0}, block position {1}', position, blockPosition ?? 0);
}

export function probabilityWords(share: string): string {
  return t('probability {0}', share);
}

export function typedBytesWords(bytes: number): string {
  return bytes === 1 ? t('its first byte was typed') : t('its first {0} bytes were typed', bytes);
}

/** The row from which a token without a row of its own was predicted. */
export function noRowWords(from: number | undefined): string {
  return from === undefined ? t('It has no row here.') : t('It has no row here; it was predicted from row {0}.', from);
}

/** Of a chip: short. */
export function originLabel(origin: PartBToken['origin'], forcedBytes: number | undefined): string {
  const label = originLabels[origin];
  if (forcedBytes === undefined) return label;
  return forcedBytes === 1 ? t('{0}, {1} byte typed', label, 1) : t('{0}, {1} bytes typed', label, forcedBytes);
}

const originLabels: Record<PartBToken['origin'], string> = {
  start: t('given'),
  forced: t('forced'),
  predicted: t('predicted'),
  cut: t('cut'),
};

/** Sentences after each other; Chinese ones stand without a space between them. */
export function joined(...sentences: string[]): string {
  return sentences.reduce((before, next) => t('{0} {1}', before, next));
}

function tokens(count: number): string {
  return count === 1 ? t('{0} token', count) : t('{0} tokens', count);
}

function rows(count: number): string {
  return count === 1 ? t('{0} row', count) : t('{0} rows', count);
}

/** Of a probability. */
export function documentPartWords(share: string): string {
  return t('{0} of it from the document', share);
}

/** Of a step at which the document cache was listened to. */
export function trustWords(share: string): string {
  return t(
    "At this step {0} of all probability goes to what stands at like places of the document, the rest is given out by the network. The striped end of a bar, and its column, are the document's part.",
    share,
  );
}
