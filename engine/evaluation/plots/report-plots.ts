/** Which plots belong to which report, by file name. */
import type { Calibration } from '../calibration.ts';
import { modelName } from '../evaluate.ts';
import type { Report } from '../report.ts';
import type { SuiteReport } from '../suites/suite-report.ts';
import { reliabilityDiagram } from './reliability.ts';
import { shareBars } from './share-bars.ts';

export type Plots = Readonly<Record<string, string>>;

export function reportPlots({ model, rows, calibration }: Report): Plots {
  const all = rows.filter(({ language }) => language === 'all');
  const groups = [...new Set(all.map(({ kind }) => kind))].map((kind) => {
    const own = all.filter((row) => row.kind === kind);
    return {
      name: `${kind}, ${own[0]?.tasks ?? 0} tasks`,
      bars: own.map(({ predictor, exactMatch }) => ({
        name: predictor,
        share: exactMatch,
        isModel: predictor === modelName,
      })),
    };
  });
  return {
    'exact-match.svg': shareBars(`Exact match of ${model.name} on held-out packages, 95 % intervals`, groups),
    'reliability.svg': reliability(model.name, calibration),
  };
}

export function suitePlots({ model, suite, rows, calibration }: SuiteReport): Plots {
  const groups = [...new Set(rows.map(({ kind }) => kind))].map((kind) => {
    const [own, nothing] = ['model', 'nothing'].map((name) =>
      rows.find((row) => row.kind === kind && row.predictor === name),
    );
    return {
      name: `${kind}, ${own?.tasks ?? 0} tasks`,
      bars: [
        ...(own ? [{ name: 'exact match', share: own.exactMatch, isModel: true }] : []),
        ...(own?.passAt1 ? [{ name: 'pass@1', share: own.passAt1, isModel: true }] : []),
        ...(nothing?.passAt1 ? [{ name: 'pass@1 of an empty span', share: nothing.passAt1, isModel: false }] : []),
      ],
    };
  });
  return {
    'suite.svg': shareBars(`${model.name} on ${suite.name}, 95 % intervals`, groups),
    'suite-reliability.svg': reliability(model.name, calibration),
  };
}

/** All kinds together, which come first. */
function reliability(name: string, calibrations: readonly Calibration[]): string {
  const whole = calibrations.filter(({ kind }) => kind === calibrations[0]?.kind);
  return reliabilityDiagram(`Does ${name} know when it is right?`, whole);
}
