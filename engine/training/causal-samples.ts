/**
 * Samples of the causal control: the windows of `samples.ts`, and its mixture with other means. An `[sMASK]` blank becomes
 * a middle of the same kind, a `[gMASK]` blank plain text from left to right, a `[MASK]` blank a middle between two
 * characters drawn at random, as in the paper. Half of the middles are PSM, half SPM.
 */

import type { InfillingSample } from '../objective/blank-infilling.ts';
import { type FimOrder, fillInTheMiddle, fimIds, leftToRight } from '../objective/fill-in-the-middle.ts';
import type { Random } from '../objective/random.ts';
import { type CharacterRange, codeBlanks } from './code-blanks.ts';
import { drawUntilFits, drawWindow, encodeAround, type SampleSource } from './samples.ts';

/** Draws one sample; throws when the corpus yields none. */
export function drawCausalSample(source: SampleSource, random: Random): InfillingSample {
  return drawUntilFits(source, () => trySample(source, random));
}

function trySample(source: SampleSource, random: Random): InfillingSample | undefined {
  const { tokenizer, recipe } = source;
  const window = drawWindow(source, random);
  if (!window) return undefined;
  const { head, body, tail } = window;
  const { sentence, document, token } = recipe.weights;
  const kind = random.weighted([sentence, document, token]);
  if (kind === 1) return leftToRight([...head, ...body, ...tail]);
  const text = tokenizer.decode(body);
  const range = kind === 0 ? codeBlanks(random, text, 1, 1)[0] : anyRange(random, text);
  if (!range) return undefined;
  const { tokens, spans } = encodeAround(tokenizer, text, [range]);
  const [span] = spans;
  if (!span) return undefined;
  const order: FimOrder = random.below(2) === 0 ? 'psm' : 'spm';
  const shifted = { start: span.start + head.length, end: span.end + head.length };
  return fillInTheMiddle([...head, ...tokens, ...tail], shifted, fimIds(tokenizer.special), order);
}

/** Between two places drawn uniformly; none where one of them splits a character. */
function anyRange(random: Random, text: string): CharacterRange | undefined {
  const [a, b] = [random.below(text.length + 1), random.below(text.length + 1)];
  const [start, end] = [Math.min(a, b), Math.max(a, b)];
  const splits = (at: number) => /[\uDC00-\uDFFF]/.test(text.charAt(at));
  return splits(start) || splits(end) ? undefined : { start, end };
}
