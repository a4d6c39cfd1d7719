import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { evalCommand } from '../../../engine/cli/eval.ts';
import type { Outcome } from '../../../engine/evaluation/execution/run-python.ts';
import { suitePlots } from '../../../engine/evaluation/plots/report-plots.ts';
import { evaluateSuite } from '../../../engine/evaluation/suites/evaluate-suite.ts';
import { humanEvalInfilling } from '../../../engine/evaluation/suites/human-eval-infilling.ts';
import { readRecords } from '../../../engine/evaluation/suites/records.ts';
import type { SuiteTask } from '../../../engine/evaluation/suites/suite.ts';
import { suiteToMarkdown } from '../../../engine/evaluation/suites/suite-markdown.ts';
import { buildSuiteReport, type SuiteSubject } from '../../../engine/evaluation/suites/suite-report.ts';
import { recite } from '../infill/passages.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloze-suites-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(name: string, content: string | Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

const problem = (number: number, more: object = {}) => ({
  task_id: `SingleLineInfilling/HumanEval/${number}/L0`,
  entry_point: 'one',
  prompt: 'def one():\n    return ',
  suffix: '\n',
  canonical_solution: '1',
  test: 'def check(candidate):\n    assert candidate() == 1\n',
  ...more,
});
const lines = (...problems: object[]) => problems.map((value) => `${JSON.stringify(value)}\n`).join('');

async function tasksOf(...problems: object[]): Promise<SuiteTask[]> {
  const file = fileOf('problems.jsonl', lines(...problems));
  return humanEvalInfilling.tasks(await readRecords(file), file);
}

describe('the file of a suite', () => {
  it('is read gzipped or plain, with empty lines', async () => {
    const text = `${lines(problem(0))}\n${lines(problem(1))}`;
    const plain = await readRecords(fileOf('plain.jsonl', text));
    expect(plain.map(({ line }) => line)).toEqual([1, 3]);
    expect(await readRecords(fileOf('packed.jsonl.gz', gzipSync(text)))).toEqual(plain);
  });

  it.each([
    ['nothing', '', 'is empty'],
    ['text', 'hello\n', 'line 1 is no JSON'],
    ['a list', '{}\n[]\n', 'line 2 is no JSON object'],
    ['half a gzip file', gzipSync(lines(problem(0))).subarray(0, 40), 'cannot be unpacked'],
  ])('is refused when it holds %s', async (_, content, reason) => {
    await expect(readRecords(fileOf('wrong.jsonl', content))).rejects.toThrow(reason);
  });

  it('is named when it is not there', async () => {
    await expect(readRecords(join(folder, 'none.jsonl'))).rejects.toThrow(/none\.jsonl cannot be read/);
  });
});

describe('HumanEval-Infilling', () => {
  it('makes tasks and whole programs', async () => {
    const [task] = await tasksOf(problem(7));
    expect(task).toMatchObject({ kind: 'SingleLineInfilling', language: 'python', before: problem(7).prompt });
    expect(task?.program?.('2 - 1')).toBe(
      'def one():\n    return 2 - 1\n\ndef check(candidate):\n    assert candidate() == 1\n\ncheck(one)',
    );
  });

  it.each([
    ['a missing field', { test: undefined }, /line 2: the field "test" is missing/],
    ['a number for text', { prompt: 3 }, /line 2: the field "prompt" is no text/],
    ['code as entry point', { entry_point: 'one); import os; (one' }, /entry point .* is no name of a function/],
    ['a task twice', { task_id: problem(0).task_id }, /line 2: the task .* is there twice/],
  ])('refuses %s', async (_, more, reason) => {
    await expect(tasksOf(problem(0), { ...problem(1), ...more })).rejects.toThrow(reason);
  });
});

const subject: SuiteSubject = {
  command: 'cloze eval --suite humaneval-infilling --file f',
  seed: 1,
  contextTokens: 200,
  documentCache: false,
  model: { name: 'toy', parameters: 5e6, sha256: 'ab'.repeat(32), metadata: {}, device: 'toy' },
  suite: { name: 'humaneval-infilling', protocol: ['A protocol.'], file: 'f', sha256: 'cd'.repeat(32), tasks: 2 },
  execution: { confinement: 'isolated', promises: ['no network'], python: '3.11' },
  machine: 'a processor',
};

