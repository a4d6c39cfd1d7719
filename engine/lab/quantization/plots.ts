/** The drawings of docs/int4.md: what INT4 costs against size, and how the weights are spread. */
import { frame, linearScale, logScale } from '../../evaluation/plots/axes.ts';
import type { Plots } from '../../evaluation/plots/report-plots.ts';
import { drawing, element, label, line, pathData } from '../../evaluation/plots/svg.ts';
import { lawOf } from './claims.ts';
import { costOf, modelsOf } from './costs.ts';
import type { LabModel, LabResult } from './lab.ts';
import { FAMILIES, type FamilyName } from './recipes.ts';
import { MATRIX_KINDS, SPREAD_BINS, SPREAD_REACH } from './weights.ts';

export function labFigures(result: LabResult): Plots {
  return { 'int4-law.svg': lawPlot(result), 'int4-weights.svg': weightsPlot(result.models) };
}

const WIDTH = 760;
const [LEFT, LEGEND_LINE] = [64, 18];

const CURVES: readonly { family: FamilyName | 'beside'; scheme: string }[] = [
  ...['int4 absmax by row', 'int4 absmax by 32'].flatMap((scheme) => FAMILIES.map((family) => ({ family, scheme }))),
  { family: 'beside', scheme: 'int4 absmax by row' },
  { family: 'beside', scheme: 'int4 absmax by 32' },
];

/** Both axes logarithmic; a cost that is not above 0 has no place and is left out. */
function lawPlot(result: LabResult): string {
  const { models, bytes } = result;
  const curves = CURVES.map(({ family, scheme }) => ({
    name: `${family === 'beside' ? 'the model that ships' : `${family} recipe`}, ${scheme}`,
    law: family === 'beside' ? undefined : lawOf(result, family, scheme),
    points: models
      .filter((model) => model.family === family)
      .map((model) => ({ parameters: model.quantised, cost: costOf(model, scheme, bytes) }))
      .filter(({ cost }) => cost.value > 0),
  }));
  const all = curves.flatMap(({ points }) => points);
  if (all.length === 0) throw new RangeError('No scheme costs anything: there is nothing to draw.');
  const costs = all.flatMap(({ cost }) => [cost.value, cost.high, ...(cost.low > 0 ? [cost.low] : [])]);
  const sizes = all.map(({ parameters }) => parameters);
  const top = 56 + curves.length * LEGEND_LINE + 20;
  const { elements, at } = frame({
    left: LEFT,
    top,
    width: WIDTH - LEFT - 24,
    height: 340,
    x: logScale(Math.min(...sizes) / 1e6, Math.max(...sizes) / 1e6),
    y: logScale(Math.min(...costs), Math.max(...costs)),
    xLabel: 'million parameters in the matrices',
    yLabel: 'bits per byte more than whole (95 % intervals; lines: power laws)',
  });
  const drawn = curves.flatMap(({ name, law, points }, colour) => {
    const marks = points.flatMap(({ parameters, cost }) => {
      const [x, y] = at(parameters / 1e6, cost.value);
      return [
        line(x, at(parameters / 1e6, cost.low)[1], x, at(parameters / 1e6, cost.high)[1], `s${colour}`),
        element('circle', { cx: x, cy: y, r: 4, class: `f${colour}` }),
      ];
    });
    const ends = [points[0], points.at(-1)].flatMap((point) => (law && point ? [point.parameters] : []));
    const fitted = ends.map((parameters) =>
      at(parameters / 1e6, (law?.factor ?? 0) * parameters ** -(law?.exponent.value ?? 0)),
    );
    return [
      element('rect', { x: 16, y: 47 + colour * LEGEND_LINE, width: 14, height: 10, class: `f${colour}` }),
      label(name, 38, 56 + colour * LEGEND_LINE),
      ...(fitted.length === 2 ? [element('path', { d: pathData(fitted), class: `s${colour} curve` })] : []),
      ...marks,
    ];
  });
  const description = curves
    .map(({ name, points }) => `${name}: ${points.map(({ cost }) => cost.value.toPrecision(2)).join(', ')}`)
    .join('; ');
  return drawing(WIDTH, top + 340 + 52, 'What INT4 costs, by size', description, [...elements, ...drawn]);
}

const [PANEL_WIDTH, PANEL_HEIGHT, GAP] = [300, 190, 80];

/** One panel for each kind of matrix: shares on a logarithmic axis, so that the outermost weights can be seen. */
function weightsPlot(models: readonly LabModel[]): string {
  const shown = [
    ...FAMILIES.flatMap((family) => modelsOf(models, family).at(-1) ?? []),
    ...models.filter(({ family }) => family === 'beside'),
  ];
  const top = 56 + shown.length * LEGEND_LINE + 24;
  const panels = MATRIX_KINDS.flatMap((kind, index) => {
    const { elements, at } = frame({
      left: LEFT + (index % 2) * (PANEL_WIDTH + GAP),
      top: top + Math.floor(index / 2) * (PANEL_HEIGHT + GAP),
      width: PANEL_WIDTH,
      height: PANEL_HEIGHT,
      x: linearScale(-SPREAD_REACH, SPREAD_REACH, 8),
      y: logScale(1e-6, 1),
      xLabel: 'standard deviations of the matrix',
      yLabel: kind,
    });
    const curves = shown.map(({ spreads }, colour) => {
      const shares = spreads[index]?.histogram ?? [];
      const points = shares.map((share, bin) =>
        at(((bin + 0.5) / SPREAD_BINS) * 2 * SPREAD_REACH - SPREAD_REACH, share),
      );
      return element('path', { d: pathData(points), class: `s${colour} curve` });
    });
    return [...elements, ...curves];
  });
  const legend = shown.flatMap(({ name }, colour) => [
    element('rect', { x: 16, y: 47 + colour * LEGEND_LINE, width: 14, height: 10, class: `f${colour}` }),
    label(name, 38, 56 + colour * LEGEND_LINE),
  ]);
  const description = shown
    .map(
      ({ name, spreads }) =>
        `${name}: ${spreads.map(({ kind, kurtosis }) => `${kind} kurtosis ${kurtosis.toFixed(2)}`).join(', ')}`,
    )
    .join('; ');
  const height = top + 2 * PANEL_HEIGHT + GAP + 56;
  return drawing(WIDTH, height, 'Shares of the weights, by kind of matrix', description, [...legend, ...panels]);
}
