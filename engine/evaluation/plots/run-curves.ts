/** Loss and gradient norm of training runs over the tokens they have seen, from their logs. */
import type { LogEntry } from '../../training/run-log.ts';
import { frame, linearScale, logScale, type Scale } from './axes.ts';
import { drawing, element, label, pathData, SERIES_COLOURS } from './svg.ts';

export interface RunCurve {
  name: string;
  entries: readonly LogEntry[];
}

const WIDTH = 760;
const LEFT = 64;
const RIGHT = 24;
const PLOT = WIDTH - LEFT - RIGHT;
const PANEL = 250;
const GAP = 80;
const LEGEND_LINE = 18;
/** More than one point for two pixels cannot be seen. */
const BUCKETS = PLOT / 2;

/**
 * Steps are put together in buckets: a line through their means, in a band from the least to the greatest, which keeps
 * every spike. Held-out losses are dots. Throws RangeError when there is no step, or no finite value, to draw.
 */
export function runCurves(title: string, runs: readonly RunCurve[]): string {
  const all = runs.flatMap(({ entries }) => entries);
  const losses = all.flatMap(({ loss, heldOut }) => (heldOut === undefined ? [loss] : [loss, heldOut]));
  const norms = all.map(({ gradientNorm }) => gradientNorm).filter((norm) => norm > 0);
  const [lossRange, normRange] = [rangeOf(losses), rangeOf(norms)];
  if (!lossRange || !normRange) throw new RangeError('The log has no step to draw.');
  const x = linearScale(0, millions(rangeOf(all.map(({ tokens }) => tokens))?.[1] ?? 1), 8);

  const legend = runs.map(({ name, entries }, index) => {
    const y = 50 + index * LEGEND_LINE;
    const last = entries.at(-1);
    const text = last ? `${name}: ${entries.length} steps, ${millions(last.tokens).toFixed(1)} M tokens` : name;
    return element('g', {}, [
      element('rect', { x: 16, y: y - 9, width: 14, height: 10, class: `f${index % SERIES_COLOURS}` }),
      label(text, 38, y),
    ]);
  });
  const top = 50 + runs.length * LEGEND_LINE + 24;
  const loss = panel(top, x, linearScale(...lossRange), 'loss, nats (band: least to greatest; dots: held out)', runs, {
    value: (entry) => entry.loss,
    dot: (entry) => entry.heldOut,
  });
  const norm = panel(top + PANEL + GAP, x, logScale(...normRange), 'gradient norm, before clipping', runs, {
    value: (entry) => entry.gradientNorm,
    dot: () => undefined,
  });
  const description = runs
    .map(({ name, entries }) => `${name}: last loss ${entries.at(-1)?.loss.toFixed(3) ?? 'none'}`)
    .join('; ');
  return drawing(WIDTH, top + 2 * PANEL + GAP + 52, title, description, [...legend, ...loss, ...norm]);
}

interface Curve {
  value(entry: LogEntry): number;
  dot(entry: LogEntry): number | undefined;
}

function panel(top: number, x: Scale, y: Scale, name: string, runs: readonly RunCurve[], curve: Curve): string[] {
  const { elements, at } = frame({
    left: LEFT,
    top,
    width: PLOT,
    height: PANEL,
    x,
    y,
    xLabel: 'million tokens seen',
    yLabel: name,
  });
  for (const [index, { entries }] of runs.entries()) {
    const colour = index % SERIES_COLOURS;
    const buckets = bucketsOf(entries, curve.value);
    const line = buckets.map(({ tokens, mean }) => at(tokens, mean));
    const band = [
      ...buckets.map(({ tokens, greatest }) => at(tokens, greatest)),
      ...buckets.map(({ tokens, least }) => at(tokens, least)).reverse(),
    ];
    elements.push(
      element('path', { d: `${pathData(band)}Z`, class: `f${colour} band` }),
      element('path', { d: pathData(line), class: `s${colour} curve` }),
    );
    for (const entry of entries) {
      const value = curve.dot(entry);
      if (value === undefined || !Number.isFinite(value)) continue;
      const [cx, cy] = at(millions(entry.tokens), value);
      elements.push(element('circle', { cx, cy, r: 2.5, class: `f${colour}` }));
    }
  }
  return elements;
}

interface Bucket {
  tokens: number;
  mean: number;
  least: number;
  greatest: number;
}

/** Neighbouring steps, at most `BUCKETS` groups; a loss that overflowed is left out. */
function bucketsOf(entries: readonly LogEntry[], value: (entry: LogEntry) => number): Bucket[] {
  const finite = entries.filter((entry) => Number.isFinite(value(entry)));
  const size = Math.max(1, Math.ceil(finite.length / BUCKETS));
  const buckets: Bucket[] = [];
  for (let start = 0; start < finite.length; start += size) {
    const own = finite.slice(start, start + size);
    const values = own.map(value);
    buckets.push({
      tokens: own.reduce((sum, { tokens }) => sum + millions(tokens), 0) / own.length,
      mean: values.reduce((sum, x) => sum + x, 0) / values.length,
      least: Math.min(...values),
      greatest: Math.max(...values),
    });
  }
  return buckets;
}

/** A loop: a long run has more steps than a call may have arguments. */
function rangeOf(values: readonly number[]): [least: number, greatest: number] | undefined {
  let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  return least <= greatest ? [least, greatest] : undefined;
}

function millions(tokens: number): number {
  return tokens / 1e6;
}
