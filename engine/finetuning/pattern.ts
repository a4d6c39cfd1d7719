/**
 * Patterns of PET (arXiv 2001.07676) as GLM 2021 has them (tasks/superglue/pvp.py): one or two texts with fields of the
 * example and one blank. `{name}` is a field, `{name~}` one that may be shortened, `{mask}` the blank, `{{` and `}}` are
 * braces; `{#path}`, `{#code}`, `{#neighbour}` and `{#instruction}` are the tokens of a header as pretraining and editor
 * have it (infill/passage.ts). A space before a field belongs to it, as word-wise tokenizers want it; pieces are encoded
 * apart.
 */

import { maskToken } from '../infill/open-blank.ts';
import type { GlmConfig } from '../model/config.ts';
import { type BlankKind, blankInfilling, type InfillingSample, spanPositions } from '../objective/blank-infilling.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

export type Piece =
  | { kind: 'text'; text: string }
  | { kind: 'field'; name: string; shortenable: boolean; space: boolean }
  | { kind: 'header'; name: HeaderToken }
  | { kind: 'mask' };

const HEADER_TOKENS = ['path', 'neighbour', 'code', 'instruction'] as const;
type HeaderToken = (typeof HEADER_TOKENS)[number];

/** The sides of a pattern, one or two: when it is too long, the longer one is shortened. */
export type Pattern = readonly (readonly Piece[])[];

const MASK = 'mask';
/** Stands for a label's verbalizer where a field of the example fills the blank. */
export const LABEL = '{label}';

export function withLabel(texts: readonly string[], verbalizer: string): string[] {
  return texts.map((text) => text.replaceAll(LABEL, () => verbalizer));
}

/** `where` names the pattern in errors. A pattern for a blank has exactly one `{mask}`, one for a head has none. */
export function parsePattern(texts: readonly string[], where: string, masks: 0 | 1): Pattern {
  if (texts.length < 1 || texts.length > 2) throw new Error(`${where} has ${texts.length} sides; it takes one or two.`);
  const sides = texts.map((text) => parseSide(text, where));
  const found = sides.flat().filter(({ kind }) => kind === 'mask').length;
  if (found !== masks) {
    throw new Error(`${where} has ${found} blanks, written {mask}; it takes ${masks === 1 ? 'exactly one' : 'none'}.`);
  }
  return sides;
}

function parseSide(text: string, where: string): Piece[] {
  const pieces: Piece[] = [];
  let literal = '';
  const flush = () => {
    if (literal !== '') pieces.push({ kind: 'text', text: literal });
    literal = '';
  };
  for (const [whole, token, name, shortenable] of text.matchAll(/\{\{|\}\}|\{#(\w+)\}|\{(\w+)(~?)\}|[^{}]+|[{}]/gs)) {
    if (whole === '{{' || whole === '}}') literal += whole[0];
    else if (token !== undefined) {
      const known = HEADER_TOKENS.find((own) => own === token);
      if (!known) throw new Error(`${where} has ${whole}; there are {#${HEADER_TOKENS.join('}, {#')}}.`);
      flush();
      pieces.push({ kind: 'header', name: known });
    } else if (name !== undefined) {
      const space = name !== MASK && literal.endsWith(' ');
      if (space) literal = literal.slice(0, -1);
      flush();
      pieces.push(name === MASK ? { kind: 'mask' } : { kind: 'field', name, shortenable: shortenable === '~', space });
    } else if (whole === '{' || whole === '}') {
      throw new Error(
        `${where} has a single brace in ${JSON.stringify(text)}: write {field}, {field~}, {mask}, or {{ and }} for braces.`,
      );
    } else literal += whole;
  }
  flush();
  return pieces;
}

/** Names of the fields that a pattern asks for. */
export function fieldsOf(pattern: Pattern): string[] {
  return pattern.flat().flatMap((piece) => (piece.kind === 'field' ? [piece.name] : []));
}

/** A filled pattern as tokens, `[CLS]` before and `eos` after it where the tokenizer has them. */
export interface FilledPattern {
  tokens: number[];
  /** Index in `tokens` before which the mask goes; undefined in a pattern without a blank. */
  blank: number | undefined;
}

/** Fills a pattern within `limit` tokens, its mask included. Throws where it cannot be shortened so far. */
export function fillPattern(
  tokenizer: Tokenizer,
  pattern: Pattern,
  fields: Readonly<Record<string, string>>,
  limit: number,
): FilledPattern {
  const sides = pattern.map((pieces) =>
    pieces.map((piece) => {
      if (piece.kind === 'mask') return { tokens: [], shortenable: false, mask: true };
      if (piece.kind === 'header') {
        const token = tokenizer.special[piece.name];
        if (token === undefined) {
          throw new Error(`The pattern has {#${piece.name}}, but the model's vocabulary has no such token.`);
        }
        return { tokens: [token], shortenable: false, mask: false };
      }
      if (piece.kind === 'text') return { tokens: tokenizer.encode(piece.text), shortenable: false, mask: false };
      const value = fields[piece.name];
      if (value === undefined) throw new Error(`The example has no field "${piece.name}", which the pattern asks for.`);
      const text = piece.space ? ` ${value}` : value;
      return { tokens: tokenizer.encode(text), shortenable: piece.shortenable, mask: false };
    }),
  );
  const { enc, eos } = tokenizer.special;
  const length = (side: (typeof sides)[number], every = true) =>
    side.reduce(
      (sum, { tokens, shortenable, mask }) => sum + (every || shortenable ? tokens.length + Number(mask) : 0),
      0,
    );
  let excess = sides.reduce((sum, side) => sum + length(side), enc === undefined ? 0 : 2) - limit;
  for (; excess > 0; excess--) {
    const [first, second = []] = sides as [(typeof sides)[number], (typeof sides)[number]?];
    const longer = length(first, false) > length(second, false) ? first : second;
    const last = (longer.length > 0 ? longer : first).findLast(
      ({ tokens, shortenable }) => shortenable && tokens.length > 0,
    );
    if (!last)
      throw new Error(
        `A filled pattern is ${excess} tokens too long for ${limit}: mark a field as shortenable with {field~}.`,
      );
    last.tokens.pop();
  }
  const tokens = enc === undefined ? [] : [enc];
  let blank: number | undefined;
  for (const piece of sides.flat()) {
    if (piece.mask) blank = tokens.length;
    tokens.push(...piece.tokens);
  }
  if (enc !== undefined) tokens.push(eos);
  return { tokens, blank };
}

/** The sample of a filled pattern whose span is `answer`; an empty one leaves `sop` alone in Part B. */
export function answeredSample(
  tokenizer: Tokenizer,
  positions: GlmConfig['positions'],
  { tokens, blank }: FilledPattern,
  answer: readonly number[],
  kind: BlankKind,
): InfillingSample {
  const at = blank as number;
  const { special } = tokenizer;
  const text = [...tokens.slice(0, at), ...answer, ...tokens.slice(at)];
  const ids = { mask: maskToken(special, kind), sop: special.sop, eop: special.eop };
  return blankInfilling(text, [{ start: at, end: at + answer.length }], ids, spanPositions(positions, kind));
}
