/** Which language: some lines, without their path. */
import { type CorpusTask, drawLines } from './corpus-task.ts';

const LABELS = ['python', 'typescript', 'javascript'] as const;
const EXTENSIONS = { python: 'py', typescript: 'ts', javascript: 'js' };
const CHARACTERS = 220;

export const language: CorpusTask = {
  task: {
    name: 'language',
    labels: LABELS,
    metrics: ['accuracy', 'macro-f1'],
    patterns: [
      // As code stands in Markdown.
      {
        text: ['```{mask}\n{code~}\n```'],
        verbalizers: Object.fromEntries(LABELS.map((label) => [label, label])),
        mask: 'sentence',
      },
      // The path of the header, which in pretraining stands over all code.
      { text: ['{#path}src/index.{mask}{#code}{code~}'], verbalizers: EXTENSIONS, mask: 'sentence' },
      // Turned round: code under a path, as in pretraining.
      {
        text: ['{#path}src/index.{label}{#code}{mask}'],
        verbalizers: EXTENSIONS,
        written: 'code',
        mask: 'document',
      },
    ],
    plain: ['{code~}'],
  },
  draw(document, label, random) {
    if (document.language !== LABELS[label]) return undefined;
    const code = drawLines(document.text, CHARACTERS, random);
    return code === undefined ? undefined : { fields: { code }, answer: label };
  },
};
