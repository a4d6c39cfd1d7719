/** From a span to the text that takes the blank's place: shaped as completions are, without what already follows it. */
import type { FilledBlank } from '../../engine/infill/blanks.ts';
import { fitToLine } from '../completion/fit.ts';
import type { LineRule } from '../completion/lines.ts';
import type { Place } from '../completion/place.ts';
import { shape } from '../completion/shape.ts';

/** Empty when there is nothing worth showing. */
export function shapeSpan(
  { text, finish }: Pick<FilledBlank, 'text' | 'finish'>,
  place: Place,
  rule: LineRule,
): string {
  const shaped = shape({ text, finish }, place, rule);
  const fitted = fitToLine(shaped, place);
  if (!fitted) return '';
  const following = place.right.slice(0, fitted.replaces);
  const own = fitted.text.endsWith(following)
    ? fitted.text.slice(0, fitted.text.length - following.length)
    : fitted.text;
  return `${own}${spaceAfter(text, own, place)}`.replaceAll('\n', place.eol);
}

/** Shaping takes away white space at the end; before more text on the line it is what keeps two words apart. */
function spaceAfter(text: string, own: string, { right }: Place): string {
  const joins = /[\p{L}\p{N}_$]$/u.test(own) && /^[\p{L}\p{N}_$]/u.test(right);
  return joins && /[ \t]\s*$/.test(text) ? ' ' : '';
}
