/** A report as Markdown: one table for each kind of task, the leads, and how it was made. */
import {
  between,
  CALIBRATION_PROTOCOL,
  cacheLine,
  calibrationSection,
  modelWords,
  percent,
  table,
} from './markdown-table.ts';
import type { Report, Row } from './report.ts';

const LANGUAGE_NAMES: Readonly<Record<string, string>> = {
  all: 'all',
  typescript: 'TypeScript',
  javascript: 'JavaScript',
  python: 'Python',
};

export function toMarkdown(report: Report): string {
  const { model, corpus } = report;
  const kinds = [...new Set(report.rows.map(({ kind }) => kind))];
  return [
    `# Evaluation of ${model.name}`,
    '',
    `- Command: \`${report.command}\` (seed ${report.seed})`,
    `- Model: ${modelWords(model)}; weights ${model.sha256.slice(0, 12)}`,
    `- Text: ${corpus.documents} documents, split "${corpus.split}" of corpus ${corpus.fingerprint.slice(0, 12)}: ${corpus.packages.join(', ')}`,
    `- Tasks: ${report.tasksPerKind} of each kind; Part A of at most ${report.contextTokens} tokens; ${cacheLine(report)}`,
    `- Machine: ${report.machine}; ${model.device}`,
    '',
    ...kinds.flatMap((kind) => [
      `## ${kind}`,
      '',
      ...table(
        ['language', 'predictor', 'tasks', 'exact match, %', 'edit similarity, %', 'bits per byte', 'ended itself, %'],
        report.rows.filter((row) => row.kind === kind).map(cells),
      ),
      '',
    ]),
    '## Lead of the model, all languages, on the same tasks',
    '',
    ...table(
      ['kind', 'over', 'rule that served it best', 'exact match, points', 'edit similarity, points', 'bits per byte'],
      report.leads.map(({ kind, baseline, rule, exactMatch, editSimilarity, bitsPerByte }) => [
        kind,
        baseline,
        rule,
        percent(exactMatch, true),
        percent(editSimilarity, true),
        bitsPerByte ? between(bitsPerByte, (x) => `${x > 0 ? '+' : ''}${x.toFixed(2)}`) : '',
      ]),
    ),
    '',
    ...calibrationSection(report.calibration),
    '## Latency, for information only: mean milliseconds',
    '',
    ...table(
      ['kind', 'text to tokens', 'reading Part A', 'generating'],
      report.latency.map(({ kind, tokenize, read, extend }) => [
        kind,
        ...[tokenize, read, extend].map((x) => x.toFixed(1)),
      ]),
    ),
    '',
    '## How',
    '',
    ...[...report.protocol, ...CALIBRATION_PROTOCOL].map((line) => `- ${line}`),
    ...report.baselines.map(({ name, about }) => `- ${name}: ${about}`),
    ...(report.unscored > 0
      ? [`- ${report.unscored} spans are too long for the model and are not in bits per byte.`]
      : []),
    '',
  ].join('\n');
}

function cells({ language, predictor, tasks, exactMatch, editSimilarity, bitsPerByte, ended }: Row): string[] {
  return [
    LANGUAGE_NAMES[language] ?? language,
    predictor,
    String(tasks),
    percent(exactMatch),
    percent(editSimilarity),
    bitsPerByte ? between(bitsPerByte, (x) => x.toFixed(2)) : '',
    ended === undefined ? '' : (100 * ended).toFixed(1),
  ];
}
