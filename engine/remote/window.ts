/** Cuts a passage to what a remote model should read, in characters: its tokenizer is not here. */
import type { Neighbour, Passage } from '../infill/fill.ts';

/** About 6,000 tokens of code, which every GLM since ChatGLM2 holds. */
const CHARACTERS = 24_000;
/** Code has 3 to 4 characters a token. */
const CHARACTERS_PER_TOKEN = 3.5;
/** As in the local layout: what comes before the blank tells more. */
const BEFORE_SHARE = 0.6;
const NEIGHBOUR_SHARE = 0.25;

export interface Window {
  before: string;
  after: string;
  neighbours: Neighbour[];
}

/** Each side is cut at a line break where one is near; neighbours share what is left, those in front first. */
export function windowOf(passage: Passage, contextTokens: number | undefined): Window {
  const room = contextTokens === undefined ? CHARACTERS : Math.floor(contextTokens * CHARACTERS_PER_TOKEN);
  const { before, after } = passage;
  const forBefore = Math.max(Math.floor(room * BEFORE_SHARE), room - after.length);
  const cutBefore = lastPart(before, Math.min(room, forBefore));
  const cutAfter = firstPart(after, room - cutBefore.length);
  let left = Math.min(room - cutBefore.length - cutAfter.length, Math.floor(room * NEIGHBOUR_SHARE));
  const neighbours: Neighbour[] = [];
  for (const { path, text } of passage.neighbours) {
    const cut = firstPart(text, left);
    if (cut === '') break;
    neighbours.push({ path, text: cut });
    left -= cut.length;
  }
  return { before: cutBefore, after: cutAfter, neighbours };
}

function lastPart(text: string, limit: number): string {
  if (text.length <= limit) return text;
  let start = text.length - limit;
  const line = text.indexOf('\n', start - 1) + 1;
  if (line > 0 && line <= start + limit / 2) start = line;
  else if (splitsPair(text, start)) start++;
  return text.slice(start);
}

function firstPart(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const line = text.lastIndexOf('\n', limit - 1) + 1;
  if (line > limit / 2) return text.slice(0, line);
  return text.slice(0, splitsPair(text, limit) ? limit - 1 : limit);
}

/** Whether `at` lies between the two halves of a surrogate pair. */
function splitsPair(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}
