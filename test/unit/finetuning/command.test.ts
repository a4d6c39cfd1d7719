/** `cloze finetune` from its arguments to its report and the model it writes, on the model that ships. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { finetuneCommand } from '../../../engine/cli/finetune.ts';
import type { FineTuneReport } from '../../../engine/finetuning/report.ts';
import { loadModel } from '../../../engine/load-model.ts';

const model = join(import.meta.dirname, '../../../engine/embedded-model');
const folder = mkdtempSync(join(tmpdir(), 'cloze-finetune-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const inside = (name: string) => join(folder, name);
const lines = (examples: object[]) => examples.map((line) => `${JSON.stringify(line)}\n`).join('');
const data = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => ({
  code: i % 2 ? `const a${i} = ${i};` : `def a${i}(): return ${i}`,
  label: i % 2 ? 'script' : 'python',
}));

beforeAll(() => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const task = {
    name: 'kind',
    labels: ['python', 'script'],
    patterns: [
      { text: ['{code~}\n// {mask}'], verbalizers: { python: 'python', script: 'javascript' }, mask: 'sentence' },
    ],
  };
  writeFileSync(inside('kind.json'), JSON.stringify(task));
  writeFileSync(inside('train.jsonl'), lines(data));
  writeFileSync(inside('val.jsonl'), lines(data.slice(0, 4)));
});
afterAll(() => void vi.restoreAllMocks());

const run = async (json: string, ...more: string[]): Promise<FineTuneReport> => {
  const args = ['--task', inside('kind.json'), '--data', folder, '--model', model, '--json', inside(json)];
  const small = ['--epochs', '2', '--batch', '4', '--rate', '3e-4', '--dev', '2'];
  expect(await finetuneCommand([...args, ...small, ...more])).toBe(0);
  return JSON.parse(readFileSync(inside(json), 'utf8'));
};

describe('cloze finetune', () => {
  it('reports, and writes a model that can be loaded, repeatably', async () => {
    const report = await run('cloze.json', '--out', inside('tuned'), '--markdown', inside('report.md'));
    expect(report.examples).toEqual({ train: 6, dev: 2, test: 4 });
    expect(report.epochs[0]).toMatchObject({ epoch: 0, loss: null });
    expect(report.figures.map(({ metric }) => metric)).toEqual(['accuracy', 'macro-f1']);
    expect(report.method).toContain('cloze, pattern');
    expect(readFileSync(inside('report.md'), 'utf8')).toContain('fine-tuned on');
    const { answers, epochs } = await run('again.json');
    expect([answers, epochs]).toEqual([report.answers, report.epochs]);
    const tuned = await loadModel(inside('tuned'), { threads: 1 });
    expect(tuned.name).toContain('kind');
    tuned.runtime.dispose();
  });

  it('puts a head on instead', async () => {
    const report = await run('head.json', '--head', 'mean');
    expect(report.method).toContain('a classification head on the mean');
  });

  it('trains to write targets', async () => {
    const pairs = lines([1, 2, 3, 4].map((i) => ({ source: `a${i}`, target: `b${i}` })));
    writeFileSync(inside('pairs-train.jsonl'), pairs);
    const own = mkdtempSync(join(folder, 'pairs-'));
    for (const name of ['train.jsonl', 'val.jsonl', 'dev.jsonl']) writeFileSync(join(own, name), pairs);
    const args = [
      '--task',
      'seq2seq',
      '--data',
      own,
      '--model',
      model,
      '--epochs',
      '1',
      '--json',
      inside('pairs.json'),
    ];
    expect(await finetuneCommand([...args, '--rate', '1e-3'])).toBe(0);
    const { figures }: FineTuneReport = JSON.parse(readFileSync(inside('pairs.json'), 'utf8'));
    expect(figures[0]?.metric).toBe('loss per token, nats');
    expect(figures[0]?.after.value).toBeLessThan(figures[0]?.before.value as number);
  });

  it.each([
    [['--task', 'nothing'], 'There is no task "nothing". There are language'],
    [['--task', 'rte'], '--task rte needs --data FOLDER'],
    [['--task', 'rte', '--pattern', '5'], 'rte has the patterns 0 to 4, not 5'],
    [['--task', 'rte', '--head', 'top'], '--head takes cls, mean'],
    [['--task', 'rte', '--rate', 'fast'], '--rate takes a number from 0 to 1'],
  ])('refuses %j', async (args, said) => {
    await expect(finetuneCommand(args)).rejects.toThrow(said);
  });

  it('refuses to write what has no folder of its own', async () => {
    const args = [
      '--task',
      inside('kind.json'),
      '--data',
      folder,
      '--model',
      model,
      '--head',
      'cls',
      '--out',
      inside('x'),
    ];
    await expect(finetuneCommand(args)).rejects.toThrow('no place for a classification head');
  });
});
