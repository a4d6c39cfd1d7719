import { describe, expect, it } from 'vitest';
import type { Baseline } from '../../../engine/evaluation/baseline.ts';
import { commonEndings } from '../../../engine/evaluation/common-endings.ts';
import { countEndings } from '../../../engine/evaluation/ending-counts.ts';
import { bestRule } from '../../../engine/evaluation/evaluate.ts';
import { nearestSimilarPlace } from '../../../engine/evaluation/similar-place.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { documentsOf, taskOf } from './documents.ts';

const predictionsOf = (baseline: Baseline, task: Parameters<(typeof nearestSimilarPlace.rules)[0]['predict']>[0]) =>
  baseline.rules.map(({ predict }) => predict(task));

describe('counting endings', () => {
  it('answers with the favourite after the longest context that was seen often enough', () => {
    const counts = countEndings(['x = foo('], 'cursor', createRandom(1));
    counts.add('y = bar(1);\ny = bar(1);\ny = bar(1);\nx = foo(2);\n');
    expect(counts.predict('x = foo(', 1)).toBe('2);');
    // Seen three times, but only after less of the same text.
    const shorter = countEndings(['x = foo('], 'cursor', createRandom(1));
    shorter.add('y = foo(1);\ny = foo(1);\ny = foo(1);\nx = foo(2);\n');
    expect(shorter.predict('x = foo(', 1)).toBe('2);');
    expect(shorter.predict('x = foo(', 2)).toBe('1);');
  });

  it('says the most common ending when asked for nothing else', () => {
    const counts = countEndings(['whatever'], 'cursor', createRandom(1));
    counts.add('ab;\ncd;\nef;\ngh,\n'.repeat(20));
    expect(counts.predict('whatever', Number.POSITIVE_INFINITY)).toBe(';');
  });

  it('leaves white space at the end out, and lines with no place for a cursor', () => {
    const counts = countEndings(['a'], 'cursor', createRandom(1));
    counts.add('a;  \n}\n\n   \n');
    expect(counts.predict('a', 1)).toBe(';');
  });

  it('counts whole lines by the text before them, across line breaks', () => {
    const before = 'if (x) {\n  go();\n';
    const counts = countEndings([before], 'line', createRandom(1));
    counts.add('a\nb\nb\nb\nif (y) {\n  go();\n}\n');
    expect(counts.predict(before, 1)).toBe('}');
    expect(counts.predict(before, 2)).toBe('b');
    expect(counts.predict('', 1)).toBe('b');
  });

  it('stops listening to a context that has been met often, not to others', () => {
    const counts = countEndings(['zz'], 'line', createRandom(1));
    counts.add('usual\n'.repeat(30_000));
    counts.add('late\n'.repeat(40_000));
    expect(counts.predict('zz', 1)).toBe('usual');
    const cursors = countEndings(['late: '], 'cursor', createRandom(1));
    cursors.add('usual: 1\n'.repeat(30_000));
    cursors.add('late: 2\n'.repeat(3));
    expect(cursors.predict('late: ', 2)).toBe('2');
  });
});

describe('common endings of a training split', () => {
  const training = documentsOf([
    { language: 'typescript', text: 'const a = 1;\nlet b = 2;\nreturn c;\n'.repeat(30) },
    { language: 'python', text: 'def f(self):\nif x:\ntry:\n'.repeat(60) },
  ]);

  it('counts each language for itself', async () => {
    const tasks = [
      taskOf('let q = q<<;>>\n'),
      taskOf('def h(<<self):>>\n', { language: 'python' }),
      taskOf('const a = 1;\n<<let b = 2;>>\n', { kind: 'whole line' }),
    ];
    const [constant, conditional] = await commonEndings(training, tasks, { seed: 1 });
    const [typescript, python, line] = tasks as [(typeof tasks)[0], (typeof tasks)[0], (typeof tasks)[0]];
    expect(predictionsOf(constant as Baseline, typescript)).toEqual([';']);
    expect(predictionsOf(constant as Baseline, python)).toEqual([':']);
    expect(predictionsOf(conditional as Baseline, python)[0]).toBe('self):');
    expect(predictionsOf(conditional as Baseline, line)[0]).toBe('let b = 2;');
  });
});

describe('copying the nearest similar line', () => {
  const copies = (text: string, more = {}) => predictionsOf(nearestSimilarPlace, taskOf(text, more));

  it('copies the rest of the line whose beginning is most alike', () => {
    expect(copies('this.width = options.width;\nfoo(1);\nthis.height = op<<tions.height;>>\nbar(2);\n')[0]).toBe(
      'tions.width;',
    );
    // What stands after the blank serves as well.
    expect(copies('a();\nlet x = await l<<oad(1);>>\nlet y = await load(2);\n')[0]).toBe('oad(2);');
  });

  it('prefers the text after among places equally alike before, then the nearest', () => {
    expect(copies('\nx = 1;\nend\nx = 2;\nx <<= 3;>>\nend\n')[0]).toBe('= 1;');
    expect(copies('\nx = 1;\n\nx = 2;\n\nx <<= 3;>>\n')[0]).toBe('= 2;');
  });

  it('does not copy the line that the blank cuts off', () => {
    for (const said of copies('ababab<<c>>\n')) expect(said).toBe('');
  });

  it('copies a whole line after the same lines, and as many lines as the text after agrees with', () => {
    const block = 'open();\n  step(1);\n  step(2);\n  step(3);\nclose();\n';
    expect(copies(`${block}open();\n  <<step(1);>>\n  step(2);\n`, { kind: 'whole line' })[0]).toBe('step(1);');
    expect(
      copies(`${block}open();\n  <<step(1);\n  step(2);\n  step(3);>>\nclose();\n`, { kind: '2-8 lines' })[0],
    ).toBe('step(1);\n  step(2);\n  step(3);');
  });

  it('copies a span up to where both sides agree', () => {
    const spans = copies('call(first, second);\ncall(fi<<rst, sec>>ond);\n', { kind: 'character span' });
    expect(spans).toContain('rst, sec');
    expect(spans[1]).toBe('rst, sec');
  });

  it('looks into neighbours', () => {
    const neighbours = [{ path: 'b.ts', text: 'export const limit = 10;' }];
    expect(copies('export const li<<mit = 10;>>\n', { neighbours })[0]).toBe('mit = 10;');
  });

  it('says nothing where nothing is alike', () => {
    expect(copies('q<<w>>\n')).toEqual(['', '', '']);
  });
});

describe('choosing a rule', () => {
  it('takes the one that does best on the tasks', () => {
    const rule = (name: string, text: string) => ({ name, predict: () => text });
    const baseline = { name: 'b', about: '', kinds: ['rest of line'], rules: [rule('one', 'x'), rule('two', ';')] };
    const tasks = [taskOf('a<<;>>'), taskOf('b<<;>>'), taskOf('c<<x>>')];
    const { rule: chosen, marks } = bestRule(baseline, tasks);
    expect(chosen).toBe('two');
    expect(marks.map(({ isExact }) => isExact)).toEqual([true, true, false]);
    const near = { ...baseline, rules: [rule('far', 'zzzz'), rule('near', ';;')] };
    expect(bestRule(near, tasks).rule).toBe('near');
  });
});
