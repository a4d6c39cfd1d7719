/** Learners: their gradients against central differences, what they score, and that they learn. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createClozeLearner } from '../../../engine/finetuning/cloze-learner.ts';
import type { Example, PatternVerbalizer } from '../../../engine/finetuning/example.ts';
import { fineTune } from '../../../engine/finetuning/fine-tune.ts';
import { createHeadLearner } from '../../../engine/finetuning/head-learner.ts';
import type { Answer, Learner } from '../../../engine/finetuning/learner.ts';
import { answeredSample, fillPattern, parsePattern } from '../../../engine/finetuning/pattern.ts';
import { createSeq2SeqLearner, SEQ2SEQ_PATTERN } from '../../../engine/finetuning/seq2seq-learner.ts';
import type { Trunk } from '../../../engine/finetuning/trunk.ts';
import { tensorShapes } from '../../../engine/model/config.ts';
import { toBatch } from '../../../engine/training/batch.ts';
import { CANDIDATES, chosen, config, LABELLED, labelled, tinyTrunk, tokenizer, WRITTEN } from './tiny-trunk.ts';

const maxTokens = 48;
const pattern = (task: typeof LABELLED) => task.patterns[0] as PatternVerbalizer;
const lone: Example[] = chosen(3, 5).map((own) => ({ ...own, candidates: ['light green'], answer: 1 }));
const pairs: Example[] = chosen(4, 6).map(({ id, fields }) => ({
  id,
  fields: { source: fields.text as string },
  candidates: ['red or blue'],
  answer: 0,
}));

interface Case {
  make(trunk: Trunk): Learner;
  examples: Example[];
}

const head = (task: typeof LABELLED, pooling: 'cls' | 'mean') => (trunk: Trunk) =>
  createHeadLearner(trunk, { tokenizer, task, pooling, maxTokens, seed: 2 });
const cases: Record<string, Case> = {
  'one-token verbalizers': {
    make: (trunk) => createClozeLearner(trunk, { tokenizer, task: LABELLED, pattern: pattern(LABELLED), maxTokens }),
    examples: labelled(4, 1),
  },
  'longer candidates with a length penalty': {
    make: (trunk) =>
      createClozeLearner(trunk, { tokenizer, task: CANDIDATES, pattern: pattern(CANDIDATES), maxTokens }),
    examples: chosen(4, 1),
  },
  'a field written after the text of each label': {
    make: (trunk) => createClozeLearner(trunk, { tokenizer, task: LABELLED, pattern: WRITTEN, maxTokens }),
    examples: labelled(4, 1),
  },
  'one candidate, generated': {
    make: (trunk) =>
      createClozeLearner(trunk, { tokenizer, task: CANDIDATES, pattern: pattern(CANDIDATES), maxTokens }),
    examples: lone,
  },
  'a head on [CLS]': { make: head(LABELLED, 'cls'), examples: labelled(4, 1) },
  'a head on the mean': { make: head(LABELLED, 'mean'), examples: labelled(4, 1) },
  'a head over candidates': { make: head(CANDIDATES, 'mean'), examples: chosen(4, 1) },
  'targets with label smoothing': {
    make: (trunk) =>
      createSeq2SeqLearner(trunk, { tokenizer, pattern: SEQ2SEQ_PATTERN, maxTokens, targetTokens: 12, smoothing: 0.1 }),
    examples: pairs,
  },
};
const models = { 'in one stack': config, 'in an encoder-decoder': { ...config, decoderLayers: 1 } };
const names = tensorShapes(config).map(({ name }) => name);

describe.each(Object.entries(cases))('%s', (_, { make, examples }) => {
  it.each(Object.entries(models))('has the gradients of its loss, %s', async (_, model) => {
    const trunk = await tinyTrunk(3, model);
    const names = tensorShapes(model).map(({ name }) => name);
    const learner = make(trunk);
    const loss = await learner.learn(examples, 1);
    expect(loss).toBeGreaterThan(0);
    const start = new Map(names.map((name) => [name, trunk.trainer.get(name, 'parameter')]));
    const gradients = new Map(names.map((name) => [name, trunk.trainer.get(name, 'gradient')]));
    let slope = 0;
    for (const gradient of gradients.values()) for (const g of gradient) slope += g * g;
    expect(slope).toBeGreaterThan(0);
    const step = 0.01 / slope;
    const at = async (times: number) => {
      for (const [name, values] of start) {
        const direction = gradients.get(name) as Float32Array;
        trunk.trainer.set(
          name,
          values.map((w, i) => w + times * step * (direction[i] as number)),
          'parameter',
        );
      }
      await trunk.trainer.pack();
      return learner.learn(examples, 0);
    };
    const difference = 8 * ((await at(1)) - (await at(-1))) - ((await at(2)) - (await at(-2)));
    expect(Math.abs(difference / (12 * step) / slope - 1)).toBeLessThan(5e-3);
  });

  it('has half the gradients at half the weight', async () => {
    const [whole, half] = [await tinyTrunk(), await tinyTrunk()];
    await make(whole).learn(examples, 1);
    await make(half).learn(examples, 0.5);
    for (const name of names) {
      const [a, b] = [whole.trainer.get(name, 'gradient'), half.trainer.get(name, 'gradient')];
      expect(a.reduce((most, x, i) => Math.max(most, Math.abs(x / 2 - (b[i] as number))), 0)).toBeLessThan(1e-4);
    }
  });
});

describe('scores', () => {
  it('of one-token verbalizers are the logits at sop', async () => {
    const trunk = await tinyTrunk();
    const [example] = labelled(1, 1) as [Example];
    const [answer] = (await (cases['one-token verbalizers'] as Case).make(trunk).answer([example])) as [Answer];
    const filled = fillPattern(tokenizer, parsePattern(pattern(LABELLED).text, '', 1), example.fields, maxTokens);
    const sample = answeredSample(tokenizer, config.positions, filled, [], 'token');
    expect(sample.tokens.at(-1)).toBe(tokenizer.special.sop);
    expect(sample.tokens.length).toBe(sample.sep + 1);
    const losses = [];
    for (const [target] of ['no', 'yes'].map((word) => tokenizer.encode(word))) {
      sample.targets[sample.sep] = target as number;
      losses.push((await trunk.trainer.evaluate(toBatch([sample]))).sum);
    }
    // Of two log-probabilities the difference is that of the logits.
    const [p, q] = answer.probabilities as [number, number];
    expect(Math.log(p / q)).toBeCloseTo((losses[1] as number) - (losses[0] as number), 3);
  });

  it('of candidates are sums of log-probabilities, eop included, divided by length', async () => {
    const trunk = await tinyTrunk();
    const [example] = chosen(1, 1) as [Example];
    const [answer] = await (cases['longer candidates with a length penalty'] as Case).make(trunk).answer([example]);
    const parsed = parsePattern(pattern(CANDIDATES).text, '', 1);
    const scores = [];
    for (const candidate of example.candidates as string[]) {
      const span = tokenizer.encode(candidate);
      const filled = fillPattern(tokenizer, parsed, example.fields, maxTokens);
      const sample = answeredSample(tokenizer, config.positions, filled, span, 'token');
      expect([...sample.targets].at(-1)).toBe(tokenizer.special.eop);
      const { sum, count } = await trunk.trainer.evaluate(toBatch([sample]));
      expect(count).toBe(span.length + 1);
      scores.push(-sum / Math.sqrt(count));
    }
    const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
    for (const [index, score] of scores.entries()) {
      expect(answer?.probabilities[index]).toBeCloseTo(Math.exp(score) / total, 3);
    }
  });
});

describe('a field that is written', () => {
  it('is scored after the text of each label, and cut alike for all', async () => {
    const trunk = await tinyTrunk();
    const [example] = labelled(1, 1) as [Example];
    const text = `${example.fields.text}${'ab'.repeat(40)}`;
    const learner = (cases['a field written after the text of each label'] as Case).make(trunk);
    const [answer] = (await learner.answer([{ ...example, fields: { text } }])) as [Answer];
    // [CLS], two tokens of the header, a label's word, eos, the mask and sop; `red` and `blue` are one token each.
    const span = tokenizer.encode(text).slice(0, maxTokens - 7);
    const scores = [];
    for (const word of ['blue', 'red']) {
      const filled = fillPattern(tokenizer, parsePattern([`{#path}${word}{#code}{mask}`], '', 1), {}, maxTokens);
      const sample = answeredSample(tokenizer, config.positions, filled, span, 'token');
      expect(sample.tokens.length).toBe(maxTokens);
      const { sum, count } = await trunk.trainer.evaluate(toBatch([sample]));
      expect(count).toBe(span.length + 1);
      scores.push(-sum / Math.sqrt(count));
    }
    const [p, q] = answer.probabilities as [number, number];
    expect(Math.log(p / q)).toBeCloseTo((scores[0] as number) - (scores[1] as number), 3);
  });

  it('must be there', async () => {
    const learner = (cases['a field written after the text of each label'] as Case).make(await tinyTrunk());
    await expect(learner.answer([{ id: 'x', fields: {}, answer: 0 }])).rejects.toThrow('x has no field "text"');
  });
});

describe('the loop', () => {
  const options = {
    train: labelled(24, 7),
    dev: labelled(16, 8),
    epochs: 6,
    batch: 6,
    rate: 0.01,
    patience: 6,
    seed: 1,
    score: (answers: readonly { loss: number }[]) => -answers.reduce((sum, { loss }) => sum + loss, 0),
  };
  const make = (cases['one-token verbalizers'] as Case).make;
  let learner: Learner;
  let result: Awaited<ReturnType<typeof fineTune>>;
  beforeAll(async () => {
    learner = make(await tinyTrunk());
    result = await fineTune(learner, options);
  });

  it('learns, and leaves the best weights', async () => {
    const { epochs, best } = result;
    const scores = epochs.map(({ devScore }) => devScore);
    expect(epochs[best]?.devScore).toBe(Math.max(...scores));
    expect(best).toBeGreaterThan(0);
    const unseen = labelled(40, 9);
    const answers = await learner.answer(unseen);
    expect(answers.filter(({ choice }, index) => choice === unseen[index]?.answer).length).toBeGreaterThan(34);
    expect(options.score(await learner.answer(options.dev))).toBeCloseTo(epochs[best]?.devScore as number, 5);
  });

  it('repeats exactly, and otherwise with another seed', async () => {
    expect(await fineTune(make(await tinyTrunk()), options)).toEqual(result);
    const other = await fineTune(make(await tinyTrunk()), { ...options, seed: 2 });
    expect(other.epochs.at(-1)).not.toEqual(result.epochs.at(-1));
  });

  it('ends when nothing has improved for as many epochs as it is patient', async () => {
    let asked = 0;
    const { epochs, best } = await fineTune(make(await tinyTrunk()), {
      ...options,
      patience: 2,
      // Better twice, then worse and worse.
      score: () => (asked++ < 3 ? asked : -asked),
    });
    expect([best, epochs.length]).toEqual([2, 5]);
  });
});
