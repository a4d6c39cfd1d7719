/**
 * A small run at a learning rate that is far too high, once without and once with each remedy for loss spikes: what
 * docs/training.md shows side by side. Made with AdamW, as the papers' runs were, whatever our own recipes use.
 */
import { WHOLE } from './embedding-shrink.ts';
import type { Recipe } from './recipes.ts';

const BARE: Recipe = {
  name: 'stress',
  config: {
    vocabSize: 16384,
    hiddenSize: 96,
    innerSize: 256,
    layers: 6,
    heads: 2,
    maxLength: 512,
    positions: 'rotary-2d',
    norm: 'pre',
    residualAlpha: 1,
    activation: 'geglu',
    qkvLayout: 'per-head',
    tiedEmbedding: true,
    layerNormEpsilon: 1e-5,
    rotaryFloat16: true,
  },
  stepTokens: 2048,
  microTokens: 2048,
  optimizer: { clip: 1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, decayAll: false },
  schedule: { peak: 3e-2, floor: 0.1, warmup: 20, decayShare: 0.2 },
  embeddingShrink: WHOLE,
  samples: {
    weights: { sentence: 50, document: 38, token: 12 },
    single: 0.3,
    several: { most: 8, leastShare: 0.1, mostShare: 0.4 },
    shortest: 96,
    usual: 256,
    longest: 384,
    long: 0.1,
    neighbour: 0,
  },
};

export const STRESS: Readonly<Record<string, Recipe>> = {
  stress: BARE,
  'stress-embedding-norm': {
    ...BARE,
    name: 'stress-embedding-norm',
    config: { ...BARE.config, embeddingNorm: true },
  },
  'stress-rewind': {
    ...BARE,
    name: 'stress-rewind',
    spike: { rise: 0.8, window: 8, every: 10, skip: 2, most: 100 },
  },
  'stress-shrink': { ...BARE, name: 'stress-shrink', embeddingShrink: { alpha: 0.1, head: true } },
};
