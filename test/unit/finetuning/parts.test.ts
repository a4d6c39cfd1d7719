/** The small parts: choice, head, metrics, files of one's own tasks, examples from a corpus. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { choose } from '../../../engine/finetuning/choice.ts';
import {
  createHead,
  emptyLike,
  HEAD_VECTORS,
  headBackward,
  headForward,
} from '../../../engine/finetuning/classification-head.ts';
import type { CorpusTask } from '../../../engine/finetuning/corpus-tasks/corpus-task.ts';
import { corpusTasks, drawExamples } from '../../../engine/finetuning/corpus-tasks/draw-examples.ts';
import type { Example, Metric } from '../../../engine/finetuning/example.ts';
import { measure } from '../../../engine/finetuning/metrics.ts';
import { parseTask, readExamples, readPairs } from '../../../engine/finetuning/task-file.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { documentsOf, type TestDocument } from '../evaluation/documents.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloze-finetuning-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fileOf = (name: string, ...lines: object[]) => {
  const file = join(folder, name);
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return file;
};

describe('a choice', () => {
  it('is the cross-entropy over candidates, with its gradient', () => {
    const { probabilities, loss, gradient } = choose([Math.log(3), 0, 0], 0);
    expect(probabilities[0]).toBeCloseTo(0.6);
    expect(loss).toBeCloseTo(-Math.log(0.6));
    expect(gradient.map((g) => g.toFixed(3))).toEqual(['-0.400', '0.200', '0.200']);
  });

  it('of one candidate is to write it', () => {
    expect(choose([-2.5], 1)).toEqual({ probabilities: [1], loss: 2.5, gradient: [-1] });
  });
});

describe('the head', () => {
  it('has the gradients of its logits', () => {
    const [width, classes] = [5, 3];
    const random = createRandom(1);
    const head = createHead(width, classes, random);
    const h = Float32Array.from({ length: width }, () => random.float() - 0.5);
    const dLogits = [0.3, -1, 0.7];
    const gradients = emptyLike(head);
    const dH = headBackward(head, gradients, h, headForward(head, h).bent, dLogits);
    const loss = () => headForward(head, h).logits.reduce((sum, logit, k) => sum + logit * (dLogits[k] as number), 0);
    const slopes: [Float32Array, Float32Array][] = [
      [h, dH],
      ...HEAD_VECTORS.map((name) => [head[name], gradients[name]] as [Float32Array, Float32Array]),
    ];
    for (const [values, gradient] of slopes) {
      for (let i = 0; i < values.length; i++) {
        const kept = values[i] as number;
        values[i] = kept + 0.01;
        const above = loss();
        values[i] = kept - 0.01;
        const below = loss();
        values[i] = kept;
        expect(Math.abs((above - below) / 0.02 - (gradient[i] as number))).toBeLessThan(1e-3);
      }
    }
  });
});

describe('metrics', () => {
  const figure = (
    metric: Metric,
    answers: number[],
    choices: number[],
    more: (i: number) => Partial<Example> = () => ({}),
  ) => {
    const examples = answers.map((answer, i) => ({ id: String(i), fields: {}, answer, ...more(i) }));
    return measure(
      metric,
      examples,
      choices.map((choice) => ({ choice, probabilities: [], loss: 0 })),
      3,
      1,
    ).value;
  };

  it('are the authors’ own', () => {
    expect(figure('accuracy', [0, 1, 2, 1], [0, 1, 1, 1])).toBe(0.75);
    // F1 of label 0: 1, of 1: 2 * 2 / (2 + 3), of 2: 0.
    expect(figure('macro-f1', [0, 1, 2, 1], [0, 1, 1, 1])).toBeCloseTo((1 + 0.8 + 0) / 3);
    expect(figure('answer-f1', [1, 1, 0, 0], [1, 0, 1, 0])).toBeCloseTo(0.5);
    const group = (i: number) => ({ group: i < 2 ? 'a' : 'b' });
    expect(figure('question-exact', [1, 0, 1, 1], [1, 0, 1, 0], group)).toBe(0.5);
    const texts = () => ({ candidates: ['The Lucia Conti', 'Conti', 'rome!'], alsoRight: [1] });
    expect(figure('text-exact', [0, 0], [1, 2], texts)).toBe(0.5);
    expect(figure('text-f1', [2], [2], texts)).toBe(1);
    expect(figure('text-f1', [0], [1], () => ({ candidates: ['the Lucia Conti', 'Conti'] }))).toBeCloseTo(2 / 3);
  });
});

describe('a task of one’s own', () => {
  const json = {
    name: 'mood',
    labels: ['good', 'bad'],
    patterns: [{ text: ['{review~} It was{mask}.'], verbalizers: { good: ' great', bad: ' terrible' } }],
  };

  it('is read with its examples', async () => {
    const task = parseTask(json, 'mood.json');
    expect(task).toMatchObject({ name: 'mood', plain: ['{review~}'], metrics: ['accuracy', 'macro-f1'] });
    const file = fileOf('mood.jsonl', { review: 'Fine.', label: 'good' }, { review: 'Bah.', label: 'bad', id: 'x' });
    expect(await readExamples(task, file)).toEqual([
      { id: '1', fields: { review: 'Fine.' }, answer: 0 },
      { id: 'x', fields: { review: 'Bah.' }, answer: 1 },
    ]);
    const open = parseTask({ patterns: [{ text: ['{q}{mask}'], mask: 'sentence', lengthPenalty: 1 }] }, 'open.json');
    const lines = fileOf('open.jsonl', { q: 'Who?', candidates: ['I', 'you'], label: 1 });
    expect(await readExamples(open, lines)).toEqual([
      { id: '1', fields: { q: 'Who?' }, candidates: ['I', 'you'], answer: 1 },
    ]);
    expect(await readPairs(fileOf('pairs.jsonl', { source: 'a', target: 'b' }))).toEqual([
      { id: '1', fields: { source: 'a' }, candidates: ['b'], answer: 0 },
    ]);
  });

  it.each([
    [[], 'a task is a JSON object|"patterns" must be'],
    [{ ...json, labels: ['good'] }, '"labels" must be a list of two or more'],
    [{ ...json, patterns: [] }, '"patterns" must be'],
    [{ ...json, patterns: [{ text: 'x' }] }, 'pattern 0: "text" must be'],
    [{ ...json, patterns: [{ text: ['{mask}'], verbalizers: { good: 'a' } }] }, 'a text for the label "bad"'],
    [{ ...json, patterns: [{ ...json.patterns[0], mask: 'gap' }] }, '"mask" must be one of token, sentence, document'],
    [{ ...json, plain: ['{mask}'] }, '"plain" has 1 blanks'],
    [
      { ...json, patterns: [{ ...json.patterns[0], written: 'review' }] },
      '"written" names a field, and takes .*{label}',
    ],
    [
      {
        ...json,
        patterns: [{ text: ['{label}{mask}'], verbalizers: { good: 'a', bad: '{mask}' }, written: 'review' }],
      },
      'pattern 0 has 2 blanks',
    ],
  ])('is refused as %j', (root, said) => {
    expect(() => parseTask(root, 'mood.json')).toThrow(new RegExp(said));
  });

  it('may turn the question round', () => {
    const patterns = [
      { text: ['It was {label}: {mask}'], verbalizers: { good: 'great {why~}', bad: 'bad' }, written: 'review' },
    ];
    const task = parseTask({ ...json, patterns }, 'mood.json');
    expect(task.patterns[0]).toMatchObject(patterns[0] as object);
    expect(task.plain).toEqual(['{why~}\n{review~}']);
  });

  it('names the line whose label is none', async () => {
    const file = fileOf('wrong.jsonl', { review: 'Fine.', label: 'good' }, { review: 'Hm.', label: 'odd' });
    await expect(readExamples(parseTask(json, 'mood.json'), file)).rejects.toThrow(
      'line 2: the label "odd" is none of good, bad',
    );
  });
});

const described = (names: readonly string[]) =>
  names
    .map(
      (name, i) =>
        `/**\n * Gives the ${name} of a thing that was asked for.\n * @returns it\n */\nexport function ${name}Of(thing: Thing, count: number) {\n  const ${name} = thing.${name};\n  return lookUp(${name}, count + ${i}, thing, ${name});\n}\n`,
    )
    .join('\n');
const CORPUS: TestDocument[] = ['red', 'green', 'blue', 'grey'].flatMap((colour, i) => [
  {
    text: described([`${colour}Weight`, `${colour}Height`, `${colour}Depth`]),
    language: 'typescript',
    path: `src/${colour}.ts`,
    package: `p${i}`,
  },
  {
    text: `def ${colour}(a, b):\n    total = a + b\n    rest = total - a\n    return total * rest + a\n`.repeat(6),
    language: 'python',
    path: `lib/${colour}.py`,
    package: `p${i}`,
  },
  {
    text: `var ${colour} = require('${colour}');\nmodule.exports = ${colour};\n`.repeat(9),
    language: 'javascript',
    path: `test/${colour}.test.js`,
    package: `p${i}`,
  },
]);

describe.each(corpusTasks.map((own) => [own.task.name, own] as [string, CorpusTask]))('examples of %s', (_, own) => {
  const documents = documentsOf(CORPUS);
  const counts = { train: 12, dev: 4, test: 6 };

  it('repeat from their seed, balanced, split by package', () => {
    const drawn = drawExamples(own, { training: documents, heldOut: documents }, counts, 1);
    expect(drawExamples(own, { training: documents, heldOut: documents }, counts, 1)).toEqual(drawn);
    const other = drawExamples(own, { training: documents, heldOut: documents }, counts, 2);
    expect(other.train).not.toEqual(drawn.train);
    expect(other.test).toEqual(drawn.test);
    const packages = (examples: readonly Example[]) => new Set(examples.map(({ id }) => id.split('/')[0]));
    expect([...packages(drawn.dev)].filter((name) => packages(drawn.train).has(name))).toEqual([]);
    for (const [label] of own.task.labels.entries()) {
      expect(drawn.train.filter(({ answer }) => answer === label).length).toBe(12 / own.task.labels.length);
    }
    for (const { fields, candidates, answer } of drawn.train) {
      if (candidates) {
        expect(new Set(candidates).size).toBe(3);
        const whole = `${fields.before}${candidates[answer]}${fields.after}`;
        expect(CORPUS.some(({ text }) => text.includes(whole))).toBe(true);
      }
    }
  });
});
