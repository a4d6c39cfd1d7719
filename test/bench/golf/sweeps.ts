/** What is varied: one default at a time, the others as they are; each sweep a list of points with their scores. */
import { chosenLogProbability } from '../../../engine/infill/certainty.ts';
import type { Fill } from '../../../engine/infill/fill.ts';
import { LEAST_KEYS } from '../../../language-server/completion/pipeline.ts';
import { defaultSettings } from '../../../language-server/settings.ts';
import type { Hole } from './holes.ts';
import type { Gate, Replay, Variant } from './replay.ts';
import { type Person, type Score, sum } from './typist.ts';

/**
 * Keys that a wrong suggestion costs: at five keys a second, one key is a glance of 0.2 s. The defaults are chosen at
 * `COST`; the others show how much the choice depends on it.
 */
export const COSTS = [0, 0.5, 1, 2];
export const COST = 1;

export interface Point {
  name: string;
  /** Where it lies on the axis of its curve. */
  at: number;
  scores: Score[];
}

export interface Sweep {
  id: 'threshold' | 'whole-line' | 'multiline' | 'before-share' | 'context-tokens' | 'least-keys' | 'hasty';
  points: Point[];
}

const THRESHOLDS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9];
const WHOLE_LINE_THRESHOLDS = [0.1, 0.3, 0.5, 0.7];
const HASTY_THRESHOLDS = [0.3, 0.5, 0.7, 0.9];
const BEFORE_SHARES = [0.4, 0.6, 0.8];
const LEAST_KEYS_SHOWN = [1, 2, 3, 4, 5];
const CONTEXT_TOKENS = [200, 400, 800];

export async function runSweeps(replay: Replay, holes: readonly Hole[], say: (line: string) => void): Promise<Sweep[]> {
  const sweep = async (
    id: Sweep['id'],
    points: readonly (readonly [name: string, at: number, variant: Variant])[],
    among: readonly Hole[] = holes,
    person: Person = 'careful',
  ): Promise<Sweep> => {
    const done: Point[] = [];
    for (const [name, at, variant] of points) {
      const scores = await replay.run(among, variant, person);
      const { pressed, keys, wrong } = sum(scores);
      say(`${id} ${name}: ${pressed} of ${keys} keys, ${wrong} wrong; ${replay.calls()} calls`);
      done.push({ name, at, scores });
    }
    return { id, points: done };
  };

  // From the lowest on: what was written up to a low threshold serves the higher ones.
  const threshold = await sweep(
    'threshold',
    THRESHOLDS.map((value) => [String(value), value, { completion: { threshold: value } }]),
  );
  const wholeLine = await sweep(
    'whole-line',
    WHOLE_LINE_THRESHOLDS.map((value) => [
      String(value),
      value,
      { completion: { threshold: value }, gate: wholeLineGate(value) },
    ]),
  );
  const rules = (['auto', 'never'] as const).map((multiline, index) => [
    multiline,
    index,
    { completion: { multiline } },
  ]);
  const inMiddle = holes.filter(({ scene }) => scene === 'middle');
  const others = [
    wholeLine,
    await sweep('multiline', rules as [string, number, Variant][]),
    await sweep(
      'before-share',
      BEFORE_SHARES.map((value) => [String(value), value, { beforeShare: value }]),
      inMiddle,
    ),
    await sweep(
      'context-tokens',
      CONTEXT_TOKENS.map((value) => [String(value), value, { completion: { contextTokens: value } }]),
    ),
    await sweep(
      'least-keys',
      LEAST_KEYS_SHOWN.map((value) => [String(value), value, { leastKeys: value }]),
    ),
  ];
  const hasty = await sweep(
    'hasty',
    HASTY_THRESHOLDS.map((value) => [String(value), value, { completion: { threshold: value } }]),
    holes,
    'hasty',
  );
  // Last, since each fill is written to its end and serves no other point.
  const { points } = await sweep('threshold', [['0', 0, { completion: { threshold: 0 } }]]);
  return [{ ...threshold, points: [...points, ...threshold.points] }, ...others, hasty];
}

/** The share of keys saved, less what wrong suggestions cost. */
export function netSaving({ keys, pressed, wrong }: Score, cost: number): number {
  return (keys - pressed - cost * wrong) / keys;
}

/** The point with the highest net saving at `COST`; the first of equals. */
export function bestOf({ points }: Sweep): Point {
  const best = points.toSorted((a, b) => netSaving(sum(b.scores), COST) - netSaving(sum(a.scores), COST))[0];
  if (!best) throw new Error('A sweep without points has no best one.');
  return best;
}

/** The rule that the pipeline's is set against: nothing is shown where the first line as a whole is too improbable. */
function wholeLineGate(least: number): Gate {
  return (fill) => (Math.exp(logProbability(fill)) < least ? { ...fill, text: '' } : fill);
}

/** Of the span up to its first line break, or its end. */
function logProbability({ tokens }: Fill): number {
  let total = 0;
  for (const token of tokens) {
    if (token.forced) continue;
    total += chosenLogProbability(token);
    if (token.text.includes('\n')) break;
  }
  return total;
}

/** The value that the settings have now. */
export const defaultsNow = {
  threshold: defaultSettings.completion.threshold,
  multiline: defaultSettings.completion.multiline,
  contextTokens: defaultSettings.completion.contextTokens,
  beforeShare: 0.6,
  leastKeys: LEAST_KEYS,
};
