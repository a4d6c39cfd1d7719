/** Bars with 95 % intervals, mostly for shares, grouped: one predictor on each line, so that long names stay readable. */
import type { Estimate } from '../intervals.ts';
import { linearScale, tickText } from './axes.ts';
import { drawing, element, label, line } from './svg.ts';

export interface BarGroup {
  name: string;
  bars: { name: string; share: Estimate; isModel: boolean }[];
}

/** How values are written: shares as percent, others as they are. */
export interface BarUnit {
  name: string;
  factor: number;
  digits: number;
}

const PERCENT: BarUnit = { name: '%', factor: 100, digits: 1 };

const WIDTH = 760;
const LEFT = 250;
const RIGHT = 170;
const TOP = 52;
const BAR = 20;
const GROUP_HEAD = 26;

/** The axis begins at 0 and ends above every interval. Throws RangeError when there is no bar. */
export function shareBars(title: string, groups: readonly BarGroup[], unit: BarUnit = PERCENT): string {
  const bars = groups.flatMap((group) => group.bars);
  if (bars.length === 0) throw new RangeError(`There is nothing to draw in "${title}".`);
  const scale = linearScale(0, Math.max(0.1, ...bars.map(({ share }) => share.high)));
  const width = WIDTH - LEFT - RIGHT;
  const height = groups.length * GROUP_HEAD + bars.length * BAR;
  const x = (share: number) => LEFT + width * scale.place(share);
  const shown = (share: number) => (unit.factor * share).toFixed(unit.digits);

  const elements: string[] = [];
  for (const share of scale.ticks) {
    elements.push(
      line(x(share), TOP, x(share), TOP + height, 'grid'),
      label(`${tickText(unit.factor * share)} ${unit.name}`, x(share), TOP + height + 18, {
        'text-anchor': 'middle',
        class: 'quiet',
      }),
    );
  }
  let top = TOP;
  for (const { name, bars: own } of groups) {
    elements.push(label(name, 16, top + 17, { class: 'head' }));
    top += GROUP_HEAD;
    for (const { name: predictor, share, isModel } of own) {
      const middle = top + BAR / 2;
      const { value, low, high } = share;
      elements.push(
        label(predictor, LEFT - 10, middle + 4, { 'text-anchor': 'end' }),
        element('rect', {
          x: LEFT,
          y: top + 3,
          width: x(value) - LEFT,
          height: BAR - 6,
          class: isModel ? 'f0' : 'f5 other',
        }),
        line(x(low), middle, x(high), middle, 'interval'),
        line(x(low), middle - 4, x(low), middle + 4, 'interval'),
        line(x(high), middle - 4, x(high), middle + 4, 'interval'),
        label(`${shown(value)} (${shown(low)} to ${shown(high)})`, WIDTH - RIGHT + 14, middle + 4, {
          class: 'quiet',
        }),
      );
      top += BAR;
    }
  }
  const description = groups
    .map(
      ({ name, bars: own }) =>
        `${name}: ${own.map((bar) => `${bar.name} ${shown(bar.share.value)} ${unit.name}`).join(', ')}`,
    )
    .join('; ');
  return drawing(WIDTH, TOP + height + 34, title, description, elements);
}
