/** Figures from answers: what the JSON file holds and the tables show. Nothing in it but `latency` depends on the clock. */
import { createRandom } from '../objective/random.ts';
import { type Calibration, calibrationsOf } from './calibration.ts';
import { type Answered, type Evaluation, modelName } from './evaluate.ts';
import { type Estimate, meanOf, ratioOf, shareOf } from './intervals.ts';
import { METRICS } from './metrics.ts';

/** What was evaluated, on what, and how to do it again. */
export interface Subject {
  command: string;
  seed: number;
  tasksPerKind: number;
  contextTokens: number;
  /** Whether fills were mixed with the document's votes (engine/infill/document-cache.ts); bits are the model's alone. */
  documentCache: boolean;
  model: {
    name: string;
    parameters: number;
    /** Of model.safetensors. */
    sha256: string;
    /** The weights file's own metadata: recipe, seed, tokens seen. */
    metadata: Record<string, string>;
    device: string;
  };
  corpus: { split: string; fingerprint: string; documents: number; packages: string[] };
  /** Processor's name and Node's version. */
  machine: string;
}

export interface Row {
  kind: string;
  /** A language, or `all`. */
  language: string;
  predictor: string;
  tasks: number;
  exactMatch: Estimate;
  editSimilarity: Estimate;
  /** Of a model: bits of the expected spans and their ends / UTF-8 bytes of the spans, summed before dividing. */
  bitsPerByte?: Estimate;
  /** Of a model: share of fills that ended themselves, by `eop`. */
  ended?: number;
}

/** The model's lead in one kind, all languages, over a baseline or a control on the same tasks; resampled in pairs. */
export interface Lead {
  kind: string;
  baseline: string;
  /** The baseline's rule, chosen in its favour; empty for a control. */
  rule: string;
  exactMatch: Estimate;
  editSimilarity: Estimate;
  /** Over a control, on spans that both can weigh: below zero where the model needs fewer bits. */
  bitsPerByte?: Estimate;
}

export interface Latency {
  kind: string;
  /** Mean milliseconds: text to tokens, reading Part A, generating. */
  tokenize: number;
  read: number;
  extend: number;
}

export interface Report extends Subject {
  format: 'cloze-eval';
  version: 1;
  protocol: string[];
  baselines: { name: string; about: string }[];
  rows: Row[];
  leads: Lead[];
  latency: Latency[];
  calibration: Calibration[];
  /** Spans that do not fit into the model, left out of bits per byte. */
  unscored: number;
  answers: ReturnType<typeof plainAnswer>[];
}

const PROTOCOL = [
  'A task is one blank in a document of the split; "heldout" is whole packages of which nothing is in the training split. The model gets path, text before and text after, nothing of other files.',
  'rest of line: from between two visible characters, drawn uniformly, to the end of the line. whole line: from the first visible character to the end. 2-8 lines: the same over 2 to 8 lines. character span: between two places of one line, drawn uniformly.',
  'Every kind has equally many tasks of TypeScript, JavaScript and Python; documents are drawn in proportion to their length, each once for a kind while there are enough.',
  'The model fills a [sMASK] blank greedily. Blanks within a line end at its first line break at the latest, as in an editor; there is no other cutting.',
  ...METRICS,
  'Intervals are 95 %: Wilson for exact match, bootstrap over tasks (2000 resamples, seeded) for the rest. They tell the doubt of the draw of tasks from these packages, not of the choice of packages.',
  'Baselines follow, for each kind, whichever of their rules scores best on the very tasks reported; they see the whole document.',
];

