/** Which language: some lines, without their path. */
import { type CorpusTask, drawLines } from './corpus-task.ts';

const LABELS = ['python', 'typescript', 'javascript'] as const;
const CHARACTERS = 220;

export const language: CorpusTask = {
  task: {
    name: 'language',
    labels: LABELS,
    metrics: ['accuracy', 'macro-f1'],
    // As code stands in Markdown.
    patterns: [
      {
        text: ['```{mask}\n{code~}\n```'],
        verbalizers: Object.fromEntries(LABELS.map((label) => [label, label])),
        mask: 'sentence',
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
