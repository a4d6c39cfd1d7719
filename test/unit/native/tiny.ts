/** Small models with random weights and random samples, for tests of the addon that need no file. */
import { type GlmConfig, tensorShapes } from '../../../engine/model/config.ts';
import {
  type AdamWOptions,
  type ExecutionOptions,
  loadAddon,
  type NativeBatch,
  type NativeTrainer,
} from '../../../engine/native.ts';
import type { InfillingSample } from '../../../engine/objective/blank-infilling.ts';
import { createRandom, type Random } from '../../../engine/objective/random.ts';
import { toBatch } from '../../../engine/training/batch.ts';

const ALL_LEVELS = process.arch === 'arm64' ? ['portable', 'neon'] : ['portable', 'avx2', 'avx512', 'amx'];

/** The kernel levels that this machine can run, lowest first. */
export const LEVELS: readonly string[] = ALL_LEVELS.slice(0, ALL_LEVELS.indexOf(loadAddon().detectedLevel) + 1);

/** Sizes are odd on purpose: no vector, panel or block is filled. */
export const SMALLEST: GlmConfig = {
  vocabSize: 37,
  hiddenSize: 24,
  innerSize: 19,
  layers: 2,
  heads: 2,
  maxLength: 160,
  positions: 'rotary-2d',
  norm: 'deepnorm',
  residualAlpha: 2,
  activation: 'geglu',
  qkvLayout: 'per-head',
  tiedEmbedding: true,
  layerNormEpsilon: 1e-5,
  rotaryFloat16: true,
};

/** Between them: every value of every switch, tied and untied, sizes beyond one block. */
export const CONFIGS: Readonly<Record<string, GlmConfig>> = {
  'deepnorm, rotary-2d, geglu': SMALLEST,
  'deepnorm, rotary-1d, geglu, untied': {
    ...SMALLEST,
    positions: 'rotary-1d',
    hiddenSize: 36,
    heads: 3,
    innerSize: 23,
    tiedEmbedding: false,
  },
  'deepnorm, rotary-2d, gelu-tanh, untied': {
    ...SMALLEST,
    activation: 'gelu-tanh',
    innerSize: 45,
    tiedEmbedding: false,
  },
  'pre, learned-2d, gelu, thirds': {
    ...SMALLEST,
    positions: 'learned-2d',
    norm: 'pre',
    activation: 'gelu',
    qkvLayout: 'thirds',
    hiddenSize: 20,
    heads: 1,
    innerSize: 33,
  },
  'pre, rotary-1d, geglu, thirds, wide': {
    ...SMALLEST,
    positions: 'rotary-1d',
    norm: 'pre',
    qkvLayout: 'thirds',
    hiddenSize: 76,
    vocabSize: 211,
    heads: 1,
    innerSize: 70,
    layers: 1,
  },
  'post, rotary-1d, gelu': { ...SMALLEST, positions: 'rotary-1d', norm: 'post', activation: 'gelu', innerSize: 29 },
  'sandwich, learned-2d, swiglu, embedding norm': {
    ...SMALLEST,
    positions: 'learned-2d',
    norm: 'sandwich',
    activation: 'swiglu',
    embeddingNorm: true,
  },
  'sandwich, rms-norm, rotary in neighbours, causal': {
    ...SMALLEST,
    positions: 'rotary-1d',
    rotaryPairs: 'neighbours',
    rotarySize: 6,
    norm: 'sandwich',
    normKind: 'rms-norm',
    activation: 'swiglu',
    qkvLayout: 'thirds',
    bias: 'qkv',
    causal: true,
    tiedEmbedding: false,
  },
  'pre, rms-norm, embedding norm, no bias': {
    ...SMALLEST,
    norm: 'pre',
    normKind: 'rms-norm',
    bias: 'none',
    embeddingNorm: true,
  },
  'encoder-decoder, deepnorm': { ...SMALLEST, decoderLayers: 1 },
  'encoder-decoder, pre, learned-2d, untied, thirds, embedding norm': {
    ...SMALLEST,
    layers: 3,
    decoderLayers: 2,
    positions: 'learned-2d',
    norm: 'pre',
    activation: 'gelu',
    qkvLayout: 'thirds',
    hiddenSize: 36,
    heads: 3,
    tiedEmbedding: false,
    embeddingNorm: true,
  },
  'encoder-decoder, sandwich, rms-norm, bias of projections': {
    ...SMALLEST,
    layers: 3,
    decoderLayers: 1,
    positions: 'rotary-1d',
    norm: 'sandwich',
    normKind: 'rms-norm',
    activation: 'swiglu',
    bias: 'qkv',
  },
};

