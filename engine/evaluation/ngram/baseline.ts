/** The n-gram baseline: counts of the training split, of the task's own document, and both together. */
import { splitForced } from '../../infill/healing.ts';
import { createRandom } from '../../objective/random.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { Baseline } from '../baseline.ts';
import type { TokenDocuments } from '../documents.ts';
import { drawnKinds, type Task } from '../task.ts';
import { type Contexts, contextsOf } from './contexts.ts';
import { type Beginning, blankFiller, type NextToken } from './fill-blank.ts';
import { distributionOf, predictAfter, probabilityOf } from './witten-bell.ts';

/** Chosen on packages of the training split: `npm run bench -- ngram`. */
const ORDER = 6;
const BEAMS = 4;
/** Six bytes each: at most 800 MB. More than this project's corpus has; of a larger one documents are drawn. */
const MOST_TOKENS = 2 ** 27;

export interface CountOptions {
  /** Of the documents that are counted where there are too many. */
  seed: number;
  mostTokens?: number;
}

/** What follows what in `training`, which `tokenizer` has packed. */
export function countTraining(
  training: TokenDocuments,
  { vocabSize }: Tokenizer,
  { seed, mostTokens = MOST_TOKENS }: CountOptions,
): Contexts {
  return contextsOf(drawText(training, vocabSize, mostTokens, seed), vocabSize);
}

export interface NgramOptions {
  /** Of the n-grams: one more than the tokens of the longest context. */
  order?: number;
  beams?: number;
}

/** `training`: of `countTraining` with the same tokenizer. */
export function ngramBaseline(
  training: Contexts,
  tokenizer: Tokenizer,
  { order = ORDER, beams = BEAMS }: NgramOptions = {},
): Baseline {
  const vocabulary = tokenizer.vocabSize;
  const fillBlank = blankFiller(tokenizer, beams);
  const places = new WeakMap<Task, TaskPlace>();
  const predict = (task: Task, textsOf: (document: Contexts) => Contexts[]): string => {
    const { beginning, document } = places.get(task) ?? placeOf(task, tokenizer, order);
    places.set(task, { beginning, document });
    const texts = textsOf(document);
    const next: NextToken = {
      distribution: (history) => distributionOf(predictAfter(texts, history, order, vocabulary)),
      probability: (history, token) => probabilityOf(predictAfter(texts, history, order, vocabulary), token),
    };
    return fillBlank(task, beginning, next);
  };
  return {
    name: 'n-gram with the document as cache',
    about: `An n-gram model of order ${order} over the model's tokens, counted in the training split (of more than ${MOST_TOKENS} tokens in documents drawn with the seed) and in the task's own document on both sides of the blank (Witten-Bell interpolation, the document asked after the training text at each length of context). A beam of ${beams} writes on from the text before the blank; of its texts, and where the kind leaves the end open of their beginnings, the one counts with which the text after the blank is the most probable.`,
    kinds: drawnKinds,
    rules: [
      { name: 'training text and document', predict: (task) => predict(task, (document) => [training, document]) },
      { name: 'document alone', predict: (task) => predict(task, (document) => [document]) },
      { name: 'training text alone', predict: (task) => predict(task, () => [training]) },
    ],
  };
}

interface TaskPlace {
  beginning: Beginning;
  document: Contexts;
}

/**
 * Within a line a blank may begin in the middle of a word: the last tokens before it are matched by their bytes. Before the text
 * of a line stands a token of its own, its indentation.
 */
function placeOf({ before, after, neighbours }: Task, tokenizer: Tokenizer, order: number): TaskPlace {
  const isWithinLine = before.slice(before.lastIndexOf('\n') + 1).trim() !== '';
  const { fed, healed } = isWithinLine
    ? splitForced(tokenizer, before)
    : { fed: tokenizer.encode(before), healed: new Uint8Array() };
  const border = tokenizer.vocabSize;
  const others = [after, ...neighbours.map(({ text }) => text)].flatMap((text) => [border, ...tokenizer.encode(text)]);
  return {
    beginning: { tokens: fed.slice(-order), healed },
    document: contextsOf(Uint16Array.from([...fed, ...others]), border),
  };
}

/**
 * Documents with a border after each: all of them, or where they have more than `most` tokens as many as find room in the order
 * in which they are drawn.
 */
function drawText({ documents, tokens, document }: TokenDocuments, border: number, most: number, seed: number) {
  const text = new Uint16Array(Math.min(most, tokens + documents));
  const order = Array.from({ length: documents }, (_, index) => index);
  let length = 0;
  for (const index of tokens + documents > most ? createRandom(seed).shuffle(order) : order) {
    const own = document(index).tokens;
    if (length + own.length + 1 > most) continue;
    text.set(own, length);
    text[length + own.length] = border;
    length += own.length + 1;
  }
  return text.subarray(0, length);
}
