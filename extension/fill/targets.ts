/** What of a document becomes a blank when the user asks to fill: selections, the holes in them, or those of the line. */
import { findHoles, type Hole, type TextRange } from './holes.ts';

/**
 * A selection with holes gives its holes, one without is a blank itself. A cursor gives the holes of its line, or else
 * a blank where it stands. In the order of the text, without overlap.
 */
export function blankTargets(text: string, selections: readonly TextRange[], patterns: readonly RegExp[]): Hole[] {
  const targets = selections.flatMap((selection) => {
    const empty = selection.start === selection.end;
    const holes = holesIn(text, empty ? lineAt(text, selection.start) : selection, patterns);
    if (holes.length > 0) return holes;
    return [{ ...(empty ? selection : withoutMargins(text, selection)), hint: '' }];
  });
  targets.sort((a, b) => a.start - b.start || a.end - b.end);
  const apart: Hole[] = [];
  for (const target of targets) {
    const last = apart.at(-1);
    if (!last || target.start > last.end || (target.start === last.end && target.end > target.start))
      apart.push(target);
  }
  return apart;
}

function holesIn(text: string, { start, end }: TextRange, patterns: readonly RegExp[]): Hole[] {
  return findHoles(text.slice(start, end), patterns).map((hole) => ({
    ...hole,
    start: hole.start + start,
    end: hole.end + start,
  }));
}

function lineAt(text: string, offset: number): TextRange {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const end = text.indexOf('\n', offset);
  return { start: offset === 0 ? 0 : start, end: end < 0 ? text.length : end };
}

/** Indentation before and line breaks after what is selected stay in the text; white space alone is taken whole. */
function withoutMargins(text: string, { start, end }: TextRange): TextRange {
  const selected = text.slice(start, end);
  const inner = selected.trim();
  if (inner === '') return { start, end };
  const from = start + selected.indexOf(inner);
  return { start: from, end: from + inner.length };
}
