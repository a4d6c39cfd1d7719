/** What the reports' Markdown is made of: tables, shares and intervals, and the tables of calibration. */
import type { Calibration } from './calibration.ts';
import type { Estimate } from './intervals.ts';

export function percent(estimate: Estimate, signed = false): string {
  return between(estimate, (x) => `${signed && x > 0 ? '+' : ''}${(100 * x).toFixed(1)}`);
}

export function between({ value, low, high }: Estimate, show: (x: number) => string): string {
  return `${show(value)} (${show(low)} to ${show(high)})`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (row: readonly string[]) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

export function calibrationSection(calibrations: readonly Calibration[]): string[] {
  const share = (x: number) => (100 * x).toFixed(1);
  const whole = calibrations.filter(({ kind }) => kind === calibrations[0]?.kind);
  return [
    '## Calibration: the model’s own probability against exact match',
    '',
    ...table(
      [
        'kind',
        'measure',
        'tasks',
        'predicted, %',
        'exact match, %',
        'expected calibration error, points',
        'by chance (at most)',
      ],
      calibrations.map(({ kind, measure, tasks, predicted, exactMatch, error, byChance, byChanceAtMost }) => [
        kind,
        measure,
        String(tasks),
        share(predicted),
        share(exactMatch),
        share(error),
        `${share(byChance)} (${share(byChanceAtMost)})`,
      ]),
    ),
    '',
    ...whole.flatMap(({ kind, measure, bins }) => [
      `Bins of ${measure}, ${kind}:`,
      '',
      ...table(
        ['bin', 'tasks', 'predicted, %', 'exact match, %'],
        bins.map(({ from, to, tasks, predicted, exactMatch }) => [
          `${from.toFixed(1)} to ${to.toFixed(1)}`,
          String(tasks),
          predicted === null ? '' : share(predicted),
          exactMatch === null ? '' : percent(exactMatch),
        ]),
      ),
      '',
    ]),
  ];
}

/** For the list of how figures were made. */
export const CALIBRATION_PROTOCOL = [
  'confidence: exp(mean log probability) of the tokens that the model chose, its end included where it gave one; probability: exp(sum) of the same, so of the whole span. Both are set against exact match in ten equal bins. Where a fill was cut at a line break the token of that break is counted and no end.',
  'expected calibration error: |exact match - mean prediction| of the bins, weighed by their tasks. "By chance" is the same error of a perfectly calibrated model with these predictions and as many tasks: mean and 95 % quantile of 1000 seeded draws.',
];

/** How the fills were made, in words. */
export function cacheLine({ documentCache }: { documentCache: boolean }): string {
  return documentCache ? 'fills mixed with the document cache, bits of the model alone' : 'the model alone';
}

/** A model's size, and what its file says of its training. */
export function modelWords({
  parameters,
  metadata,
}: {
  parameters: number;
  metadata: Readonly<Record<string, string>>;
}): string {
  const trained = Object.entries(metadata).map(([key, value]) => `${key} ${value}`);
  return [`${(parameters / 1e6).toFixed(1)} M parameters`, ...trained].join(', ');
}
