/** Figures of a suite: what the JSON file holds and the tables show. */
import { createRandom } from '../../objective/random.ts';
import { type Calibration, calibrationsOf } from '../calibration.ts';
import type { Protection } from '../execution/confinement.ts';
import type { Outcome } from '../execution/run-python.ts';
import { type Estimate, meanOf, ratioOf, shareOf } from '../intervals.ts';
import { METRICS } from '../metrics.ts';
import type { Subject } from '../report.ts';
import { type SuiteAnswered, type SuitePredictor, suitePredictors } from './evaluate-suite.ts';

export interface SuiteSubject extends Omit<Subject, 'corpus' | 'tasksPerKind'> {
  suite: { name: string; protocol: readonly string[]; file: string; sha256: string; tasks: number };
  /** How programs were run; null when they were not. */
  execution: (Protection & { python: string }) | null;
}

export interface SuiteRow {
  kind: string;
  predictor: SuitePredictor;
  tasks: number;
  exactMatch: Estimate;
  editSimilarity: Estimate;
  /** Where programs were run. */
  passAt1?: Estimate;
  /** How the programs ended, where they were run. */
  results?: Record<Outcome['result'], number>;
  /** Of the model; see `Row` of the report on held-out packages. */
  bitsPerByte?: Estimate;
  ended?: number;
}

export interface SuiteReport extends SuiteSubject {
  format: 'cloze-eval-suite';
  version: 1;
  protocol: string[];
  rows: SuiteRow[];
  calibration: Calibration[];
  /** Spans that do not fit into the model, left out of bits per byte. */
  unscored: number;
  answers: ReturnType<typeof plainAnswer>[];
}

const PROTOCOL = [
  'Controls: "nothing" leaves the blank empty, "what stood there" puts the true span back; the second must pass everything, or running is at fault.',
  ...METRICS,
  'Intervals are 95 %: Wilson for exact match and pass@1, bootstrap over tasks (2000 resamples, seeded) for the rest.',
];

export function buildSuiteReport(subject: SuiteSubject, answered: readonly SuiteAnswered[]): SuiteReport {
  const kinds = [...new Set(answered.map(({ task }) => task.kind))];
  return {
    format: 'cloze-eval-suite',
    version: 1,
    ...subject,
    protocol: [...subject.suite.protocol, ...PROTOCOL],
    rows: kinds.flatMap((kind) => {
      const own = answered.filter(({ task }) => task.kind === kind);
      return suitePredictors.map((predictor) => rowOf(own, kind, predictor, subject.seed));
    }),
    calibration: calibrationsOf(
      answered.map(({ task, marks, confidence, probability }) => ({
        kind: task.kind,
        confidence,
        probability,
        isExact: marks.model.isExact,
      })),
      subject.seed,
    ),
    unscored: answered.filter(({ bits }) => bits === undefined).length,
    answers: answered.map(plainAnswer),
  };
}

function rowOf(own: readonly SuiteAnswered[], kind: string, predictor: SuitePredictor, seed: number): SuiteRow {
  const marks = own.map((answer) => answer.marks[predictor]);
  const outcomes = marks.flatMap(({ outcome }) => outcome ?? []);
  const results = { passed: 0, failed: 0, time: 0, output: 0 };
  for (const { result } of outcomes) results[result]++;
  const row: SuiteRow = {
    kind,
    predictor,
    tasks: own.length,
    exactMatch: shareOf(marks.filter(({ isExact }) => isExact).length, own.length),
    editSimilarity: meanOf(
      marks.map(({ similarity }) => similarity),
      createRandom(seed),
    ),
    ...(outcomes.length > 0 ? { passAt1: shareOf(results.passed, outcomes.length), results } : {}),
  };
  if (predictor !== 'model') return row;
  const scored = own.filter(({ bits }) => bits !== undefined);
  return {
    ...row,
    bitsPerByte: ratioOf(
      scored.map(({ bits }) => bits as number),
      scored.map(({ bytes }) => bytes),
      createRandom(seed),
    ),
    ended: own.filter(({ finish }) => finish === 'eop').length / own.length,
  };
}

/** One answer without the text around its blank, which the suite's file has. */
function plainAnswer({ task, marks, finish, confidence, probability, bits, bytes }: SuiteAnswered) {
  const { text, outcome } = marks.model;
  return {
    id: task.id,
    expected: task.expected,
    said: text,
    outcome: outcome ?? null,
    nothing: marks.nothing.outcome ?? null,
    truth: marks['what stood there'].outcome ?? null,
    finish,
    confidence,
    probability,
    bits: bits ?? null,
    bytes,
  };
}
