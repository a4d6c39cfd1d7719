/** Test or not: some lines of a file whose path says which; of the path the extension may be shown. */
import { type CorpusTask, drawLines } from './corpus-task.ts';

const CHARACTERS = 220;
const TEST = /(^|\/)(__tests__|tests?|specs?)\/|(^|\/)test_[^/]*$|[._-](test|spec)s?\.\w+$/i;
/** Neither one nor the other for certain. */
const UNCERTAIN = /test|spec|mock|fixture|example|bench/i;

export const testOrNot: CorpusTask = {
  task: {
    name: 'test-or-not',
    labels: ['source', 'test'],
    metrics: ['accuracy', 'macro-f1'],
    patterns: [
      {
        text: ['{code~}\n// This is part of a{mask} file.'],
        verbalizers: { source: ' source', test: ' test' },
        mask: 'sentence',
      },
      // The path of the header, which in pretraining stands over all code.
      { text: ['{#path}{mask}/index{#code}{code~}'], verbalizers: { source: 'src', test: 'test' }, mask: 'sentence' },
      // Turned round: code under a path, as in pretraining.
      {
        text: ['{#path}{label}{#code}{mask}'],
        verbalizers: { source: 'src/index', test: 'test/index.test' },
        written: 'code',
        mask: 'document',
      },
      // The same with the language told.
      {
        text: ['{#path}{label}/index{extension}{#code}{mask}'],
        verbalizers: { source: 'src', test: 'tests' },
        written: 'code',
        mask: 'document',
      },
    ],
    plain: ['{code~}'],
  },
  headText: ['{#path}index{extension}{#code}{code~}'],
  draw({ path, text, language }, label, random) {
    if (language === 'other') return undefined;
    if (label === 1 ? !TEST.test(path) : UNCERTAIN.test(path)) return undefined;
    const code = drawLines(text, CHARACTERS, random);
    return code === undefined
      ? undefined
      : { fields: { code, extension: path.slice(path.lastIndexOf('.')) }, answer: label };
  },
};
