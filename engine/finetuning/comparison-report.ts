/** The table of cloze fine-tuning beside heads, from the cells that are done. */
import { bootstrapOf, type Estimate } from '../evaluation/intervals.ts';
import { between, percent, table } from '../evaluation/markdown-table.ts';
import { createRandom } from '../objective/random.ts';
import { type Cell, chosenPattern, METHODS, type Method, type Planned, patternTrials } from './comparison.ts';
import { corpusTasks } from './corpus-tasks/draw-examples.ts';

export interface ComparisonRow {
  task: string;
  examples: number;
  method: Method;
  seeds: number;
  accuracy: Estimate;
  /** Cloze minus this method on the same seeds and test examples; of heads only. */
  lead?: Estimate;
}

/** Of cloze questions those of the pattern that was chosen. */
export function comparisonRows(all: readonly Cell[]): ComparisonRow[] {
  const cells = all.filter(({ task, pattern }) => pattern === undefined || pattern === chosenPattern(all, task));
  const keys = [...new Map(cells.map(({ task, examples }) => [`${examples} ${task}`, { task, examples }])).values()];
  return keys.flatMap(({ task, examples }) =>
    METHODS.flatMap((method) => {
      const own = cells.filter((cell) => cell.task === task && cell.examples === examples && cell.method === method);
      if (own.length === 0) return [];
      const cloze = (seed: number) =>
        cells.find(
          (cell) => cell.task === task && cell.examples === examples && cell.method === 'cloze' && cell.seed === seed,
        );
      const pairs = own.flatMap((cell) => {
        const other = cloze(cell.seed);
        return other && method !== 'cloze' ? [{ ours: other.right, theirs: cell.right }] : [];
      });
      const accuracy = shareOverExamples(own.map(({ right }) => right.map(Number)));
      const row = { task, examples, method, seeds: own.length, accuracy };
      if (pairs.length === 0) return [row];
      const leads = pairs.map(({ ours, theirs }) => ours.map((right, index) => Number(right) - Number(theirs[index])));
      return [{ ...row, lead: shareOverExamples(leads) }];
    }),
  );
}

/** Means over runs and test examples, resampled over the examples: runs share them. */
function shareOverExamples(runs: readonly (readonly number[])[]): Estimate {
  const examples = (runs[0] ?? []).map(
    (_, index) => runs.reduce((sum, run) => sum + (run[index] ?? 0), 0) / runs.length,
  );
  return bootstrapOf(examples, (own) => own.reduce((sum, x) => sum + x, 0) / own.length, createRandom(1));
}

export function comparisonTable(rows: readonly ComparisonRow[]): string[] {
  const points = (estimate: Estimate) => between(estimate, (x) => `${x > 0 ? '+' : ''}${(100 * x).toFixed(1)}`);
  return table(
    ['examples', 'task', 'method', 'seeds', 'accuracy, %', 'cloze is ahead by, points'],
    rows.map(({ examples, task, method, seeds, accuracy, lead }) => [
      String(examples),
      task,
      method,
      String(seeds),
      percent(accuracy),
      lead ? points(lead) : '',
    ]),
  );
}

/** How the patterns of each task did on the development set, by which one of them was chosen. */
export function patternTable(cells: readonly Cell[]): string[] {
  const rows = corpusTasks.flatMap(({ task }) =>
    patternTrials(cells, task.name).map(({ pattern, before, devScore, devLoss }) => {
      const { text = [], written } = task.patterns[pattern] ?? {};
      const asked = JSON.stringify(text.join('')).slice(1, -1);
      return [
        task.name,
        `${pattern}${pattern === chosenPattern(cells, task.name) ? ' (chosen)' : ''}`,
        `\`\` ${asked} \`\`${written ? `, written: ${written}` : ''}`,
        String(before),
        String(devScore),
        devLoss.toFixed(2),
      ];
    }),
  );
  return table(['task', 'pattern', 'text', 'right before', 'right at best', 'loss at best'], rows);
}

/** What the table lacks of what was planned, one line for each task and size. */
export function comparisonGaps(planned: readonly Planned[], cells: readonly Cell[]): string[] {
  const gaps = new Map<string, string[]>();
  for (const { size, own, seed, method } of planned) {
    const { name } = own.task;
    const isDone = cells.some(
      (cell) => cell.task === name && cell.examples === size.examples && cell.seed === seed && cell.method === method,
    );
    if (isDone) continue;
    const key = `${name} with ${size.examples} examples`;
    gaps.set(key, [...(gaps.get(key) ?? []), `${method}, seed ${seed}`]);
  }
  return [...gaps].map(([key, list]) => `- not run: ${key}: ${list.join('; ')}`);
}

/** Of the tasks at one size: on how many cloze is ahead of the better head, and for certain. */
export function comparisonVerdict(rows: readonly ComparisonRow[]): string[] {
  const sizes = [...new Set(rows.map(({ examples }) => examples))];
  return sizes.map((size) => {
    const own = rows.filter(({ examples }) => examples === size);
    const tasks = [...new Set(own.map(({ task }) => task))].filter((task) =>
      own.some((row) => row.task === task && row.lead),
    );
    const hardest = tasks.map((task) => {
      const heads = own.filter((row) => row.task === task && row.lead);
      return heads.reduce((best, row) => (row.accuracy.value > best.accuracy.value ? row : best));
    });
    const ahead = hardest.filter(({ lead }) => (lead?.value ?? 0) > 0);
    const certain = hardest.filter(({ lead }) => (lead?.low ?? 0) > 0);
    const names = (list: readonly ComparisonRow[]) => list.map(({ task }) => task).join(', ') || 'none';
    return `With ${size} examples cloze fine-tuning is ahead of the better of the heads on ${ahead.length} of ${tasks.length} tasks (${names(ahead)}), with an interval above zero on ${certain.length} (${names(certain)}).`;
  });
}
