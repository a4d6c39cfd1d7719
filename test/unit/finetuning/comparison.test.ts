/** The comparison of cloze questions with heads: its table, the choice of patterns, and what is missing. */
import { describe, expect, it } from 'vitest';
import {
  type Cell,
  COMPARISON,
  chosenPattern,
  type Method,
  plannedCells,
} from '../../../engine/finetuning/comparison.ts';
import {
  comparisonGaps,
  comparisonRows,
  comparisonVerdict,
  patternTable,
} from '../../../engine/finetuning/comparison-report.ts';
import { corpusTasks } from '../../../engine/finetuning/corpus-tasks/draw-examples.ts';

describe('the comparison', () => {
  const cell = (task: string, method: Method, right: number, seed = 1, pattern?: number): Cell => ({
    task,
    method,
    seed,
    examples: 32,
    epochs: [],
    best: 0,
    right: Array.from({ length: 100 }, (_, i) => i < right),
    seconds: 1,
    ...(pattern === undefined ? {} : { pattern }),
  });

  it('sets cloze against the better head', () => {
    const cells = [
      cell('a', 'cloze', 80),
      cell('a', 'cloze', 90, 2),
      cell('a', 'head on [CLS]', 50),
      cell('a', 'head on the mean', 60),
      cell('a', 'head on the mean', 70, 2),
      cell('b', 'cloze', 50),
      cell('b', 'head on the mean', 60),
      cell('c', 'cloze', 50),
    ];
    const rows = comparisonRows(cells);
    expect(
      rows.map(({ task, method, seeds, accuracy, lead }) => [
        task,
        method,
        seeds,
        accuracy.value,
        lead?.value.toFixed(2),
      ]),
    ).toEqual([
      ['a', 'cloze', 2, 0.85, undefined],
      ['a', 'head on [CLS]', 1, 0.5, '0.30'],
      ['a', 'head on the mean', 2, 0.65, '0.20'],
      ['b', 'cloze', 1, 0.5, undefined],
      ['b', 'head on the mean', 1, 0.6, '-0.10'],
      ['c', 'cloze', 1, 0.5, undefined],
    ]);
    expect(comparisonVerdict(rows)).toEqual([
      'With 32 examples cloze fine-tuning is ahead of the better of the heads on 1 of 2 tasks (a), with an interval above zero on 1 (a).',
    ]);
  });

  /** Right answers on the development set at the best epoch, by pattern; all are equally right on the test set. */
  const trials = (task: string, scores: readonly number[]) =>
    scores.map((devScore, pattern) => ({
      ...cell(task, 'cloze', 10 * pattern, 1, pattern),
      epochs: [
        { epoch: 0, loss: null, devLoss: 1, devScore: 3 },
        { epoch: 1, loss: 1, devLoss: 1 - pattern / 10, devScore },
      ],
      best: 1,
    }));
  const language = trials('language', [20, 25, 25]);

  it('takes the pattern that did best on the development set, of equal ones the more certain one', () => {
    expect(chosenPattern(language.slice(0, 2), 'language')).toBeUndefined();
    expect(comparisonRows(language.slice(0, 2))).toEqual([]);
    const later = trials('language', [30, 30, 30]).map((own) => ({ ...own, seed: 2 }));
    const cells = [...language, later[2] as Cell, cell('language', 'head on [CLS]', 60)];
    expect(chosenPattern(cells, 'language')).toBe(2);
    expect(comparisonRows(cells).map(({ seeds, accuracy }) => [seeds, accuracy.value])).toEqual([
      [2, 0.2],
      [1, 0.6],
    ]);
    const [, , ...lines] = patternTable(cells);
    expect(lines).toHaveLength(3);
    expect(lines[2]).toMatch(/^\| language \| 2 \(chosen\) \| .*written: code \| 3 \| 25 \| 0\.80 \|$/);
  });

  it('says what was planned and not run', () => {
    const planned = plannedCells(COMPARISON);
    expect(planned).toHaveLength(48);
    expect(planned.slice(0, 36).every(({ size }) => size.examples === 32)).toBe(true);
    const done = planned.map(({ own, size, seed, method }) => ({
      ...cell(own.task.name, method, 1, seed),
      examples: size.examples,
    }));
    expect(comparisonGaps(planned, done)).toEqual([]);
    expect(comparisonGaps(planned, done.slice(0, -4))).toEqual([
      '- not run: description with 1000 examples: head on the mean, seed 1',
      '- not run: misuse with 1000 examples: cloze, seed 1; head on [CLS], seed 1; head on the mean, seed 1',
    ]);
    expect(comparisonGaps(planned, [])).toHaveLength(2 * corpusTasks.length);
  });
});
