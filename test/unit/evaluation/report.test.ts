import { describe, expect, it } from 'vitest';
import type { Baseline } from '../../../engine/evaluation/baseline.ts';
import { askControl, evaluate } from '../../../engine/evaluation/evaluate.ts';
import { toMarkdown } from '../../../engine/evaluation/markdown.ts';
import { answerTask } from '../../../engine/evaluation/model-predictor.ts';
import { reportPlots } from '../../../engine/evaluation/plots/report-plots.ts';
import { buildReport, type Subject } from '../../../engine/evaluation/report.ts';
import { recite } from '../infill/passages.ts';
import { taskOf } from './documents.ts';

const subject: Subject = {
  command: 'cloze eval --tasks 3',
  seed: 1,
  tasksPerKind: 3,
  contextTokens: 200,
  documentCache: false,
  model: { name: 'toy', parameters: 5e6, sha256: 'ab'.repeat(32), metadata: { tokens: '30' }, device: 'toy' },
  corpus: { split: 'heldout', fingerprint: 'cd'.repeat(32), documents: 2, packages: ['hand-made'] },
  machine: 'a processor',
};
const semicolon: Baseline = {
  name: 'semicolon',
  about: 'Always `;`.',
  kinds: ['rest of line'],
  rules: [{ name: 'always', predict: () => ';' }],
};
const room = { config: { maxLength: 512 } };
const tasks = [
  taskOf('let x = a<<;>>\n', { id: '1' }),
  taskOf('let y = b<<();>>\n', { id: '2', language: 'python' }),
  taskOf('<<();>>\nend\n', { id: '3', kind: 'whole line' }),
];

describe('asking a model', () => {
  it('fills the blank and weighs the expected span with its end', async () => {
    const model = recite('();', room);
    const answer = await answerTask(model, tasks[1] as (typeof tasks)[0], { contextTokens: 200 });
    expect(answer).toMatchObject({ text: '();', finish: 'eop' });
    // By hand: three tokens and eop, each the toy's favourite, beside what its logits give to all others.
    const size = model.runtime.config.vocabSize;
    const others = new Float64Array(size).fill(-4);
    others.fill(50, model.tokenizer.vocabSize);
    const { special } = model.tokenizer;
    for (const id of [special.mask, special.sop, special.enc, special.path, special.code]) others[id] = 40;
    others[model.tokenizer.encode('(')[0] as number] = 10;
    const sum = others.reduce((total, logit) => total + Math.exp(logit), 0);
    expect(answer.bits).toBeCloseTo((-4 * (10 - Math.log(sum))) / Math.LN2, 3);
    expect(model.open).toBe(0);
  });

  it('gives no bits for a span that has no room', async () => {
    const model = recite('x', room);
    const long = taskOf(`a<<${'b'.repeat(600)}>>\n`);
    expect((await answerTask(model, long, { contextTokens: 200 })).bits).toBeUndefined();
  });

  it('stops a blank within a line at its end, and lets several lines run on', async () => {
    const model = recite('one\ntwo', room);
    const text = async (task: (typeof tasks)[0]) => (await answerTask(model, task, { contextTokens: 200 })).text;
    expect(await text(taskOf('a<<b>>\n'))).toBe('one');
    expect(await text(taskOf('<<b\nc>>\n', { kind: '2-8 lines' }))).toBe('one\ntwo');
  });
});

