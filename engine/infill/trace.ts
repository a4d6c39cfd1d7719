/**
 * What was computed for a fill, as plain data for the Lens and for `cloze fill --json`: made from the rows that the
 * model was fed and the probabilities it gave, never from what ought to have happened.
 */

import { layoutTokenNames, specialTokenNames } from '../tokenizer/layout.ts';
import { endTokens, type SpecialTokens, type Tokenizer } from '../tokenizer/tokenizer.ts';
import type { Fill, FilledToken } from './fill.ts';
import type { RecordedRow, SessionRecord } from './recorder.ts';

export interface TracedToken {
  id: number;
  /** Its bytes as text; part of a character shows as U+FFFD, a special token as nothing. */
  text: string;
  /** For special tokens: the name, e.g. `<|startofpiece|>`. */
  special?: string;
}

export interface PartAToken extends TracedToken {
  position: number;
  blockPosition: number;
}

/** A token that was probable at the step at which another was taken. */
export interface Rival extends TracedToken {
  /** Natural logarithm of its probability among all tokens, at temperature 1: as the taken token has it. */
  logProbability: number;
  /** The part of that probability that came from the document cache. */
  fromDocument?: number;
}

export interface PartBToken extends TracedToken {
  /** Index in Part A of the mask of its blank. */
  blank: number;
  /**
   * `start`: `sop`, which is given. `forced`: the user typed all of it. `cut`: what was read in place of a predicted token
   * that a limit had cut.
   */
  origin: 'start' | 'forced' | 'predicted' | 'cut';
  /** Of a predicted token, how many bytes at its start the user had typed. */
  forcedBytes?: number;
  /**
   * Where its keys and values came from: `fed` for this fill; `held` in the session since an earlier one; `unfed` for
   * the token at which a span ended, which was chosen but never read.
   */
  row: 'fed' | 'held' | 'unfed';
  /** Absent for `unfed`. */
  position?: number;
  blockPosition?: number;
  /**
   * Natural logarithm of the probability it was chosen with, the document cache included; of one that was typed, the
   * network's alone. Absent for `start` and `cut`.
   */
  logProbability?: number;
  /** The part of that probability that came from the document cache. */
  fromDocument?: number;
  /** Share of all probability at its step that the document cache gave out; absent where it had nothing to say. */
  trust?: number;
  /** The most probable other tokens at its step, best first; absent where nobody had asked when it was computed. */
  rivals?: Rival[];
  /** True for the `eop` that ends the span. */
  ends?: true;
}

/** How one span came out. */
export interface TracedSpan {
  /** Index in Part A of the mask of its blank. */
  blank: number;
  /** The span without its forced part. */
  text: string;
  /** Why it ended: a `FinishReason` of `fill.ts`. */
  finish: string;
  confidence: number;
}

/** The format changes only together with its number. */
export interface FillTrace {
  format: 1;
  model: string;
  device: string;
  partA: PartAToken[];
  partB: PartBToken[];
  /** Tokens of Part A: row i sees column j where j < separator or j <= i (`objective/visibility.ts`). */
  separator: number;
  /** Of a causal model, whose Part A is its prompt: row i sees column j where j <= i. */
  causal?: true;
  /** In the order of Part B. */
  spans: TracedSpan[];
  /** Whether Part A was read for this fill or kept from an earlier one. */
  partARead: 'now' | 'earlier';
  /** Milliseconds. */
  timings: Fill['timings'];
}

export interface TraceParts {
  model: string;
  tokenizer: Tokenizer;
  /** The model knows no masks: there is one span, after its prompt. */
  causal: boolean;
  record: SessionRecord;
  /** The turn of the fill: rows of earlier turns were held. */
  turn: number;
  /** What the fill says of its spans, in the order of Part B. */
  spans: readonly (Omit<TracedSpan, 'blank'> & { tokens: readonly FilledToken[] })[];
  timings: Fill['timings'];
  device: string;
  /** Most rivals of each token. */
  rivals: number;
}

