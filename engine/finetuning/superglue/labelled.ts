/** The tasks of SuperGLUE that have labels: BoolQ, CB, RTE, WiC, MultiRC. Patterns after tasks/superglue/pvp.py. */
import type { PatternVerbalizer } from '../example.ts';
import { plainPunctuation, type SuperGlueTask, withoutFinalPunctuation } from './reader.ts';
import { labelOf, listOf, numberOf, objectOf, textOf } from './records.ts';

const YES_NO = { true: ' Yes', false: ' No' };
const TRUE_FALSE = { true: ' true', false: ' false' };
const QUESTION = '{passage~} Question: {question~}? Answer:{mask}.';
const PREVIOUS = '{passage~} Based on the previous passage, {question~}?{mask}.';
const FOLLOWING = 'Based on the following passage  {question~}?{mask}. {passage~}';

export const boolq: SuperGlueTask = {
  task: {
    name: 'boolq',
    labels: ['false', 'true'],
    metrics: ['accuracy'],
    patterns: [QUESTION, PREVIOUS, FOLLOWING].flatMap((text) => [
      { text: [text], verbalizers: YES_NO },
      { text: [text], verbalizers: TRUE_FALSE },
    ]),
    plain: ['{passage~}\n', '{question~}'],
  },
  examples: (records) =>
    records.map((record) => ({
      id: String(numberOf(record, 'idx')),
      fields: {
        passage: plainPunctuation(textOf(record, 'passage')),
        question: plainPunctuation(textOf(record, 'question')),
      },
      answer: labelOf(record, boolq.task.labels),
    })),
};

/** RTE's and CB's first four patterns, with the verbalizers of either. */
function entailmentPatterns(verbalizers: Record<string, string>): PatternVerbalizer[] {
  return [
    ['"{bare~}" ?', '{mask}, "{premise~}"'],
    ['{bare~}?', '{mask}, {premise~}'],
    ['"{bare~}" ?', '{mask}. "{premise~}"'],
    ['{bare~}?', '{mask}. {premise~}'],
  ].map((text) => ({ text, verbalizers }));
}

function entailment(
  name: string,
  labels: readonly string[],
  metrics: SuperGlueTask['task']['metrics'],
  patterns: readonly PatternVerbalizer[],
): SuperGlueTask {
  return {
    task: { name, labels, metrics, patterns, plain: ['{premise~}\n', '{hypothesis~}'] },
    examples: (records) =>
      records.map((record) => {
        const hypothesis = plainPunctuation(textOf(record, 'hypothesis'));
        return {
          id: String(numberOf(record, 'idx')),
          fields: {
            premise: plainPunctuation(textOf(record, 'premise')),
            hypothesis,
            bare: withoutFinalPunctuation(hypothesis),
          },
          answer: labelOf(record, labels),
        };
      }),
  };
}

export const rte = entailment(
  'rte',
  ['entailment', 'not_entailment'],
  ['accuracy'],
  [
    ...entailmentPatterns({ entailment: ' Yes', not_entailment: ' No' }),
    {
      text: ['{premise~} question: {bare~} True or False? answer:{mask}'],
      verbalizers: { entailment: ' true', not_entailment: ' false' },
    },
  ],
);

export const cb = entailment(
  'cb',
  ['entailment', 'contradiction', 'neutral'],
  ['accuracy', 'macro-f1'],
  [
    ...entailmentPatterns({ entailment: ' Yes', contradiction: ' No', neutral: ' Maybe' }),
    {
      text: ['{premise~} question: {hypothesis~} true, false or neither? answer:{mask}'],
      verbalizers: { entailment: ' true', contradiction: ' false', neutral: ' neither' },
    },
  ],
);

export const wic: SuperGlueTask = {
  task: {
    name: 'wic',
    labels: ['false', 'true'],
    metrics: ['accuracy'],
    patterns: [
      { text: ['{pair~} Similar sense of "{word}"?{mask}.'], verbalizers: YES_NO },
      {
        text: ['{sentence1~} {sentence2~} Does {word} have the same meaning in both sentences?{mask}'],
        verbalizers: YES_NO,
      },
      {
        text: ['{word} . Sense (1) (a) "{sentence1~}" ({mask}) "{sentence2}"'],
        verbalizers: { true: 'b', false: '2' },
      },
    ],
    plain: ['{word}: {sentence1~}\n', '{sentence2~}'],
  },
  examples: (records) =>
    records.map((record) => {
      const sentence1 = plainPunctuation(textOf(record, 'sentence1'));
      const sentence2 = plainPunctuation(textOf(record, 'sentence2'));
      return {
        id: String(numberOf(record, 'idx')),
        fields: { sentence1, sentence2, pair: `"${sentence1}" / "${sentence2}"`, word: textOf(record, 'word') },
        answer: labelOf(record, wic.task.labels),
      };
    }),
};

export const multirc: SuperGlueTask = {
  task: {
    name: 'multirc',
    labels: ['0', '1'],
    metrics: ['answer-f1', 'question-exact', 'accuracy'],
    patterns: [
      { text: ['{passage~}. Question: {question}? Is it {answer}?{mask}.'], verbalizers: { 0: ' No', 1: ' Yes' } },
      {
        text: ['{passage~}. Question: {question}? Is the correct answer "{answer}"?{mask}.'],
        verbalizers: { 0: ' No', 1: ' Yes' },
      },
      {
        text: ['{passage~}. Based on the previous passage, {question}? Is "{answer}" a correct answer?{mask}.'],
        verbalizers: { 0: ' No', 1: ' Yes' },
      },
      { text: ['{passage~} {question}- [{mask}]{answer}'], verbalizers: { 0: ' False', 1: ' True' } },
    ],
    plain: ['{passage~}\n', '{question} answer: {answer}'],
  },
  examples: (records) =>
    records.flatMap((record) => {
      const at = numberOf(record, 'idx');
      const passage = objectOf(record, 'passage');
      const text = withoutFinalPunctuation(plainPunctuation(textOf(passage, 'text')).trimEnd());
      return listOf(passage, 'questions').flatMap((question) => {
        const group = `${at}-${numberOf(question, 'idx')}`;
        const asked = withoutFinalPunctuation(plainPunctuation(textOf(question, 'question')).trimEnd());
        return listOf(question, 'answers').map((answer) => ({
          id: `${group}-${numberOf(answer, 'idx')}`,
          fields: { passage: text, question: asked, answer: plainPunctuation(textOf(answer, 'text')) },
          answer: labelOf(answer, multirc.task.labels),
          group,
        }));
      });
    }),
};
