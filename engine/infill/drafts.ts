/**
 * Drafts: what followed the last tokens where they last stood in the passage is likely to follow them again. The guessed
 * tokens pass the weights in the same step as the token before them; those that are then drawn need no step of their own, so
 * that the text stays the same and only time is won (Saxena 2023, prompt lookup decoding; exact as in Leviathan et al. 2023,
 * arXiv 2211.17192, with a guess in place of a small model).
 */

/** Tokens guessed at a time: with the one before them they fill a block of the kernels. */
export const MOST_GUESSED = 3;
/** Tokens that must agree before a place; the more agree, the likelier. */
const LONGEST = 4;
const SHORTEST = 2;

/** The tokens of Part A on either side of a blank. */
export interface Surroundings {
  before: Int32Array;
  after: Int32Array;
}

/** What may come after a span's tokens; empty where nothing like them stands in the passage. */
export function guessNext({ before, after }: Surroundings, span: readonly number[]): number[] {
  const end = before.length + span.length;
  const length = end + after.length;
  const at = (index: number): number =>
    (index < before.length ? before[index] : index < end ? span[index - before.length] : after[index - end]) as number;
  let [best, place] = [SHORTEST - 1, -1];
  // From the blank backwards, then what follows it: of places that agree as far the first is taken.
  for (let step = 1; step < length && best < LONGEST; step++) {
    const candidate = step < end ? end - step : step;
    if (candidate === end) continue;
    let agree = 0;
    // What follows the blank does not continue what is before it.
    const least = candidate > end ? end : 0;
    while (agree < LONGEST && candidate - agree > least && at(candidate - 1 - agree) === at(end - 1 - agree)) agree++;
    if (agree > best) [best, place] = [agree, candidate];
  }
  if (place < 0) return [];
  const limit = Math.min(place + MOST_GUESSED, place < end ? end : length);
  return Array.from({ length: limit - place }, (_, index) => at(place + index));
}
