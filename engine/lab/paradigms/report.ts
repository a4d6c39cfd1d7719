/** The lab's figures as a report: means over seeds with intervals, verdicts on claims, Markdown and drawings. */
import { type Estimate, meanOfRuns } from '../../evaluation/intervals.ts';
import { between, table } from '../../evaluation/markdown-table.ts';
import type { Plots } from '../../evaluation/plots/report-plots.ts';
import { shareBars } from '../../evaluation/plots/share-bars.ts';
import { isLoss, judgeClaims, type Verdict } from './claims.ts';
import { blankKinds } from './held-out.ts';
import type { LabRun } from './lab.ts';
import { type UnderstandingMethod, understandingMethods } from './measure.ts';
import type { BlankEnd, LabParadigm } from './paradigm.ts';
import type { MeasuringPlan, TrainingPlan } from './plan.ts';

export interface LabSubject {
  command: string;
  /** What the program was built from, where it was said. */
  commit: string | null;
  training: TrainingPlan;
  measuring: MeasuringPlan;
  /** Of every model. */
  parameters: number;
  corpus: string;
  machine: string;
}

export interface LabRow {
  paradigm: string;
  title: string;
  note: string;
  blankEnd: BlankEnd;
  seeds: number[];
  /** Share of the rows that counted in the training loss. */
  counted: Estimate;
  blanks: { kind: string; exact: Estimate; similarity: Estimate; told: Estimate }[];
  /** Bits per byte; null where the paradigm does not write. */
  texts: Estimate | null;
  descriptions: Estimate | null;
  understanding: ({ task: string } & Record<UnderstandingMethod, Estimate | null>)[];
}

export interface LabReport extends LabSubject {
  rows: LabRow[];
  verdicts: Verdict[];
}

export function labReport(subject: LabSubject, paradigms: readonly LabParadigm[], runs: readonly LabRun[]): LabReport {
  const rows = paradigms.flatMap(({ name, title, note, blankEnd }): LabRow[] => {
    const own = runs.filter(({ paradigm }) => paradigm === name);
    const [first] = own;
    if (!first) return [];
    const over = (value: (run: LabRun) => number) => meanOfRuns(own.map(value));
    const written = (figure: 'texts' | 'descriptions') =>
      first.measured[figure] === null ? null : over(({ measured }) => measured[figure] as number);
    return [
      {
        paradigm: name,
        title,
        note,
        blankEnd,
        seeds: own.map(({ seed }) => seed),
        counted: over(({ counted, rows: all }) => counted / all),
        blanks: first.measured.blanks.map(({ kind }, index) => ({
          kind,
          exact: over(({ measured }) => measured.blanks[index]?.exact as number),
          similarity: over(({ measured }) => measured.blanks[index]?.similarity as number),
          told: over(({ measured }) => measured.blanks[index]?.told as number),
        })),
        texts: written('texts'),
        descriptions: written('descriptions'),
        understanding: first.measured.understanding.map((asked, index) => {
          const after = (method: UnderstandingMethod) =>
            asked[method] === null ? null : over(({ measured }) => measured.understanding[index]?.[method] as number);
          return { task: asked.task, head: after('head'), cloze: after('cloze') };
        }),
      },
    ];
  });
  return { ...subject, rows, verdicts: judgeClaims(runs) };
}

/** Of one run nothing but the value is known. */
function shown(estimate: Estimate, show: (x: number) => string): string {
  return Number.isFinite(estimate.low) ? between(estimate, show) : show(estimate.value);
}

const percent = (estimate: Estimate) => shown(estimate, (x) => (100 * x).toFixed(1));

const ENDS: Readonly<Record<BlankEnd, Readonly<Record<string, string>>>> = {
  eop: { 'rest of line': 'found by the model', 'short span': 'found by the model' },
  told: { 'rest of line': 'length told', 'short span': 'length told' },
  'line-break': { 'rest of line': 'at the line break', 'short span': 'length told' },
};

export function labTables({ rows, verdicts }: LabReport): string[] {
  const bits = (estimate: Estimate | null) => (estimate ? shown(estimate, (x) => x.toFixed(3)) : 'does not write');
  const tasks = rows[0]?.understanding.map(({ task }) => task) ?? [];
  return [
    '## Filling blanks of unknown length',
    '',
    ...blankKinds.flatMap((kind) => [
      `Kind: ${kind}.`,
      '',
      ...table(
        [
          'pre-training',
          'sees',
          'end of the blank',
          'exact match, %',
          'edit similarity, %',
          'the same, all told the length, %',
        ],
        rows.map(({ title, blankEnd, blanks }) => {
          const own = blanks.find((blank) => blank.kind === kind);
          const sees = blankEnd === 'line-break' ? 'left side' : 'both sides';
          return [
            title,
            sees,
            ENDS[blankEnd][kind] as string,
            ...(own ? [percent(own.exact), percent(own.similarity), percent(own.told)] : ['', '', '']),
          ];
        }),
      ),
      '',
    ]),
    '## Writing from left to right',
    '',
    'Bits per byte, less is better: whole texts after `[CLS]` alone; descriptions of functions after their code.',
    '',
    ...table(
      ['pre-training', 'texts', 'description after function'],
      rows.map(({ title, texts, descriptions }) => [title, bits(texts), bits(descriptions)]),
    ),
    '',
    '## Understanding',
    '',
    'Accuracy after fine-tuning, %: with a classification head on the mean of the states, or as a cloze question with one blank. Who sees the left side of a blank alone cannot be asked where the blank comes first.',
    '',
    ...table(
      ['pre-training', ...tasks.flatMap((task) => [`${task}, head`, `${task}, cloze`])],
      rows.map(({ title, understanding }) => [
        title,
        ...understanding.flatMap(({ head, cloze }) =>
          [head, cloze].map((own) => (own ? percent(own) : 'cannot be asked')),
        ),
      ]),
    ),
    '',
    '## What the papers say',
    '',
    'The lead is the mean difference between runs of one seed: points of edit similarity (blanks) or accuracy (understanding), bits per byte (writing); above zero where the paper says so. A claim holds or fails here where the interval does not reach zero; with so many claims one may do so by chance.',
    '',
    ...table(
      ['claim', 'source', 'figure', 'lead', 'here'],
      verdicts.map(({ claim, lead, verdict }) => [
        claim.text,
        claim.source,
        claim.figure,
        shown(lead, (x) => (isLoss(claim.figure) ? x.toFixed(3) : (100 * x).toFixed(1))),
        verdict,
      ]),
    ),
    '',
  ];
}

