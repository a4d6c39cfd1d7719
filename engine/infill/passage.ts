/**
 * The layout of Part A, on token level: `[CLS]`, each neighbour as `<|neighbour|>` path `<|code|>` text, then `<|path|>`
 * path `<|code|>` before, the blank, after, and `<|endoftext|>` where the window reaches the end of the document.
 * Training and inference both build their passages here. The language is told by the path alone.
 */
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { Neighbour, Passage } from './fill.ts';

/** What `passageTokens` needs of a passage. */
export type PassageText = Pick<Passage, 'path' | 'before' | 'after' | 'neighbours' | 'reachesEnd'>;

/** Part A without its mask. */
export interface PassageTokens {
  text: number[];
  /** Index in `text` before which the mask goes. */
  blank: number;
}

/** Share of the budget that goes to the text before the blank when both sides are longer than their share. */
const BEFORE_SHARE = 0.6;
/** Largest share of the budget for neighbours. */
const NEIGHBOUR_SHARE = 0.25;
/** A header longer than this share of the budget is left out. */
const HEADER_SHARE = 0.25;
/** A neighbour cut to fewer tokens of text than this is left out. */
const LEAST_NEIGHBOUR = 16;
/** The end of a path tells more than its beginning. */
const LONGEST_PATH = 200;
/** Characters looked at for each token of the budget: code has 3 to 4 a token, so this loses nothing in practice. */
const CHARACTERS_PER_TOKEN = 6;

/** `<|path|>` path `<|code|>`, or nothing for a tokenizer without these tokens. */
export function headerTokens(tokenizer: Tokenizer, path: string): number[] {
  const { path: opening, code } = tokenizer.special;
  if (opening === undefined || code === undefined) return [];
  return [opening, ...tokenizer.encode(path.slice(-LONGEST_PATH)), code];
}

/**
 * Lays a passage out within `budget` tokens, the mask included. The text around the blank comes first: 60 % before, 40 %
 * after, what one side leaves going to the other, cut at line breaks. Neighbours share what is then left, at most 25 %
 * of the budget. The two sides are encoded apart, so a blank may begin or end within a word.
 */
export function passageTokens(tokenizer: Tokenizer, passage: PassageText, budget: number): PassageTokens {
  const { enc, eos } = tokenizer.special;
  const named = headerTokens(tokenizer, passage.path);
  const header = named.length <= budget * HEADER_SHARE ? named : [];
  const [first, mask, last] = [1, 1, 1];
  const room = Math.max(0, budget - header.length - first - mask - last);

  const characters = room * CHARACTERS_PER_TOKEN;
  const allBefore = tokenizer.encode(passage.before.slice(Math.max(0, passage.before.length - characters)));
  const allAfter = tokenizer.encode(passage.after.slice(0, characters));
  const least = Math.floor(room * BEFORE_SHARE);
  const before = lastLines(tokenizer, allBefore, Math.min(room, Math.max(least, room - allAfter.length)));
  const after = firstLines(tokenizer, allAfter, room - before.length);

  const whole = after.length === allAfter.length && passage.after.length <= characters;
  const left = room - before.length - after.length;
  const neighbours = neighbourTokens(
    tokenizer,
    passage.neighbours,
    Math.min(left, Math.floor(budget * NEIGHBOUR_SHARE)),
  );
  const text = [enc, ...neighbours, ...header, ...before];
  const blank = text.length;
  text.push(...after);
  if (whole && passage.reachesEnd !== false) text.push(eos);
  return { text, blank };
}

/** Neighbours in the order given, as long as they fit; the last one may be cut at a line break. */
export function neighbourTokens(tokenizer: Tokenizer, neighbours: readonly Neighbour[], budget: number): number[] {
  const { neighbour: opening, code } = tokenizer.special;
  const tokens: number[] = [];
  if (opening === undefined || code === undefined) return tokens;
  for (const { path, text } of neighbours) {
    const header = [opening, ...tokenizer.encode(path.slice(-LONGEST_PATH)), code];
    const room = budget - tokens.length - header.length;
    if (room < LEAST_NEIGHBOUR) break;
    tokens.push(...header);
    tokens.push(...firstLines(tokenizer, tokenizer.encode(text.slice(0, room * CHARACTERS_PER_TOKEN)), room));
  }
  return tokens;
}

/** The last lines that fit into `limit` tokens; within a line where whole lines would fill less than half of it. */
function lastLines(tokenizer: Tokenizer, tokens: number[], limit: number): number[] {
  if (tokens.length <= limit) return tokens;
  const hard = tokens.length - limit;
  for (let start = hard; start <= hard + limit / 2; start++) {
    if (isLineBreak(tokenizer, tokens[start - 1], tokens[start])) return tokens.slice(start);
  }
  return tokens.slice(hard);
}

function firstLines(tokenizer: Tokenizer, tokens: number[], limit: number): number[] {
  if (tokens.length <= limit) return tokens;
  for (let end = limit; end > 0 && end >= limit / 2; end--) {
    if (isLineBreak(tokenizer, tokens[end - 1], tokens[end])) return tokens.slice(0, end);
  }
  return tokens.slice(0, Math.max(0, limit));
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** A token may hold a line break together with the indentation after it: then the break counts as lying before it. */
function isLineBreak(tokenizer: Tokenizer, previous: number | undefined, next: number | undefined): boolean {
  if (previous === undefined || next === undefined) return false;
  const first = tokenizer.bytes(next)[0];
  return tokenizer.bytes(previous).at(-1) === LINE_FEED || first === LINE_FEED || first === CARRIAGE_RETURN;
}
