/** The text that the engine reads around a blank, bounded so that a long document costs no more than a short one. */
import type { Neighbour } from '../../engine/infill/fill.ts';
import { type Anchor, blankOpening } from './anchor.ts';
import type { Place } from './place.ts';

/** Upper bound of what a token of source text holds on average; the engine cuts to its budget exactly. */
const CHARACTERS_PER_TOKEN = 6;

/** Characters on either side of the cursor that can reach the model. */
export function reachOf(contextTokens: number): number {
  return contextTokens * CHARACTERS_PER_TOKEN;
}

/** Opens a blank at the place: Part A is what stands around the word at the cursor. */
export function openBlank(place: Place, path: string, neighbours: Neighbour[], contextTokens: number): Anchor {
  const start = place.before.length - blankOpening(place.left);
  const before = place.before.slice(0, start);
  const reach = reachOf(contextTokens);
  return {
    uri: place.uri,
    before,
    after: place.after,
    passage: {
      path,
      languageId: place.languageId,
      before: lastLines(before, reach),
      after: place.after.slice(0, reach),
      reachesEnd: place.after.length <= reach,
      neighbours,
      kind: 'sentence',
    },
  };
}

/** The end of a text, from the start of a line where it must be cut. */
export function lastLines(text: string, reach: number): string {
  if (text.length <= reach) return text;
  const end = text.slice(-reach);
  return end.slice(end.indexOf('\n') + 1);
}
