/**
 * HumanEval-Infilling (Bavarian et al., "Efficient Training of Language Models to Fill in the Middle", 2022): HumanEval's
 * reference solutions with a part taken out; all its splits have one format. Programs are put together as its
 * `execution.py` does: prompt, span, suffix, tests, and a call of `check` with the function.
 */
import type { Suite, SuiteRecord, SuiteTask } from './suite.ts';

const FIELDS = ['task_id', 'entry_point', 'prompt', 'suffix', 'canonical_solution', 'test'] as const;

type Problem = Record<(typeof FIELDS)[number], string>;

export const humanEvalInfilling: Suite = {
  name: 'humaneval-infilling',
  protocol: [
    'A task is a program of HumanEval (Python) with a part taken out. The model gets the text before and after it under the path "solution.py", fills one [sMASK] blank greedily, and ends the span itself: it is not told how many lines were there.',
    'pass@1: the share of tasks whose program passes the benchmark’s own tests with the one span that the model gave.',
  ],
  tasks(records, file) {
    const seen = new Set<string>();
    return records.map((record) => {
      const problem = problemOf(record, file);
      if (seen.has(problem.task_id)) {
        throw new Error(`${file}, line ${record.line}: the task "${problem.task_id}" is there twice.`);
      }
      seen.add(problem.task_id);
      return taskOf(problem);
    });
  },
};

function taskOf({ task_id: id, entry_point, prompt, suffix, canonical_solution, test }: Problem): SuiteTask {
  return {
    id,
    // The split comes first in its ids, as in "SingleLineInfilling/HumanEval/0/L0".
    kind: id.includes('/') ? id.slice(0, id.indexOf('/')) : humanEvalInfilling.name,
    language: 'python',
    package: 'HumanEval',
    path: 'solution.py',
    before: prompt,
    after: suffix,
    expected: canonical_solution,
    neighbours: [],
    program: (span) => `${prompt}${span}${suffix}\n${test}\ncheck(${entry_point})`,
  };
}

function problemOf({ line, value }: SuiteRecord, file: string): Problem {
  for (const field of FIELDS) {
    if (typeof value[field] !== 'string') {
      throw new Error(
        `${file}, line ${line}: the field "${field}" is ${field in value ? 'no text' : 'missing'}. A task of HumanEval-Infilling has ${FIELDS.join(', ')}.`,
      );
    }
  }
  const problem = value as Problem;
  if (!/^[A-Za-z_]\w*$/.test(problem.entry_point)) {
    throw new Error(`${file}, line ${line}: the entry point "${problem.entry_point}" is no name of a function.`);
  }
  return problem;
}
