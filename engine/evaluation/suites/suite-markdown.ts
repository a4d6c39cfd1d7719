/** A suite's report as Markdown. */
import {
  between,
  CALIBRATION_PROTOCOL,
  cacheLine,
  calibrationSection,
  modelWords,
  percent,
  table,
} from '../markdown-table.ts';
import type { SuiteReport, SuiteRow } from './suite-report.ts';

export function suiteToMarkdown(report: SuiteReport): string {
  const { model, suite, execution } = report;
  const kinds = [...new Set(report.rows.map(({ kind }) => kind))];
  return [
    `# ${model.name} on ${suite.name}`,
    '',
    `- Command: \`${report.command}\` (seed ${report.seed})`,
    `- Model: ${modelWords(model)}; weights ${model.sha256.slice(0, 12)}`,
    `- Suite: ${suite.tasks} tasks of ${suite.file}, sha256 ${suite.sha256.slice(0, 12)}; Part A of at most ${report.contextTokens} tokens; ${cacheLine(report)}`,
    `- Programs: ${execution ? `run by Python ${execution.python}, ${execution.confinement}` : 'not run; spans are compared as text'}`,
    `- Machine: ${report.machine}; ${model.device}`,
    '',
    ...kinds.flatMap((kind) => [
      `## ${kind}`,
      '',
      ...table(
        [
          'predictor',
          'tasks',
          'pass@1, %',
          'exact match, %',
          'edit similarity, %',
          'bits per byte',
          'ended itself, %',
          'stopped: time, output',
        ],
        report.rows.filter((row) => row.kind === kind).map(cells),
      ),
      '',
    ]),
    ...calibrationSection(report.calibration),
    '## How',
    '',
    ...[...report.protocol, ...CALIBRATION_PROTOCOL].map((line) => `- ${line}`),
    ...(report.unscored > 0
      ? [`- ${report.unscored} spans are too long for the model and are not in bits per byte.`]
      : []),
    ...(execution
      ? ['- What protected this machine from the programs, each point tried before the first of them:']
      : []),
    ...(execution?.promises.map((promise) => `  - ${promise}`) ?? []),
    '',
  ].join('\n');
}

function cells({ predictor, tasks, passAt1, results, exactMatch, editSimilarity, bitsPerByte, ended }: SuiteRow) {
  return [
    predictor,
    String(tasks),
    passAt1 ? percent(passAt1) : '',
    percent(exactMatch),
    percent(editSimilarity),
    bitsPerByte ? between(bitsPerByte, (x) => x.toFixed(2)) : '',
    ended === undefined ? '' : (100 * ended).toFixed(1),
    results ? `${results.time}, ${results.output}` : '',
  ];
}
