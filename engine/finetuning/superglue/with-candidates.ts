/** The tasks of SuperGLUE whose examples bring candidates: COPA, ReCoRD, WSC. Patterns after tasks/superglue/pvp.py. */
import { createRandom } from '../../objective/random.ts';
import type { Example } from '../example.ts';
import { plainPunctuation, type SuperGlueTask, withoutFinalPunctuation } from './reader.ts';
import { labelOf, listOf, numberOf, objectOf, type Place, textOf } from './records.ts';

export const copa: SuperGlueTask = {
  task: {
    name: 'copa',
    labels: [],
    metrics: ['accuracy'],
    patterns: [
      { text: ['"{choice1}" or "{choice2}"? {premise~}{joiner}{mask}.'] },
      { text: ['{choice1} or {choice2}? {premise~}{joiner}{mask}.'] },
    ],
    plain: ['{premise~}{joiner}\n', '{candidate}'],
  },
  examples: (records, { training }) =>
    records.flatMap((record) => {
      const id = String(numberOf(record, 'idx'));
      const question = textOf(record, 'question');
      if (question !== 'cause' && question !== 'effect') {
        throw new Error(
          `${record.where}: the field "question" is ${JSON.stringify(question)}; it should be "cause" or "effect".`,
        );
      }
      const joiner = question === 'cause' ? ' because' : ', so';
      const premise = withoutFinalPunctuation(textOf(record, 'premise'));
      const [choice1, choice2] = [choiceOf(record, 'choice1'), choiceOf(record, 'choice2')];
      const answer = labelOf(record, ['0', '1']);
      const example = (own: string, first: string, second: string, right: number): Example => ({
        id: own,
        fields: { premise, joiner, choice1: first, choice2: second },
        candidates: [` ${first}`, ` ${second}`],
        answer: right,
      });
      const straight = example(id, choice1, choice2, answer);
      return training ? [straight, example(`${id}m`, choice2, choice1, 1 - answer)] : [straight];
    }),
};

function choiceOf(record: Place, field: string): string {
  const text = withoutFinalPunctuation(textOf(record, field));
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

/** Entities beside the right one in an example to train on. */
const MOST_WRONG = 9;

export const record: SuperGlueTask = {
  task: {
    name: 'record',
    labels: [],
    metrics: ['text-exact', 'text-f1'],
    patterns: [{ text: ['{passage~} {before}{mask}{after}'] }],
    plain: ['{passage~}\n', '{before}{candidate}{after}'],
  },
  examples(records, { training, seed }) {
    const random = createRandom(seed);
    return records.flatMap((own) => {
      const passage = objectOf(own, 'passage');
      const text = plainPunctuation(textOf(passage, 'text'));
      const named = (place: Place) => text.slice(numberOf(place, 'start'), numberOf(place, 'end') + 1);
      const entities = [...new Set(listOf(passage, 'entities').map(named))];
      return listOf(own, 'qas').flatMap((question) => {
        const query = plainPunctuation(textOf(question, 'query'));
        const [before, after, more] = query.split('@placeholder');
        if (before === undefined || after === undefined || more !== undefined) {
          throw new Error(
            `${question.where}: the query should have "@placeholder" once: ${JSON.stringify(query.slice(0, 80))}.`,
          );
        }
        const right = [
          ...new Set(listOf(question, 'answers').map((answer) => plainPunctuation(textOf(answer, 'text')))),
        ];
        if (right.length === 0) throw new Error(`${question.where}: the query has no answers, so it cannot be scored.`);
        const id = `${numberOf(own, 'idx')}-${numberOf(question, 'idx')}`;
        const fields = { passage: text.replaceAll('@highlight\n', '- '), before: before.trimEnd(), after };
        const spaced = (candidates: readonly string[]) => candidates.map((candidate) => ` ${candidate}`);
        const wrong = entities.filter((entity) => !right.includes(entity));
        if (training) {
          return right.map((answer, index) => ({
            id: `${id}-${index}`,
            fields,
            candidates: spaced([answer, ...random.shuffle([...wrong]).slice(0, MOST_WRONG)]),
            answer: 0,
          }));
        }
        const candidates = [...right, ...wrong];
        return [
          { id, fields, candidates: spaced(candidates), answer: 0, alsoRight: right.map((_, index) => index).slice(1) },
        ];
      });
    });
  },
};

export const wsc: SuperGlueTask = {
  task: {
    name: 'wsc',
    labels: [],
    metrics: ['accuracy'],
    patterns: [
      { text: ["{text~} The pronoun '*{pronoun}*' refers to{mask}."] },
      { text: ["{text~} In the previous sentence, the pronoun '*{pronoun}*' refers to{mask}."] },
      {
        text: ["{text~} Question: In the passage above, what does the pronoun '*{pronoun}*' refer to? Answer:{mask}."],
      },
    ],
    plain: ['{text~}\n', '{candidate}'],
  },
  /** One candidate each: the label says whether it is what the pronoun means. Only those that are train (GLM 2021). */
  examples: (records, { training }) =>
    records.flatMap((own) => {
      const target = objectOf(own, 'target');
      const label = labelOf(own, ['false', 'true']);
      if (training && label === 0) return [];
      const pronoun = textOf(target, 'span2_text');
      const text = starred(plainPunctuation(textOf(own, 'text')), pronoun, numberOf(target, 'span2_index'), own.where);
      return [
        {
          id: String(numberOf(own, 'idx')),
          fields: { text, pronoun },
          candidates: [` ${textOf(target, 'span1_text')}`],
          answer: label,
        },
      ];
    }),
};

/** The text with asterisks around the pronoun; some indices of the published files are one off (dataset.py). */
function starred(text: string, pronoun: string, index: number, where: string): string {
  const words = text.split(/\s+/).filter(Boolean);
  const at = [index, index - 1, index + 1].find((place) => words[place] === pronoun);
  const begins = at ?? (words[index]?.startsWith(pronoun) ? index : undefined);
  const word = begins === undefined ? undefined : words[begins];
  if (begins === undefined || word === undefined) {
    throw new Error(
      `${where}: word ${index} of the text is ${JSON.stringify(words[index] ?? null)}, not the pronoun "${pronoun}".`,
    );
  }
  words[begins] = `*${pronoun}*`;
  // What hangs on the pronoun ("he's") becomes a word of its own, as GLM's reader has it.
  if (word !== pronoun) words.splice(begins + 1, 0, word.slice(pronoun.length));
  return words.join(' ');
}