/** Throws when the spans are not those that were recorded. */
export function traceOf({
  model,
  tokenizer,
  causal,
  record,
  turn,
  spans,
  timings,
  device,
  rivals,
}: TraceParts): FillTrace {
  const { special } = tokenizer;
  const names = specialNames(special);
  const name = (id: number): TracedToken => {
    const shown = names.get(id) ?? (tokenizer.bytes(id).length === 0 ? `#${id}` : undefined);
    return { id, text: tokenizer.decode([id]), ...(shown === undefined ? {} : { special: shown }) };
  };
  const { tokens, positions, blockPositions } = record.partA;
  const partA = Array.from(tokens, (id, index) => ({
    ...name(id),
    position: positions[index] as number,
    blockPosition: blockPositions[index] as number,
  }));

  /** A token of a span; `before` is the row that predicted it. */
  const token = (blank: number, chosen: Chosen, row?: RecordedRow, before?: RecordedRow): PartBToken => {
    const id = row?.token ?? (chosen as FilledToken).id;
    const others = (typeof chosen === 'string' ? undefined : chosen.rivals) ?? before?.next;
    const named = others?.filter((other) => other.id !== id).slice(0, rivals);
    return {
      ...name(id),
      blank,
      row: row === undefined ? 'unfed' : row.turn < turn ? 'held' : 'fed',
      ...(row && { position: row.position, blockPosition: row.blockPosition }),
      ...originOf(chosen, special),
      ...(named && { rivals: named.map((other) => ({ ...other, ...name(other.id) })) }),
    };
  };

  const rows = causal ? [record.partB] : rowsOfSpans(record.partB, special.sop);
  if (rows.length !== spans.length) {
    throw new Error(`The trace of another fill: Part B has ${rows.length} spans, not ${spans.length}.`);
  }
  const blanks = rows.map((own) => blankOf(own, record, special));
  const partB = rows.flatMap((own, span) => {
    const chosen = spans[span]?.tokens ?? [];
    const blank = blanks[span] as number;
    let read = 0;
    while (read < chosen.length && own[read + 1]?.token === chosen[read]?.id) read++;
    return [
      token(blank, 'start', own[0]),
      ...chosen.slice(0, read).map((each, index) => token(blank, each, own[index + 1], own[index])),
      ...chosen.slice(read).map((each, index) => token(blank, each, undefined, index === 0 ? own[read] : undefined)),
      ...own.slice(read + 1).map((row) => token(blank, 'cut', row)),
    ];
  });

  return {
    format: 1,
    model,
    device,
    partA,
    partB,
    separator: partA.length,
    ...(causal ? { causal: true as const } : {}),
    spans: spans.map(({ text, finish, confidence }, span) => ({
      blank: blanks[span] as number,
      text,
      finish,
      confidence,
    })),
    partARead: record.readTurn === turn ? 'now' : 'earlier',
    timings,
  };
}

type Chosen = FilledToken | 'start' | 'cut';

function originOf(chosen: Chosen, special: SpecialTokens) {
  if (typeof chosen === 'string') return { origin: chosen };
  const { id, forced, forcedBytes, logProbability, fromDocument, trust } = chosen;
  return {
    origin: forced ? ('forced' as const) : ('predicted' as const),
    ...(forcedBytes === undefined ? {} : { forcedBytes }),
    logProbability,
    ...(fromDocument === undefined ? {} : { fromDocument }),
    ...(trust === undefined ? {} : { trust }),
    ...(endTokens(special).includes(id) ? { ends: true as const } : {}),
  };
}

/** Every span begins with its own `sop`, which text never yields. */
function rowsOfSpans(rows: readonly RecordedRow[], sop: number): RecordedRow[][] {
  const spans: RecordedRow[][] = [];
  for (const row of rows) {
    if (row.token === sop) spans.push([row]);
    else spans.at(-1)?.push(row);
  }
  return spans;
}

/** Spans stand at their mask's position, or count on from Part A, which then has one mask. */
function blankOf([start]: readonly RecordedRow[], { partA }: SessionRecord, special: SpecialTokens): number {
  const kinds = [special.mask, special.sentenceMask, special.documentMask];
  const masks = Array.from(partA.tokens.keys()).filter((index) => kinds.includes(partA.tokens[index] as number));
  const position = start?.position as number;
  return masks.includes(position) ? position : (masks[0] ?? partA.tokens.length - 1);
}

function specialNames(special: SpecialTokens): Map<number, string> {
  const shown: Record<string, string> = { ...specialTokenNames, ...layoutTokenNames };
  const { turns = [], thoughts = [], ...single } = special;
  const names = new Map<number, string>(turns.map((id) => [id, '<|turn|>']));
  for (const [index, id] of thoughts.entries()) names.set(id, index === 0 ? '<think>' : '</think>');
  for (const [key, id] of Object.entries(single)) names.set(id, shown[key] ?? key);
  return names;
}