export function labMarkdown(report: LabReport): string {
  const { command, commit, training, measuring, parameters, rows } = report;
  const usual = training.tokens >= 30e6 && parameters >= 7e6;
  return [
    '# Ways of pre-training beside one another',
    '',
    'One transformer, trained in several ways by the same native code on the same text, then asked the same questions about packages that it has not seen.',
    '',
    `- Command: \`${command}\`${commit ? `, built from commit ${commit}` : ''}`,
    `- Scale: ${(parameters / 1e6).toFixed(2)} M parameters (${training.layers} layers, width ${training.hiddenSize}), ${(training.tokens / 1e6).toFixed(1)} M rows of training each, ${rows[0]?.seeds.length ?? 0} seeds, texts of ${training.length} tokens.${usual ? '' : ' **This is far below what the experiment is meant for (8 M parameters, 30 M rows): the models are at the beginning of their learning, and what separates well-trained models need not show.**'}`,
    `- Corpus ${report.corpus.slice(0, 12)}; ${measuring.blanks} blanks of each kind, ${measuring.texts} texts and ${measuring.descriptions} described functions of held-out packages; ${measuring.examples} examples to learn each task from, ${measuring.epochs} epochs, ${measuring.test} to test`,
    `- Machine: ${report.machine}`,
    '- Intervals: 95 %, Student’s over the seeds, on one set of questions. With three seeds they are wide.',
    '',
    '![Edit similarity of filled blanks](figures/paradigms-blanks.svg)',
    '![Bits per byte](figures/paradigms-bits.svg)',
    '![Accuracy after fine-tuning](figures/paradigms-understanding.svg)',
    '',
    ...labTables(report),
    '## What is held equal',
    '',
    'Parameters, their shapes and, for one seed, their first values; texts and their order; rows through the network, and with them all of its compute but the output matrix; optimizer, rates and steps. Two things cannot be: rows that count in the loss, which decide how often the output matrix is applied; and how much of the text a row stands for, since blank infilling and permutation add rows of their own.',
    '',
    ...table(
      ['pre-training', 'rows that count, %'],
      rows.map(({ title, counted }) => [title, percent(counted)]),
    ),
    '',
    'The encoder-decoders have as many parameters in other shapes, first values of their own, and about half of the arithmetic: a row passes one of their two stacks.',
    '',
    'Half of each head is turned by the block position, which is 0 for all but GLM with two positions.',
    '',
    '## How each is done, and what is left out',
    '',
    ...rows.map(({ title, note }) => `- **${title}.** ${note}`),
    '',
    'Not here: fine-tuning for the descriptions, which are asked for as they come.',
    '',
  ].join('\n');
}

export function labPlots({ rows }: LabReport): Plots {
  const bars = (value: (row: LabRow) => Estimate | null | undefined) =>
    rows.flatMap((row) => {
      const share = value(row);
      return share ? [{ name: row.title, share: drawable(share), isModel: row.paradigm === 'glm' }] : [];
    });
  const tasks = rows[0]?.understanding.map(({ task }) => task) ?? [];
  return {
    'paradigms-blanks.svg': shareBars(
      'Edit similarity of filled blanks, 95 % intervals over seeds',
      blankKinds.map((kind) => ({
        name: kind,
        bars: bars(({ blanks }) => blanks.find((own) => own.kind === kind)?.similarity),
      })),
    ),
    'paradigms-bits.svg': shareBars(
      'Bits per byte from left to right, 95 % intervals over seeds; less is better',
      [
        { name: 'texts', bars: bars(({ texts }) => texts) },
        { name: 'description after function', bars: bars(({ descriptions }) => descriptions) },
      ],
      { name: 'bits', factor: 1, digits: 2 },
    ),
    'paradigms-understanding.svg': shareBars(
      'Accuracy after fine-tuning, 95 % intervals over seeds',
      tasks.flatMap((task) =>
        understandingMethods.map((method) => ({
          name: `${task}, ${method}`,
          bars: bars(({ understanding }) => understanding.find((own) => own.task === task)?.[method]),
        })),
      ),
    ),
  };
}

/** An interval without an end, of one run, is drawn as its value. */
function drawable({ value, low, high }: Estimate): Estimate {
  return { value, low: Math.max(0, Number.isFinite(low) ? low : value), high: Number.isFinite(high) ? high : value };
}