describe('a report', () => {
  const made = async () =>
    buildReport(subject, await evaluate(recite('();', room), tasks, [semicolon], { contextTokens: 200 }));

  it('holds a row for every kind, language and predictor that answers it', async () => {
    const report = await made();
    expect(
      report.rows.map(({ kind, language, predictor, tasks: count }) => [kind, language, predictor, count]),
    ).toEqual([
      ['rest of line', 'all', 'model', 2],
      ['rest of line', 'all', 'semicolon', 2],
      ['rest of line', 'typescript', 'model', 1],
      ['rest of line', 'typescript', 'semicolon', 1],
      ['rest of line', 'python', 'model', 1],
      ['rest of line', 'python', 'semicolon', 1],
      ['whole line', 'all', 'model', 1],
      ['whole line', 'typescript', 'model', 1],
    ]);
    const [model, baseline] = report.rows;
    expect(model?.exactMatch.value).toBe(0.5);
    expect(model?.editSimilarity.value).toBeCloseTo((1 / 3 + 1) / 2);
    expect(model?.ended).toBe(1);
    expect(baseline?.exactMatch.value).toBe(0.5);
    expect(baseline?.bitsPerByte).toBeUndefined();
    expect(report.leads).toMatchObject([
      { kind: 'rest of line', baseline: 'semicolon', rule: 'always', exactMatch: { value: 0 } },
    ]);
  });

  it('sums bits and bytes before dividing', async () => {
    const report = await made();
    const own = report.answers.filter(({ id }) => id !== '3');
    const bits = own.reduce((sum, answer) => sum + (answer.bits as number), 0);
    expect(report.rows[0]?.bitsPerByte?.value).toBeCloseTo(bits / 4, 10);
  });

  it('says how to make it again, and makes the same but for the clock', async () => {
    const [one, two] = [await made(), await made()];
    expect(one).toMatchObject({ format: 'cloze-eval', version: 1, command: 'cloze eval --tasks 3', seed: 1 });
    const timeless = ({ latency, ...rest }: typeof one) => ({ ...rest, kinds: latency.map(({ kind }) => kind) });
    expect(timeless(one)).toEqual(timeless(two));
    expect(JSON.parse(JSON.stringify(one)).answers[0]).toMatchObject({
      id: '1',
      path: 'a.ts',
      start: 9,
      expected: ';',
      said: { model: '();', semicolon: ';' },
    });
  });

  it('prints tables in which every row has as many cells as the head', async () => {
    const text = toMarkdown(await made());
    expect(text).toContain('`cloze eval --tasks 3` (seed 1)');
    expect(text).toMatch(/\| Python \| model \| 1 \| 100\.0 \(20\.7 to 100\.0\) \|/);
    const tables = text.split('\n\n').filter((block) => block.startsWith('|'));
    expect(tables).toHaveLength(7);
    for (const table of tables) {
      const widths = table
        .trim()
        .split('\n')
        .map((line) => line.split('|').length);
      expect(new Set(widths).size).toBe(1);
    }
  });

  it('has plots of every kind and predictor, and of calibration', async () => {
    const plots = reportPlots(await made());
    expect(Object.keys(plots)).toEqual(['exact-match.svg', 'reliability.svg']);
    for (const name of ['rest of line, 2 tasks', 'whole line, 1 tasks', 'model', 'semicolon']) {
      expect(plots['exact-match.svg']).toContain(`>${name}<`);
    }
    expect(plots['reliability.svg']).toContain('all, 3 tasks: error');
    expect(reportPlots(await made())).toEqual(plots);
  });

  it('sets a control beside the model: its rows, the lead over it in pairs, its answers', async () => {
    const options = { contextTokens: 200 };
    const model = await evaluate(recite('();', room), tasks, [semicolon], options);
    const control = { name: 'control', about: 'Another one.', model: recite(';', room) };
    const report = buildReport(subject, await askControl(model, control, options));
    expect(report.rows.slice(0, 3).map(({ predictor }) => predictor)).toEqual(['model', 'control', 'semicolon']);
    const [own, other] = report.rows;
    expect(other).toMatchObject({ exactMatch: { value: 0.5 }, ended: 1 });
    const [, , third] = report.answers;
    expect(third).toMatchObject({ said: { model: '();', control: ';' }, controls: { control: { finish: 'eop' } } });
    const [first] = report.leads;
    expect(first).toMatchObject({ baseline: 'control', rule: '', exactMatch: { value: 0 } });
    expect(first?.bitsPerByte?.value).toBeCloseTo(
      (own?.bitsPerByte?.value as number) - (other?.bitsPerByte?.value as number),
      10,
    );
    // On the third task the one says what stood there and the other does not.
    expect(report.leads.find(({ kind }) => kind === 'whole line')).toMatchObject({ exactMatch: { value: 1 } });
    expect(report.leads.find(({ kind }) => kind === 'whole line')?.bitsPerByte?.value).toBeLessThan(0);
    expect(toMarkdown(report)).toContain('- control: Another one.');
  });

  it('stops when asked to', async () => {
    const stop = new AbortController();
    const running = evaluate(recite('();', room), tasks, [], {
      contextTokens: 200,
      signal: stop.signal,
      onProgress: (done) => done === 1 && stop.abort(new Error('enough')),
    });
    await expect(running).rejects.toThrow('enough');
  });
});
