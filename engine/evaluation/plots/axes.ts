/** From values to places on a plot: scales, round ticks, and a frame with grid and axes. */
import { element, label, line } from './svg.ts';

export interface Scale {
  ticks: readonly number[];
  /** Share of the way from the beginning (0) to the end (1). */
  place(value: number): number;
}

/** From `from` to the first tick at or above `to`; about `count` ticks at 1, 2 or 5 times a power of ten. */
export function linearScale(from: number, to: number, count = 5): Scale {
  const span = to > from ? to - from : 1;
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = power * ([1, 2, 5].find((factor) => factor * power * count >= span) ?? 10);
  const first = Math.floor(from / step + 1e-9);
  const last = Math.ceil((from + span) / step - 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
  return scaleOver(ticks, (value) => value);
}

/** Whole powers of ten around positive values; what is not positive lies at the beginning. */
export function logScale(from: number, to: number): Scale {
  const first = Math.floor(Math.log10(from) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(to) - 1e-9));
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
  return scaleOver(ticks, (value) => Math.log10(Math.max(value, 10 ** first)));
}

function scaleOver(ticks: readonly number[], measure: (value: number) => number): Scale {
  const [low, high] = [measure(ticks[0] as number), measure(ticks.at(-1) as number)];
  return { ticks, place: (value) => Math.min(1, Math.max(0, (measure(value) - low) / (high - low))) };
}

export interface FrameOptions {
  left: number;
  top: number;
  width: number;
  height: number;
  x: Scale;
  y: Scale;
  xLabel: string;
  yLabel: string;
}

export interface Frame {
  /** Grid, axes, ticks and their names. */
  elements: string[];
  at(x: number, y: number): [x: number, y: number];
}

export function frame({ left, top, width, height, x, y, xLabel, yLabel }: FrameOptions): Frame {
  const at = (xValue: number, yValue: number): [number, number] => [
    left + width * x.place(xValue),
    top + height * (1 - y.place(yValue)),
  ];
  const bottom = top + height;
  const elements = [
    ...y.ticks.map((tick) => {
      const place = top + height * (1 - y.place(tick));
      return element('g', {}, [
        line(left, place, left + width, place, 'grid'),
        label(tickText(tick), left - 6, place + 4, { 'text-anchor': 'end', class: 'quiet' }),
      ]);
    }),
    ...x.ticks.map((tick) => {
      const place = left + width * x.place(tick);
      return element('g', {}, [
        line(place, bottom, place, bottom + 4, 'axis'),
        label(tickText(tick), place, bottom + 18, { 'text-anchor': 'middle', class: 'quiet' }),
      ]);
    }),
    line(left, bottom, left + width, bottom, 'axis'),
    line(left, top, left, bottom, 'axis'),
    label(xLabel, left + width / 2, bottom + 36, { 'text-anchor': 'middle' }),
    label(yLabel, left, top - 8),
  ];
  return { elements, at };
}

/** Without the digits that binary fractions add. */
export function tickText(value: number): string {
  return String(Number(value.toPrecision(6)));
}
