/** Whole runs of a tiny model, for tests of what a run survives. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PretrainOptions } from '../../../engine/training/pretrain.ts';
import type { Recipe } from '../../../engine/training/recipes.ts';
import { toyTokenizer } from '../infill/toy.ts';
import { corpusOf, program } from './toy-corpus.ts';

const tokenizer = toyTokenizer(['function', '  ', 'const ', 'return ', 'alpha', 'beta', 'gamma', 'delta', 'call(']);

export const TOY_RECIPE: Recipe = {
  name: 'toy',
  config: {
    vocabSize: 288,
    hiddenSize: 32,
    innerSize: 48,
    layers: 2,
    heads: 2,
    maxLength: 256,
    positions: 'rotary-2d',
    norm: 'pre',
    residualAlpha: 1,
    activation: 'geglu',
    qkvLayout: 'per-head',
    tiedEmbedding: true,
    layerNormEpsilon: 1e-5,
    rotaryFloat16: true,
  },
  stepTokens: 400,
  microTokens: 400,
  optimizer: { clip: 1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, decayAll: false },
  schedule: { peak: 1e-2, floor: 0.1, warmup: 4, decayShare: 0.25 },
  embeddingShrink: { alpha: 0.5, warmup: { to: 1, from: 4, steps: 10 }, head: true },
  samples: {
    weights: { sentence: 2, document: 1, token: 1 },
    single: 0.3,
    several: { most: 6, leastShare: 0.1, mostShare: 0.3 },
    shortest: 40,
    usual: 80,
    longest: 100,
    long: 0.1,
    neighbour: 0.1,
  },
};

/** So small a rise counts that the noise of small batches is a spike now and then. */
export const JUMPY_RECIPE: Recipe = { ...TOY_RECIPE, spike: { rise: 0.25, window: 3, every: 5, skip: 2, most: 40 } };

/** Writes a stand-in for the tokenizer's file into `run`'s parent. */
export function toyRun(home: string, run: string, change: Partial<PretrainOptions> = {}): PretrainOptions {
  writeFileSync(join(home, 'tokenizer.json'), '{}');
  return {
    recipe: TOY_RECIPE,
    run,
    tokenizer,
    tokenizerFolder: home,
    tokenizerSha256: '0'.repeat(64),
    corpus: corpusOf(tokenizer, [1, 2, 3, 4].map(program)),
    heldOut: corpusOf(tokenizer, [5].map(program)),
    seed: 7,
    tokens: 30 * TOY_RECIPE.stepTokens,
    resume: false,
    execution: { level: '', threads: 1, precision: 'float32' },
    saveEvery: 1e9,
    ...change,
  };
}
