/** What the keystrokes of a replay come to. */
import type { Keystroke } from './replay.ts';

/** Milliseconds: half and 95 % of all are at most this; none where there were no such keystrokes. */
export interface Percentiles {
  count: number;
  p50: number | undefined;
  p95: number | undefined;
}

export interface Figures {
  keystrokes: number;
  /** From keystroke to answer: of all; of those with a suggestion; of those that called the model. */
  answer: Percentiles;
  suggestion: Percentiles;
  call: Percentiles;
  /** Share of the suggestions that came without a call of the model. */
  withoutCall: number;
  /** The same of those that came right after one that was taken. */
  nextWithoutCall: number;
  calls: number;
  /** Characters of suggestions that were taken. */
  accepted: number;
  callsPerAccepted: number;
}

export function figuresOf(strokes: readonly Keystroke[]): Figures {
  const shown = strokes.filter((stroke) => stroke.shown);
  const calls = strokes.reduce((sum, stroke) => sum + stroke.calls, 0);
  const accepted = strokes.reduce((sum, stroke) => sum + stroke.accepted, 0);
  return {
    keystrokes: strokes.length,
    answer: percentiles(strokes),
    suggestion: percentiles(shown),
    call: percentiles(strokes.filter((stroke) => stroke.calls > 0)),
    withoutCall: share(shown),
    nextWithoutCall: share(shown.filter(({ taking }) => taking)),
    calls,
    accepted,
    callsPerAccepted: calls / accepted,
  };
}

function share(strokes: readonly Keystroke[]): number {
  return strokes.filter(({ calls }) => calls === 0).length / strokes.length;
}

function percentiles(strokes: readonly Keystroke[]): Percentiles {
  const sorted = strokes.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
  // Nearest rank.
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  return { count: sorted.length, p50: at(0.5), p95: at(0.95) };
}

/** A table, a column for each kind of server. */
export function toLines(kinds: Readonly<Record<string, Figures>>): string[] {
  const all = Object.values(kinds);
  const line = (what: string, cells: readonly string[]) =>
    [what.padEnd(52), ...cells.map((cell) => cell.padStart(20))].join('');
  const times = (what: string, key: 'answer' | 'suggestion' | 'call') =>
    line(
      `${what}, p50 / p95 ms`,
      all.map(({ [key]: { p50, p95 } }) => `${p50?.toFixed(1) ?? '-'} / ${p95?.toFixed(1) ?? '-'}`),
    );
  return [
    line('', Object.keys(kinds)),
    times('keystroke to answer', 'answer'),
    times('keystroke to suggestion', 'suggestion'),
    times('keystroke to answer, with a call of the model', 'call'),
    line(
      'suggestions without a call of the model, %',
      all.map(({ withoutCall }) => (100 * withoutCall).toFixed(1)),
    ),
    line(
      'of those right after one that was taken, %',
      all.map(({ nextWithoutCall }) => (100 * nextWithoutCall).toFixed(1)),
    ),
    line(
      'calls of the model / keystrokes',
      all.map(({ calls, keystrokes }) => `${calls} / ${keystrokes}`),
    ),
    line(
      'calls of the model for each accepted character',
      all.map(({ callsPerAccepted, accepted }) => `${callsPerAccepted.toFixed(2)} (${accepted} char.)`),
    ),
  ];
}
