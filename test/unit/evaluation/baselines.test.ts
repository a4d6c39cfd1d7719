import { describe, expect, it } from 'vitest';
import type { Baseline } from '../../../engine/evaluation/baseline.ts';
import { commonEndings } from '../../../engine/evaluation/common-endings.ts';
import { countEndings } from '../../../engine/evaluation/ending-counts.ts';
import { bestRule } from '../../../engine/evaluation/evaluate.ts';
import { mostSimilarPlace, nearestSimilarLine } from '../../../engine/evaluation/similar-place.ts';
import type { Task } from '../../../engine/evaluation/task.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { documentsOf, taskOf } from './documents.ts';

const predictionsOf = (baseline: Baseline, task: Task) => baseline.rules.map(({ predict }) => predict(task));

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
    counts.add('usual\n'.repeat(20_000));
    counts.add('late\n'.repeat(40_000));
    expect(counts.predict('zz', 1)).toBe('usual');
    const cursors = countEndings(['late: '], 'cursor', createRandom(1));
    cursors.add('usual: 1\n'.repeat(20_000));
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

/** What a rule of a copying baseline says. */
function copies(baseline: Baseline, rule: string, text: string, more: Partial<Task> = {}): string | undefined {
  return baseline.rules.find(({ name }) => name === rule)?.predict(taskOf(text, more));
}
const NEAREST = 'text before, then the nearest';
const AFTER = 'text before, then text after';
const TOGETHER = 'text before and after together';

describe('copying', () => {
  it('copies the rest of the line whose beginning is most alike', () => {
    for (const baseline of [nearestSimilarLine, mostSimilarPlace]) {
      const text = 'this.width = options.width;\nfoo(1);\nthis.height = op<<tions.height;>>\nbar(2);\n';
      expect(copies(baseline, NEAREST, text)).toBe('tions.width;');
      // What stands after the blank serves as well.
      expect(copies(baseline, NEAREST, 'a();\nlet x = await l<<oad(1);>>\nlet y = await load(2);\n')).toBe('oad(2);');
    }
  });

  it('takes the nearest of lines that are equally alike, or the one in the likest place', () => {
    const text = '\nx = 1;\nend\nx = 2;\nx <<= 3;>>\nend\n';
    expect(copies(nearestSimilarLine, NEAREST, text)).toBe('= 2;');
    expect(copies(nearestSimilarLine, AFTER, text)).toBe('= 2;');
    expect(copies(mostSimilarPlace, NEAREST, text)).toBe('= 2;');
    expect(copies(mostSimilarPlace, AFTER, text)).toBe('= 1;');
    const lines = '\nopen\nx = 1;\nx = 2;\nopen\nx <<= 3;>>\n';
    expect(copies(nearestSimilarLine, NEAREST, lines)).toBe('= 2;');
    expect(copies(mostSimilarPlace, NEAREST, lines)).toBe('= 1;');
  });

  it('does not copy the line that the blank cuts off, nor invents', () => {
    for (const { predict } of [...nearestSimilarLine.rules, ...mostSimilarPlace.rules]) {
      expect(predict(taskOf('ababab<<c>>\n'))).toBe('');
      expect(predict(taskOf('q<<w>>\n'))).toBe('');
    }
  });

  it('copies a whole line after the same lines, and as many lines as the text after agrees with', () => {
    const block = 'open();\n  step(1);\n  step(2);\n  step(3);\nclose();\n';
    const line = `${block}open();\n  <<step(1);>>\n  step(2);\n`;
    expect(copies(mostSimilarPlace, NEAREST, line, { kind: 'whole line' })).toBe('step(1);');
    expect(nearestSimilarLine.kinds).not.toContain('whole line');
    const lines = `${block}open();\n  <<step(1);\n  step(2);\n  step(3);>>\nclose();\n`;
    expect(copies(mostSimilarPlace, AFTER, lines, { kind: '2-8 lines' })).toBe('step(1);\n  step(2);\n  step(3);');
  });

  it('copies a span up to where both sides agree', () => {
    const text = 'call(first, second);\ncall(fi<<rst, sec>>ond);\n';
    for (const baseline of [nearestSimilarLine, mostSimilarPlace]) {
      expect(copies(baseline, AFTER, text, { kind: 'character span' })).toBe('rst, sec');
      expect(copies(baseline, TOGETHER, text, { kind: 'character span' })).toBe('rst, sec');
    }
  });

  it('looks into neighbours', () => {
    const neighbours = [{ path: 'b.ts', text: 'export const limit = 10;' }];
    expect(copies(nearestSimilarLine, NEAREST, 'export const li<<mit = 10;>>\n', { neighbours })).toBe('mit = 10;');
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
