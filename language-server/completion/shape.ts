/**
 * From what the model wrote to what may be shown: cut to whole lines, indented as the document is, without what repeats.
 * Depends on the place where the model was asked; how it meets the text right of the cursor is left to `fit`.
 */
import type { FilledBlank } from '../../engine/infill/blanks.ts';
import { indentAs, indentUnit, reindent } from './indentation.ts';
import { isBlank, type LineRule, wordAtEnd } from './lines.ts';
import type { Place } from './place.ts';
import { cutAtFollowing, cutCycles, repeatsPrevious } from './repetition.ts';

/** The completion to show after the cursor; empty when there is nothing worth showing. */
export function shape(fill: Pick<FilledBlank, 'text' | 'finish'>, place: Place, rule: LineRule): string {
  const ended = fill.finish === 'eop' || fill.finish === 'line';
  const late = fill.finish === 'time';
  let text = fill.text.replace(/\r\n?/g, '\n');
  if (/\S[ \t]$/.test(place.left)) text = text.replace(/^ +/, '');
  if (rule === 'one') text = firstLine(text, ended, late);
  else if (!ended) text = completeLines(text, late);
  text = text.replace(/[ \t]+$/gm, '').trimEnd();
  const unit = indentUnit(place.before, place.after);
  text = unit ? reindent(text, unit) : indentAs(text, place.indentation);
  text = cutCycles(text);
  text = cutAtFollowing(text, place);
  if (isBlank(text) || repeatsPrevious(text, place)) return '';
  return text;
}

function firstLine(text: string, ended: boolean, late: boolean): string {
  const end = text.indexOf('\n');
  if (end >= 0) return text.slice(0, end);
  return ended ? text : completeWords(text, late);
}

/** The model was stopped in the middle: the last line is not whole, and if it is the only one, its last word is not. */
function completeLines(text: string, late: boolean): string {
  const end = text.lastIndexOf('\n');
  const whole = end < 0 ? '' : text.slice(0, end);
  return isBlank(whole) ? completeWords(text, late) : whole;
}

/** An only word is kept where it was long enough for the limit of length; by the clock it may be one letter. */
function completeWords(text: string, late: boolean): string {
  const shorter = text.slice(0, text.length - wordAtEnd(text).length);
  return isBlank(shorter) && !late ? text : shorter;
}
