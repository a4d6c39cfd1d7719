/** Reliability diagrams: the model's own probability against the share of exact matches, one panel for each measure. */
import type { Calibration } from '../calibration.ts';
import { frame, linearScale } from './axes.ts';
import { drawing, element, label, line } from './svg.ts';

const PANEL = 300;
const GAP = 90;
const LEFT = 56;
const TOP = 96;
/** Radius of a point that stands for all tasks. */
const LARGEST = 16;

/** On the diagonal the model is right as often as it says; the area of a point grows with the tasks of its bin. */
export function reliabilityDiagram(title: string, calibrations: readonly Calibration[]): string {
  const scale = linearScale(0, 1);
  const elements = calibrations.flatMap(({ measure, kind, tasks, error, byChanceAtMost, bins }, index) => {
    const left = LEFT + index * (PANEL + GAP);
    const { elements: axes, at } = frame({
      left,
      top: TOP,
      width: PANEL,
      height: PANEL,
      x: scale,
      y: scale,
      xLabel: `${measure} of the model`,
      yLabel: 'share of exact matches',
    });
    const points = bins.flatMap(({ tasks: own, predicted, exactMatch }) => {
      if (predicted === null || exactMatch === null) return [];
      const [x, y] = at(predicted, exactMatch.value);
      const [, low] = at(predicted, exactMatch.low);
      const [, high] = at(predicted, exactMatch.high);
      const radius = Math.max(2.5, LARGEST * Math.sqrt(own / tasks));
      return [
        element('circle', { cx: x, cy: y, r: radius, class: 'f0 other' }),
        line(x, low, x, high, 'interval'),
        element('circle', { cx: x, cy: y, r: 2, class: 'f0' }),
      ];
    });
    const figures = `${kind}, ${tasks} tasks: error ${(100 * error).toFixed(1)} points (by chance up to ${(100 * byChanceAtMost).toFixed(1)})`;
    const [start, end] = [at(0, 0), at(1, 1)];
    return [label(figures, left, TOP - 34, { class: 'quiet' }), ...axes, line(...start, ...end, 'guide'), ...points];
  });
  const width = LEFT + calibrations.length * (PANEL + GAP) - GAP + 40;
  const description = calibrations
    .map(({ measure, error }) => `${measure}: expected calibration error ${(100 * error).toFixed(1)} points`)
    .join('; ');
  return drawing(width, TOP + PANEL + 52, title, description, elements);
}