describe('evaluating a suite', () => {
  const passesOne = async (program: string): Promise<Outcome> =>
    program.includes('return 1\n') ? { result: 'passed', detail: '' } : { result: 'failed', detail: 'AssertionError' };
  const made = async (text: string, run?: (program: string) => Promise<Outcome>) => {
    const tasks = await tasksOf(problem(0), problem(1, { canonical_solution: '0 + 1', prompt: 'return 1\n#' }));
    const model = recite(text, { config: { maxLength: 512 } });
    return buildSuiteReport(
      subject,
      await evaluateSuite(model, tasks, { contextTokens: 200, ...(run ? { run } : {}) }),
    );
  };

  it('counts what matches and what passes, beside both controls', async () => {
    const report = await made('1', passesOne);
    expect(report.rows.map(({ predictor, tasks }) => [predictor, tasks])).toEqual([
      ['model', 2],
      ['nothing', 2],
      ['what stood there', 2],
    ]);
    const [model, nothing, truth] = report.rows;
    expect(model).toMatchObject({ exactMatch: { value: 0.5 }, passAt1: { value: 1 }, ended: 1 });
    expect(model?.bitsPerByte?.value).toBeGreaterThan(0);
    expect(nothing).toMatchObject({ exactMatch: { value: 0 }, passAt1: { value: 0.5 } });
    expect(nothing?.results).toEqual({ passed: 1, failed: 1, time: 0, output: 0 });
    expect(truth).toMatchObject({ exactMatch: { value: 1 }, passAt1: { value: 1 } });
    expect(report.answers[0]).toMatchObject({ said: '1', expected: '1', outcome: { result: 'passed' } });
  });

  it('runs the same program once', async () => {
    let runs = 0;
    await made('1', async (program) => {
      runs++;
      return passesOne(program);
    });
    // The model said what stood there in the first task: two programs there, three in the second.
    expect(runs).toBe(5);
  });

  it('does not tell the model where the true span ends', async () => {
    const report = await made('1\n2');
    expect(report.answers.map(({ said }) => said)).toEqual(['1\n2', '1\n2']);
  });

  it('leaves pass@1 out where nothing is run', async () => {
    const report = await made('1');
    expect(report.rows.map(({ passAt1 }) => passAt1)).toEqual([undefined, undefined, undefined]);
    expect(report.answers[0]?.outcome).toBeNull();
  });

  it('has plots: what matches, what passes, and what passes with nothing', async () => {
    const plots = suitePlots(await made('1', passesOne));
    expect(Object.keys(plots)).toEqual(['suite.svg', 'suite-reliability.svg']);
    for (const text of ['exact match', 'pass@1', 'pass@1 of an empty span', 'SingleLineInfilling, 2 tasks']) {
      expect(plots['suite.svg']).toContain(`>${text}<`);
    }
    expect(suitePlots(await made('1'))['suite.svg']).not.toContain('pass@1');
  });

  it('writes Markdown with whole tables, and says what protected', async () => {
    const text = suiteToMarkdown(await made('1', passesOne));
    expect(text).toMatch(/\| model \| 2 \| 100\.0 \(34\.2 to 100\.0\) \| 50\.0 /);
    expect(text).toContain('  - no network');
    for (const table of text.split('\n\n').filter((block) => block.startsWith('|'))) {
      const widths = table
        .trim()
        .split('\n')
        .map((row) => row.split('|').length);
      expect(new Set(widths).size).toBe(1);
    }
    const unrun = suiteToMarkdown({ ...(await made('1')), execution: null });
    expect(unrun).toContain('not run; spans are compared as text');
  });
});

describe('the command', () => {
  it.each([
    ['a suite without its file', ['--suite', 'humaneval-infilling'], /--suite needs --file/],
    ['a file without a suite', ['--file', 'x'], /belong to --suite NAME/],
    ['a suite that there is not', ['--suite', 'x', '--file', 'x'], /no suite "x"; there are: humaneval-infilling/],
    [
      'a way of running that there is not',
      ['--suite', 'humaneval-infilling', '--file', join(folder, 'good.jsonl'), '--execution', 'docker'],
      /--execution takes isolated, unprotected or none/,
    ],
    [
      'a Python that there is not',
      ['--suite', 'humaneval-infilling', '--file', join(folder, 'good.jsonl'), '--python', 'no-such-python'],
      /no-such-python cannot run them/,
    ],
  ])('refuses %s', async (_, args, reason) => {
    fileOf('good.jsonl', lines(problem(0)));
    await expect(evalCommand(args)).rejects.toThrow(reason);
  });
});