/** ChatGLM2's kind, with GLM-4-0414's norms: no row sees a later one, heads share keys and values. */
export const CAUSAL: GlmConfig = {
  ...SMALLEST,
  hiddenSize: 36,
  heads: 6,
  headSize: 8,
  keyValueHeads: 2,
  maxLength: 1700,
  positions: 'rotary-1d',
  rotarySize: 4,
  rotaryPairs: 'neighbours',
  norm: 'sandwich',
  normKind: 'rms-norm',
  bias: 'qkv',
  activation: 'swiglu',
  qkvLayout: 'thirds',
  causal: true,
};

/** Nearly normal values of mean 0 and deviation 1: four uniform ones together. */
export function normal(random: Random): number {
  return Math.sqrt(3) * (random.float() + random.float() + random.float() + random.float() - 2);
}

/** Weights at a scale where every part of the model matters: norms near 1, biases not 0, attention not uniform. */
export function randomTensors(config: GlmConfig, random: Random): Map<string, Float32Array> {
  return new Map(
    tensorShapes(config).map(({ name, shape }) => {
      const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
      const columns = shape[1];
      const scale = columns === undefined ? 0.2 : /embeddings|lm_head/.test(name) ? 0.5 : 1.2 / Math.sqrt(columns);
      const centre = name.endsWith('layernorm.weight') ? 1 : 0;
      return [name, values.map(() => centre + scale * normal(random))];
    }),
  );
}

/** A sample of `length` random tokens of which `sep` are Part A, in spans of a few tokens; every third row of it counts. */
export function randomSample(config: GlmConfig, random: Random, length: number, sep: number): InfillingSample {
  const draw = (bound: number) => Int32Array.from({ length }, () => random.below(bound));
  const positions = Int32Array.from({ length }, (_, row) => (row < sep ? row : random.below(Math.max(1, sep))));
  const blockPositions = Int32Array.from({ length }, (_, row) => (row < sep ? 0 : 1 + ((row - sep) % 9)));
  const predicts = (row: number) => row >= sep || (!config.decoderLayers && row % 3 === 0);
  const lossMask = Uint8Array.from({ length }, (_, row) => (predicts(row) ? 1 : 0));
  return { tokens: draw(config.vocabSize), targets: draw(config.vocabSize), positions, blockPositions, lossMask, sep };
}

/** Three samples, one longer than a block of rows, one without Part A (with one row of it for an encoder). */
export function randomBatch(config: GlmConfig, seed: number): NativeBatch {
  const random = createRandom(seed);
  return toBatch([
    randomSample(config, random, 17, 9),
    randomSample(config, random, 131, 70),
    randomSample(config, random, 5, config.decoderLayers ? 1 : 0),
  ]);
}

export async function trainerOf(
  config: GlmConfig,
  tensors: ReadonlyMap<string, Float32Array>,
  execution: Partial<ExecutionOptions> = {},
): Promise<NativeTrainer> {
  const options: ExecutionOptions = { level: '', threads: 2, precision: 'float32', ...execution };
  const trainer = new (loadAddon().Trainer)(config, options);
  for (const [name, values] of tensors) trainer.set(name, values, 'parameter');
  await trainer.pack();
  return trainer;
}

/** All gradients by name, of `weight` times the summed cross-entropy, with the loss. */
export async function gradientsOf(
  trainer: NativeTrainer,
  config: GlmConfig,
  batch: NativeBatch,
  weight: number,
): Promise<{ sum: number; count: number; gradients: Map<string, Float32Array> }> {
  trainer.zeroGradients();
  const loss = await trainer.forwardBackward(batch, weight, 1);
  return { ...loss, gradients: new Map(tensorShapes(config).map(({ name }) => [name, trainer.get(name, 'gradient')])) };
}

/** A trainer in float32 whose weights are the same at each call. */
export const openTrainer = (config: GlmConfig = SMALLEST) => trainerOf(config, randomTensors(config, createRandom(1)));

export const OPTIMIZER: AdamWOptions = {
  learningRate: 0.01,
  clip: 0,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.1,
  decayAll: false,
};
