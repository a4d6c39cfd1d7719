/** Tokens as something a person can see: white space, control, direction and zero-width characters get a visible form. */
import type { TracedToken } from '../../language-server/protocol.ts';

const SIGNS: Readonly<Record<string, string>> = { ' ': '·', '\n': '⏎', '\r': '␍', '\t': '⇥' };
/** Control, format (direction, zero width), private, unassigned and lone surrogates; separators other than space. */
const UNSEEN = /[\p{C}\p{Z}]/u;
const MARK_FIRST = /^\p{M}/u;

export function visibleText(text: string): string {
  const seen = Array.from(
    text,
    (character) => SIGNS[character] ?? (UNSEEN.test(character) ? named(character) : character),
  );
  const joined = seen.join('');
  return MARK_FIRST.test(joined) ? `◌${joined}` : joined;
}

/** For names of models and devices, which come from files too: their spaces stay. */
export function visibleName(name: string): string {
  return name
    .split(' ')
    .map((part) => visibleText(part))
    .join(' ');
}

export function tokenText({ special, text }: TracedToken): string {
  return special ?? visibleText(text);
}

function named(character: string): string {
  return `‹${(character.codePointAt(0) as number).toString(16).toUpperCase()}›`;
}

export function percent(logProbability: number): string {
  return percentOf(Math.exp(logProbability));
}

/** A probability as percent with two significant digits below ten; `0 %` is never said of what can happen. */
export function percentOf(probability: number): string {
  const share = probability * 100;
  if (share === 0) return '–';
  if (share > 0 && share < 0.01) return '< 0.01 %';
  return `${share >= 10 ? share.toFixed(1) : share.toPrecision(2)} %`;
}

export function milliseconds(time: number): string {
  return `${time >= 100 ? time.toFixed(0) : time.toFixed(1)} ms`;
}
