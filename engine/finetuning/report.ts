/** What a fine-tuning came to: the JSON file, and the same as Markdown. */
import type { Estimate } from '../evaluation/intervals.ts';
import { between, table } from '../evaluation/markdown-table.ts';
import type { Subject } from '../evaluation/report.ts';
import type { Epoch } from './fine-tune.ts';

export interface FineTuneReport {
  format: 'cloze-finetune';
  version: 1;
  command: string;
  model: Subject['model'];
  machine: string;
  task: string;
  /** In words: the pattern and its verbalizers, or the head. */
  method: string;
  data: string;
  examples: { train: number; dev: number; test: number };
  settings: { epochs: number; batch: number; rate: number; patience: number; seed: number; maxTokens: number };
  epochs: Epoch[];
  best: number;
  /** Of the test set with the weights kept. */
  figures: { metric: string; before: Estimate; after: Estimate }[];
  seconds: number;
  answers: { id: string; choice: number; answer: number; loss: number }[];
}

export function fineTuneMarkdown(report: FineTuneReport): string {
  const { model, examples, settings, epochs } = report;
  // Losses are in nats, all others are shares.
  const shown = (metric: string, estimate: Estimate) =>
    between(estimate, (x) => (metric.startsWith('loss') ? x.toFixed(3) : (100 * x).toFixed(1)));
  return [
    `# ${model.name} fine-tuned on ${report.task}`,
    '',
    `- Command: \`${report.command}\` (seed ${settings.seed})`,
    `- Model: ${(model.parameters / 1e6).toFixed(1)} M parameters; weights ${model.sha256.slice(0, 12)}`,
    `- Data: ${report.data}; ${examples.train} examples to learn from, ${examples.dev} to choose weights by, ${examples.test} to measure on`,
    `- Method: ${report.method}`,
    `- Steps of ${settings.batch} examples of at most ${settings.maxTokens} tokens, at most ${settings.epochs} epochs, ended when ${settings.patience} in a row bring nothing; rate ${settings.rate} at its peak, linear, AdamW`,
    `- Machine: ${report.machine}; ${report.seconds} s`,
    '',
    ...table(
      ['test set', 'before', 'after'],
      report.figures.map(({ metric, before, after }) => [metric, shown(metric, before), shown(metric, after)]),
    ),
    '',
    ...table(
      ['epoch', 'loss', 'development loss', 'development score'],
      epochs.map(({ epoch, loss, devLoss, devScore }) => [
        `${epoch}${epoch === report.best ? ' (kept)' : ''}`,
        loss === null ? '' : loss.toFixed(3),
        devLoss.toFixed(3),
        devScore.toFixed(3),
      ]),
    ),
    '',
    'Intervals are 95 %: Wilson for accuracy, bootstrap over test examples (2000 resamples, seeded) for the rest. "before" is the model as it was: with a pattern it has an opinion already, with a head it has none.',
    '',
  ].join('\n');
}
