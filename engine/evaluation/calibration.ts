/**
 * Whether the model knows when it is right: its own probability against the share of exact matches, in ten equal bins
 * (reliability diagram), with the expected calibration error of Naeini et al. (AAAI 2015) and Guo et al. (ICML 2017).
 */
import { createRandom } from '../objective/random.ts';
import { type Estimate, shareOf } from './intervals.ts';

/** What is held against exact match: per token (it is what an editor can show a completion by), or of the whole span. */
export const calibrationMeasures = ['confidence', 'probability'] as const;

export type CalibrationMeasure = (typeof calibrationMeasures)[number];

export interface CalibrationBin {
  /** Borders of the bin; the upper one belongs to the next bin, but for 1. */
  from: number;
  to: number;
  tasks: number;
  /** Mean of the measure in the bin; null in an empty bin, as is the share. */
  predicted: number | null;
  exactMatch: Estimate | null;
}

export interface Calibration {
  /** A kind of task, or `all`. */
  kind: string;
  measure: CalibrationMeasure;
  tasks: number;
  /** Means over all tasks. */
  predicted: number;
  exactMatch: number;
  /** Expected calibration error: |exact match - mean prediction| of the bins, weighed by their tasks. */
  error: number;
  /**
   * The same error that a perfectly calibrated model would show with these predictions and so few tasks: mean and 95 %
   * quantile of 1000 draws. An error below `byChanceAtMost` is no evidence of miscalibration.
   */
  byChance: number;
  byChanceAtMost: number;
  bins: CalibrationBin[];
}

export interface Predicted {
  kind: string;
  /** exp(mean log probability of the tokens) and exp(their sum), in 0 … 1. */
  confidence: number;
  probability: number;
  isExact: boolean;
}

const BINS = 10;
const DRAWS = 1000;

/** All kinds together and, where there are several, each for itself; both measures. */
export function calibrationsOf(answers: readonly Predicted[], seed: number): Calibration[] {
  const kinds = [...new Set(answers.map(({ kind }) => kind))];
  const groups = kinds.length > 1 ? ['all', ...kinds] : kinds;
  return calibrationMeasures.flatMap((measure) =>
    groups.map((kind) => {
      const own = kind === 'all' && kinds.length > 1 ? answers : answers.filter((answer) => answer.kind === kind);
      return calibrationOf(kind, measure, own, seed);
    }),
  );
}

function calibrationOf(
  kind: string,
  measure: CalibrationMeasure,
  answers: readonly Predicted[],
  seed: number,
): Calibration {
  const predictions = answers.map((answer) => answer[measure]);
  const members: number[][] = Array.from({ length: BINS }, () => []);
  for (const [index, value] of predictions.entries()) {
    members[Math.min(BINS - 1, Math.max(0, Math.floor(value * BINS)))]?.push(index);
  }
  const right = answers.map(({ isExact }) => isExact);
  const random = createRandom(seed);
  const drawn: number[] = [];
  for (let draw = 0; draw < DRAWS; draw++) {
    drawn.push(
      errorOf(
        members,
        predictions,
        predictions.map((value) => random.float() < value),
      ),
    );
  }
  drawn.sort((a, b) => a - b);
  const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  return {
    kind,
    measure,
    tasks: answers.length,
    predicted: mean(predictions),
    exactMatch: mean(right.map(Number)),
    error: errorOf(members, predictions, right),
    byChance: mean(drawn),
    byChanceAtMost: drawn[Math.ceil(0.95 * DRAWS) - 1] as number,
    bins: members.map((bin, index) => ({
      from: index / BINS,
      to: (index + 1) / BINS,
      tasks: bin.length,
      predicted: bin.length > 0 ? mean(bin.map((at) => predictions[at] as number)) : null,
      exactMatch: bin.length > 0 ? shareOf(bin.filter((at) => right[at]).length, bin.length) : null,
    })),
  };
}

function errorOf(bins: readonly (readonly number[])[], predictions: readonly number[], right: readonly boolean[]) {
  let off = 0;
  for (const bin of bins) {
    let difference = 0;
    for (const at of bin) difference += Number(right[at]) - (predictions[at] as number);
    off += Math.abs(difference);
  }
  return off / predictions.length;
}