export function buildReport(subject: Subject, { answered, baselines, controls, rules }: Evaluation): Report {
  const kinds = [...new Set(answered.map(({ task }) => task.kind))];
  const rows: Row[] = [];
  const leads: Lead[] = [];
  const latency: Latency[] = [];
  for (const kind of kinds) {
    const own = answered.filter(({ task }) => task.kind === kind);
    const languages = [...new Set(own.map(({ task }) => task.language))];
    const others = controls.map(({ name }) => name);
    const predictors = [modelName, ...others, ...Object.keys(rules[kind] ?? {})];
    for (const language of ['all', ...languages]) {
      const part = language === 'all' ? own : own.filter(({ task }) => task.language === language);
      for (const predictor of predictors) rows.push(rowOf(part, kind, language, predictor, subject.seed));
    }
    for (const control of others) {
      const bitsPerByte = bitsLeadOf(own, control, subject.seed);
      leads.push({ kind, baseline: control, rule: '', ...leadOf(own, control, subject.seed), bitsPerByte });
    }
    for (const [baseline, rule] of Object.entries(rules[kind] ?? {})) {
      leads.push({ kind, baseline, rule, ...leadOf(own, baseline, subject.seed) });
    }
    const mean = (stage: 'tokenize' | 'read' | 'extend') =>
      own.reduce((sum, { timings }) => sum + timings[stage], 0) / own.length;
    latency.push({ kind, tokenize: mean('tokenize'), read: mean('read'), extend: mean('extend') });
  }
  return {
    format: 'cloze-eval',
    version: 1,
    ...subject,
    protocol: PROTOCOL,
    baselines: [...controls, ...baselines].map(({ name, about }) => ({ name, about })),
    rows,
    leads,
    latency,
    calibration: calibrationsOf(
      answered.map(({ task, marks, confidence, probability }) => ({
        kind: task.kind,
        confidence,
        probability,
        isExact: marks[modelName]?.isExact ?? false,
      })),
      subject.seed,
    ),
    unscored: answered.filter(({ bits }) => bits === undefined).length,
    answers: answered.map(plainAnswer),
  };
}

function rowOf(part: readonly Answered[], kind: string, language: string, predictor: string, seed: number): Row {
  const marks = part.flatMap((answer) => answer.marks[predictor] ?? []);
  const row: Row = {
    kind,
    language,
    predictor,
    tasks: marks.length,
    exactMatch: shareOf(marks.filter(({ isExact }) => isExact).length, marks.length),
    editSimilarity: meanOf(
      marks.map(({ similarity }) => similarity),
      createRandom(seed),
    ),
  };
  const spoken = part.flatMap((answer) => {
    const own = predictor === modelName ? answer : answer.controls[predictor];
    return own ? [{ ...own, bytes: answer.bytes }] : [];
  });
  if (spoken.length === 0) return row;
  const scored = spoken.filter(({ bits }) => bits !== undefined);
  return {
    ...row,
    bitsPerByte: ratioOf(
      scored.map(({ bits }) => bits as number),
      scored.map(({ bytes }) => bytes),
      createRandom(seed),
    ),
    ended: spoken.filter(({ finish }) => finish === 'eop').length / spoken.length,
  };
}

function bitsLeadOf(own: readonly Answered[], control: string, seed: number): Estimate {
  const scored = own.flatMap(({ bits, controls, bytes }) => {
    const other = controls[control]?.bits;
    return bits === undefined || other === undefined ? [] : [{ bits: bits - other, bytes }];
  });
  return ratioOf(
    scored.map(({ bits }) => bits),
    scored.map(({ bytes }) => bytes),
    createRandom(seed),
  );
}

function leadOf(own: readonly Answered[], baseline: string, seed: number): Pick<Lead, 'exactMatch' | 'editSimilarity'> {
  const pairs = own.flatMap(({ marks }) => {
    const [model, other] = [marks[modelName], marks[baseline]];
    return model && other ? [{ model, other }] : [];
  });
  return {
    exactMatch: meanOf(
      pairs.map(({ model, other }) => Number(model.isExact) - Number(other.isExact)),
      createRandom(seed),
    ),
    editSimilarity: meanOf(
      pairs.map(({ model, other }) => model.similarity - other.similarity),
      createRandom(seed),
    ),
  };
}

/** One answer without the text around its blank: `start` and the path find it again. */
function plainAnswer({ task, marks, controls, finish, confidence, probability, bits, bytes }: Answered) {
  const { id, package: name, path, before, expected } = task;
  const said = Object.fromEntries(Object.entries(marks).map(([predictor, { text }]) => [predictor, text]));
  return {
    id,
    package: name,
    path,
    start: before.length,
    expected,
    said,
    finish,
    confidence,
    probability,
    bits: bits ?? null,
    bytes,
    controls: Object.fromEntries(
      Object.entries(controls).map(([name, own]) => [name, { finish: own.finish, bits: own.bits ?? null }]),
    ),
  };
}
