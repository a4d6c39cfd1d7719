/**
 * A text with several blanks, and the order in which they are filled. All spans share one Part A; each sees the spans
 * before it in Part B. Training shuffles the spans, so every order is one that the model knows.
 */
import type { Fill, FilledToken, FinishReason, Passage } from './fill.ts';

/**
 * `open`: to be filled. `edited`: the user is typing in it; it is filled as well. `kept`: its whole span is given, and the
 * others are filled around it.
 */
export type BlankState = 'open' | 'edited' | 'kept';

export interface Blank {
  state: BlankState;
  /** What the span begins with, matched in bytes; for a kept blank the whole span. */
  forced: string;
  /** Most lines of its span; those of the options when left out. */
  lines?: number;
}

/** The text around several blanks, in the order of the text; the engine cuts it to its token budget. */
export interface BlanksPassage extends Pick<Passage, 'path' | 'languageId' | 'neighbours' | 'kind' | 'reachesEnd'> {
  /** Text before the first blank, between each two, and after the last: one more than there are blanks. */
  texts: readonly string[];
  blanks: readonly Blank[];
  /** Which of the open blanks come first; `text` when left out. */
  order?: FillOrder;
}

/**
 * `text`: as they stand. `certain`: those of which the model is surest, as each is filled alone, so that the others see what
 * is likely to be right; this takes a draft of each, about twice the time.
 */
export type FillOrder = 'text' | 'certain';

export interface FilledBlank {
  /** The span without its forced part; empty for a kept blank. */
  text: string;
  /** As in `Fill`; all of a kept blank's tokens are forced. */
  tokens: FilledToken[];
  finish: FinishReason | 'kept';
  /** As in `Fill`; 1 for a kept blank. */
  confidence: number;
}

export interface BlanksFill extends Pick<Fill, 'timings' | 'partA' | 'partB' | 'device'> {
  /** One for each blank, in the order of the text. */
  blanks: FilledBlank[];
  /** Indices of the blanks in the order in which they were fed or filled. */
  order: number[];
  /** Each was filled apart, by a causal model, instead of all through one Part A; set only where there are several. */
  oneByOne?: true;
}

const turn: Record<BlankState, number> = { kept: 0, open: 1, edited: 2 };

/**
 * Kept blanks first, so that all others see them; an edited one last, so that it sees all others; else those with the
 * highest confidence first where drafts have any, and text order.
 */
export function fillOrder(
  blanks: readonly Pick<Blank, 'state'>[],
  drafts: ReadonlyMap<number, Pick<FilledBlank, 'confidence'>> = new Map(),
): number[] {
  const turnOf = (index: number) => turn[(blanks[index] as Blank).state];
  const sureOf = (index: number) => drafts.get(index)?.confidence ?? 0;
  return blanks.map((_, index) => index).sort((a, b) => turnOf(a) - turnOf(b) || sureOf(b) - sureOf(a) || a - b);
}

/** The open blanks of which drafts are needed to know their order. */
export function draftedFirst({
  blanks,
  order,
}: Pick<BlanksPassage, 'order'> & { blanks: readonly Pick<Blank, 'state'>[] }): number[] {
  const open = blanks.flatMap(({ state }, index) => (state === 'open' ? [index] : []));
  return order === 'certain' && open.length > 1 ? open : [];
}
