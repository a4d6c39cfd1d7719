/**
 * The recipes of GLM 2021 and GLM-130B, with every ratio and rate that their published configurations state, at a size
 * that a processor can train. What is smaller: layers, widths, lengths, tokens in a step.
 */
import type { GlmConfig } from '../model/config.ts';
import type { Recipe } from './recipes.ts';

/** Their training never meets it, but a damaged batch may: a rise of a nat within a window of losses is a spike. */
const REWIND = { rise: 1, window: 16, every: 200, skip: 8, most: 8 };

const SIZE = { layers: 6, hiddenSize: 256, heads: 4, vocabSize: 16384 };

const common: Pick<GlmConfig, 'tiedEmbedding' | 'layerNormEpsilon'> = { tiedEmbedding: true, layerNormEpsilon: 1e-5 };

/**
 * GLM 2021 (config/ds_block_large_chinese.sh: the released mixture that has all three kinds of blank), learned positions
 * in two tables, pre-LayerNorm, GELU; cosine over the whole run after 5 % of warm-up.
 */
export const glm2021: Recipe = {
  name: 'glm-2021',
  config: {
    ...SIZE,
    ...common,
    innerSize: 4 * SIZE.hiddenSize,
    maxLength: 640,
    positions: 'learned-2d',
    norm: 'pre',
    residualAlpha: 1,
    activation: 'gelu',
    qkvLayout: 'thirds',
    rotaryFloat16: false,
  },
  stepTokens: 8192,
  microTokens: 8192,
  optimizer: { clip: 1, beta1: 0.9, beta2: 0.98, epsilon: 1e-6, weightDecay: 0.01, decayAll: false },
  schedule: { shape: 'cosine', peak: 4e-4, floor: 0.1, warmup: { share: 0.05 }, decayShare: 1 },
  embeddingShrink: { alpha: 1, head: false },
  samples: {
    kind: 'stream',
    weights: { token: 0.4, sentence: 0.3, document: 0.3 },
    length: 512,
    pieces: 1,
    single: 0,
    short: 0.02,
    documentMin: 0.25,
    suffix: 0.5,
    enc: true,
  },
};

/**
 * GLM-130B (configs/glm-130b/glm-130b.sh; arXiv 2210.02414, Table 11): 30 % `[MASK]` sequences in four pieces, 70 %
 * `[gMASK]`, 5 % instructions in place of its multi-task data; DeepNorm, GeGLU, rotary positions in one dimension;
 * embedding gradient shrink 0.1 in both uses of the embedding; cosine to a tenth over 90 % of the run, warm-up over
 * 0.5 %, batches growing over 2.5 % of the tokens.
 */
export const glm130b: Recipe = {
  name: 'glm-130b',
  config: {
    ...SIZE,
    ...common,
    innerSize: 688,
    maxLength: 1024,
    positions: 'rotary-1d',
    norm: 'deepnorm',
    residualAlpha: Math.sqrt(2 * SIZE.layers),
    activation: 'geglu',
    qkvLayout: 'per-head',
    rotaryFloat16: true,
  },
  stepTokens: 16384,
  microTokens: 8192,
  ramp: { from: 2048, increment: 2048, share: 0.025 },
  optimizer: { clip: 1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, decayAll: false },
  // The paper's peak of 8e-5 is that of 12,288 dimensions.
  schedule: { shape: 'cosine', peak: 4e-4, floor: 0.1, warmup: { share: 0.005 }, decayShare: 0.9 },
  embeddingShrink: { alpha: 0.1, head: true },
  spike: REWIND,
  samples: {
    kind: 'stream',
    weights: { token: 0.3, sentence: 0, document: 0.7 },
    length: 1000,
    pieces: 4,
    single: 0.02,
    short: 0.02,
    documentMin: 0.2,
    suffix: 1,
    enc: false,
  },
  instructions: 0.05,
};
