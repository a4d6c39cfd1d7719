/** A tiny model with random weights under the learners, and a task of which it can learn something. */
import type { Example, PatternVerbalizer, Task } from '../../../engine/finetuning/example.ts';
import { openTrunk, type Trunk } from '../../../engine/finetuning/trunk.ts';
import type { GlmConfig } from '../../../engine/model/config.ts';
import type { ModelFolder } from '../../../engine/model/load.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { toyTokenizer } from '../infill/toy.ts';
import { randomTensors, SMALLEST } from '../native/tiny.ts';

export const tokenizer = toyTokenizer(['yes', 'no', 'red', 'blue', 'green']);
export const config: GlmConfig = { ...SMALLEST, norm: 'pre', vocabSize: tokenizer.vocabSize + 3, maxLength: 96 };

export function folderOf(seed = 3, own = config): ModelFolder {
  const tensors = randomTensors(own, createRandom(seed));
  return {
    path: 'tiny',
    family: 'cloze',
    config: own,
    metadata: {},
    async *tensors() {
      for (const [name, values] of tensors) {
        const data = new Uint8Array(values.buffer.slice(0) as ArrayBuffer);
        yield { name, shape: [values.length], dtype: 'F32' as const, data };
      }
    },
  };
}

export const tinyTrunk = (seed?: number, own?: GlmConfig): Promise<Trunk> =>
  openTrunk(folderOf(seed, own), { level: '', threads: 1, precision: 'float32' });

/** Whether a word occurs in a text. */
export const LABELLED: Task = {
  name: 'colour',
  labels: ['none', 'some'],
  metrics: ['accuracy', 'macro-f1'],
  patterns: [{ text: ['{text~} ', '{mask}.'], verbalizers: { none: 'no', some: 'yes' } }],
  plain: ['{text~}'],
};

/** The same question turned round: which label's text leads to this one. */
export const WRITTEN: PatternVerbalizer = {
  text: ['{#path}{label}{#code}{mask}'],
  verbalizers: { none: 'blue', some: 'red' },
  written: 'text',
  lengthPenalty: 0.5,
};

export const CANDIDATES: Task = {
  name: 'which colour',
  labels: [],
  metrics: ['accuracy'],
  patterns: [{ text: ['{text~} is {mask}.'], lengthPenalty: 0.5 }],
  plain: ['{text~} is {candidate}.'],
};

export function labelled(count: number, seed: number): Example[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, index) => {
    const answer = index % 2;
    const noise = () => 'abcdefgh'[random.below(8)] as string;
    const text = [noise(), noise(), answer === 1 ? 'red' : 'blue', noise()].join('');
    return { id: String(index), fields: { text }, answer };
  });
}

export function chosen(count: number, seed: number): Example[] {
  const random = createRandom(seed);
  const colours = ['red', 'blue', 'light green'];
  return Array.from({ length: count }, (_, index) => {
    const answer = random.below(3);
    return { id: String(index), fields: { text: `${colours[answer]} x` }, candidates: colours, answer };
  });
}
