/**
 * The layout of Part A, on token level: `[CLS]`, each neighbour as `<|neighbour|>` path `<|code|>` text, then `<|path|>`
 * path `<|code|>` before, the blank, after, and `<|endoftext|>` where the window reaches the end of the document.
 * Training and inference both build their passages here. The language is told by the path alone.
 */
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { Neighbour, Passage } from './fill.ts';

/** What `passageTokens` needs of a passage. */
export type PassageText = Pick<Passage, 'path' | 'before' | 'after' | 'neighbours' | 'reachesEnd' | 'beforeShare'>;

/** Part A without its mask. */
export interface PassageTokens {
  text: number[];
  /** Index in `text` before which the mask goes. */
  blank: number;
}

/** What `blanksTokens` needs: the text around and between blanks, one more than there are blanks. */
export type BlanksText = Pick<Passage, 'path' | 'neighbours' | 'reachesEnd' | 'beforeShare'> & {
  texts: readonly string[];
};

/** Part A without its masks. */
export interface BlanksTokens {
  text: number[];
  /** Indices in `text` before which the masks go. */
  blanks: number[];
}

/** Share of the budget that goes to the text before the blank when both sides are longer than their share. */
const BEFORE_SHARE = 0.6;
/** Share of the room that text between blanks may take where there is enough outside them to fill the rest. */
const BETWEEN_SHARE = 0.7;
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
  const { before, after, ...rest } = passage;
  const { text, blanks } = blanksTokens(tokenizer, { ...rest, texts: [before, after] }, budget);
  return { text, blank: blanks[0] as number };
}

/**
 * The same for several blanks. What stands between two of them is kept and the text outside is cut; only where blanks
 * lie too far apart are the longest stretches between them cut as well, in their middle.
 */
export function blanksTokens(tokenizer: Tokenizer, passage: BlanksText, budget: number): BlanksTokens {
  const { texts } = passage;
  const { enc, eos } = tokenizer.special;
  const named = headerTokens(tokenizer, passage.path);
  const header = named.length <= budget * HEADER_SHARE ? named : [];
  const [first, masks, last] = [1, texts.length - 1, 1];
  const room = Math.max(0, budget - header.length - first - masks - last);

  const characters = room * CHARACTERS_PER_TOKEN;
  const textBefore = texts[0] as string;
  const textAfter = texts.at(-1) as string;
  const allBefore = tokenizer.encode(textBefore.slice(Math.max(0, textBefore.length - characters)));
  const allAfter = tokenizer.encode(textAfter.slice(0, characters));
  const most = Math.max(Math.floor(room * BETWEEN_SHARE), room - allBefore.length - allAfter.length);
  const between = betweenTokens(tokenizer, texts.slice(1, -1), most, characters);

  const outside = between.reduce((rest, { length }) => rest - length, room);
  const least = Math.floor(outside * (passage.beforeShare ?? BEFORE_SHARE));
  const before = lastLines(tokenizer, allBefore, Math.min(outside, Math.max(least, outside - allAfter.length)));
  const after = firstLines(tokenizer, allAfter, outside - before.length);

  const whole = after.length === allAfter.length && textAfter.length <= characters;
  const left = outside - before.length - after.length;
  const neighbours = neighbourTokens(
    tokenizer,
    passage.neighbours,
    Math.min(left, Math.floor(budget * NEIGHBOUR_SHARE)),
  );
  const text = [...(enc === undefined ? [] : [enc]), ...neighbours, ...header, ...before];
  const blanks = [text.length];
  for (const stretch of between) {
    text.push(...stretch);
    blanks.push(text.length);
  }
  text.push(...after);
  if (whole && enc !== undefined && passage.reachesEnd !== false) text.push(eos);
  return { text, blanks };
}

/** The texts between blanks as tokens, `limit` of them at most, the longest ones cut in their middle. */
function betweenTokens(tokenizer: Tokenizer, texts: readonly string[], limit: number, characters: number): number[][] {
  const stretches = texts.map((text) => {
    if (text.length <= 2 * characters) return tokenizer.encode(text);
    return [...tokenizer.encode(text.slice(0, characters)), ...tokenizer.encode(text.slice(text.length - characters))];
  });
  const share = fairShare(
    stretches.map(({ length }) => length),
    limit,
  );
  return stretches.map((tokens) => {
    if (tokens.length <= share) return tokens;
    const end = lastLines(tokenizer, tokens, Math.floor(share * BEFORE_SHARE));
    return [...firstLines(tokenizer, tokens, share - end.length), ...end];
  });
}

/** The largest share that, with every length cut to it, keeps their sum within `limit`. */
function fairShare(lengths: readonly number[], limit: number): number {
  let rest = limit;
  for (const [index, length] of lengths.toSorted((a, b) => a - b).entries()) {
    const share = Math.floor(rest / (lengths.length - index));
    if (length > share) return share;
    rest -= length;
  }
  return Number.POSITIVE_INFINITY;
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
