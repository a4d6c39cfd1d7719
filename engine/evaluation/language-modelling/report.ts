/** The figures of the language-modelling suites, as JSON and Markdown. */
import { createRandom } from '../../objective/random.ts';
import { type Estimate, ratioOf, shareOf } from '../intervals.ts';
import { between, percent, table } from '../markdown-table.ts';
import type { Subject } from '../report.ts';
import type { TextLoss } from './bits-per-byte.ts';
import type { LastWordAnswer } from './last-word.ts';

export interface LanguageSubject extends Pick<Subject, 'command' | 'seed' | 'model' | 'machine'> {
  suite: string;
  /** Sentences: what was measured on what, and how. */
  protocol: string[];
}

export interface LanguageReport extends LanguageSubject {
  format: 'cloze-eval-language';
  version: 1;
  rows: LanguageRow[];
  items: readonly (TextLoss | LastWordAnswer)[];
}

export interface LanguageRow {
  group: string;
  items: number;
  figures: Record<string, Estimate>;
}

const EVERYTHING = 'everything';

export function lossReport(subject: LanguageSubject, losses: readonly TextLoss[]): LanguageReport {
  const row = (group: string, own: readonly TextLoss[]): LanguageRow => {
    const ratio = (above: (loss: TextLoss) => number, below: (loss: TextLoss) => number) =>
      ratioOf(own.map(above), own.map(below), createRandom(subject.seed));
    const figures: LanguageRow['figures'] = {
      'bits per byte': ratio(
        ({ loss }) => loss / Math.LN2,
        ({ bytes }) => bytes,
      ),
      'nats per token': ratio(
        ({ loss }) => loss,
        ({ tokens }) => tokens,
      ),
    };
    if (own.every(({ words }) => words !== undefined)) {
      const perWord = ratio(
        ({ loss }) => loss,
        ({ words }) => words as number,
      );
      figures['perplexity per word'] = exponential(perWord);
    }
    return { group, items: own.length, figures };
  };
  return { format: 'cloze-eval-language', version: 1, ...subject, rows: grouped(losses, row), items: losses };
}

export function lastWordReport(subject: LanguageSubject, answers: readonly LastWordAnswer[]): LanguageReport {
  const row = (group: string, own: readonly LastWordAnswer[]): LanguageRow => ({
    group,
    items: own.length,
    figures: {
      'last word right, %': shareOf(own.filter(({ isRight }) => isRight).length, own.length),
      'every token first, %': shareOf(own.filter(({ isGreedy }) => isGreedy).length, own.length),
    },
  });
  return { format: 'cloze-eval-language', version: 1, ...subject, rows: grouped(answers, row), items: answers };
}

/** GLM-130B's code caps the exponent at 20. */
function exponential({ value, low, high }: Estimate): Estimate {
  const raised = (x: number) => Math.exp(Math.min(20, x));
  return { value: raised(value), low: raised(low), high: raised(high) };
}

function grouped<T extends { group: string }>(
  items: readonly T[],
  row: (group: string, own: readonly T[]) => LanguageRow,
): LanguageRow[] {
  const groups = [...new Set(items.map(({ group }) => group))].sort();
  const rows = groups.map((group) =>
    row(
      group,
      items.filter((item) => item.group === group),
    ),
  );
  return groups.length > 1 ? [...rows, row(EVERYTHING, items)] : rows;
}

export function languageMarkdown({ command, model, machine, suite, seed, rows, protocol }: LanguageReport): string {
  const names = Object.keys(rows[0]?.figures ?? {});
  const shown = (name: string, estimate: Estimate) =>
    name.endsWith('%') ? percent(estimate) : between(estimate, (x) => x.toFixed(3));
  return [
    `# ${model.name} on ${suite}`,
    '',
    `- Command: \`${command}\` (seed ${seed})`,
    `- Model: ${(model.parameters / 1e6).toFixed(1)} M parameters; weights ${model.sha256.slice(0, 12)}; ${model.device}`,
    `- Machine: ${machine}`,
    ...protocol.map((line) => `- ${line}`),
    '',
    ...table(
      ['text', 'number', ...names],
      rows.map(({ group, items, figures }) => [
        group,
        String(items),
        ...names.map((name) => shown(name, figures[name] as Estimate)),
      ]),
    ),
    '',
    'Intervals are 95 %: Wilson for shares, bootstrap over texts (2000 resamples, seeded) for the rest; of a single text there is none.',
    '',
  ].join('\n');
}
