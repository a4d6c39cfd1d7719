/** Named configurations of a pretraining run. Everything that decides the numbers of a run is here or in its seed. */
import type { AdapterOptions } from '../model/adapters.ts';
import type { GlmConfig } from '../model/config.ts';
import type { AdamWOptions } from '../native.ts';
import type { BatchRamp } from './batch-ramp.ts';
import { glm130b, glm2021 } from './classic-recipes.ts';
import { type EmbeddingShrink, WHOLE } from './embedding-shrink.ts';
import type { OwnSamples } from './sample-drawer.ts';
import type { SampleRecipe } from './samples.ts';
import type { SchedulePlan } from './schedule.ts';
import type { SpikeRemedy } from './spike.ts';
import type { StreamMixture } from './stream-samples.ts';
import { STRESS } from './stress-recipes.ts';

export interface Recipe {
  name: string;
  config: GlmConfig;
  /** Tokens in one optimizer step, and in one pass through the network. */
  stepTokens: number;
  microTokens: number;
  optimizer: Omit<AdamWOptions, 'learningRate'>;
  /** Smaller steps at the beginning. */
  ramp?: BatchRamp;
  /** Learning rate; `total` follows from the tokens asked for. */
  schedule: SchedulePlan;
  embeddingShrink: EmbeddingShrink;
  /** Going back when the loss jumps; otherwise only a loss that is no number ends the run. */
  spike?: SpikeRemedy;
  /** Windows with what an editor leaves open, the papers' own mixtures, or an experiment's. A causal model fills their middles. */
  samples: SampleRecipe | StreamMixture | OwnSamples;
  /** Adapters alone are trained, on a model that the run begins with; all weights when left out. */
  adapters?: AdapterOptions;
  /** Share of the samples that are instructions made from the corpus (instruction-samples.ts); none when left out. */
  instructions?: number;
}

/** GLM-130B's recipe at small scale with ChatGLM-6B's two-dimensional rotary positions. */
export function cursorConfig(
  size: { layers: number; hiddenSize: number; innerSize: number; heads: number },
  norm: GlmConfig['norm'],
): GlmConfig {
  return {
    ...size,
    vocabSize: 16384,
    maxLength: 1024,
    positions: 'rotary-2d',
    norm,
    residualAlpha: norm === 'deepnorm' ? Math.sqrt(2 * size.layers) : 1,
    activation: 'geglu',
    qkvLayout: 'per-head',
    tiedEmbedding: true,
    layerNormEpsilon: 1e-5,
    rotaryFloat16: true,
  };
}

const CURSOR: Omit<Recipe, 'name' | 'config'> = {
  stepTokens: 16384,
  microTokens: 8192,
  optimizer: { clip: 1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, decayAll: false, muon: 0.95 },
  schedule: { peak: 4e-4, floor: 0.05, warmup: 1000, decayShare: 0.2 },
  embeddingShrink: WHOLE,
  samples: {
    weights: { sentence: 54, document: 38, token: 8 },
    single: 0.2,
    several: { most: 24, leastShare: 0.15, mostShare: 0.65 },
    shortest: 160,
    usual: 640,
    longest: 820,
    long: 0.2,
    neighbour: 0.15,
  },
  instructions: 0.05,
};

const INFILLING: Readonly<Record<string, Recipe>> = {
  // Small enough for a comparison with its control over many tokens on a processor of two cores.
  'cursor-2m': {
    ...CURSOR,
    name: 'cursor-2m',
    stepTokens: 8192,
    schedule: { peak: 1.6e-3, floor: 0.02, warmup: 150, decayShare: 0.25 },
    config: cursorConfig({ layers: 4, hiddenSize: 96, innerSize: 256, heads: 3 }, 'pre'),
  },
  // Pre-LayerNorm: with four layers and a few thousand steps DeepNorm's stability is not needed, and it learns slower.
  'cursor-5m': {
    ...CURSOR,
    name: 'cursor-5m',
    stepTokens: 8192,
    schedule: { peak: 1.2e-3, floor: 0.02, warmup: 150, decayShare: 0.25 },
    config: cursorConfig({ layers: 4, hiddenSize: 192, innerSize: 512, heads: 3 }, 'pre'),
  },
  // Twice the layers at the same width: begins with the weights of a cursor-5m (`--from`), whose layers it repeats.
  'cursor-7m': {
    ...CURSOR,
    name: 'cursor-7m',
    stepTokens: 8192,
    schedule: { peak: 1.2e-3, floor: 0.02, warmup: 100, decayShare: 0.25 },
    config: cursorConfig({ layers: 8, hiddenSize: 192, innerSize: 512, heads: 3 }, 'pre'),
  },
  'cursor-24m': {
    ...CURSOR,
    name: 'cursor-24m',
    config: cursorConfig({ layers: 10, hiddenSize: 384, innerSize: 1024, heads: 6 }, 'deepnorm'),
  },
  'glm-2021': glm2021,
  'glm-130b': glm130b,
  ...STRESS,
};

/** By name; `cursor-…-causal` are the controls. */
export const RECIPES: Readonly<Record<string, Recipe>> = {
  ...INFILLING,
  ...Object.fromEntries(
    Object.entries(INFILLING)
      .filter(([name]) => name.startsWith('cursor-'))
      .map(([name, recipe]) => [`${name}-causal`, causalControl(recipe)]),
  ),
};

/**
 * The control of a recipe: the same size, windows, steps and rates, but a causal model that fills in the middle.
 * Instructions are laid out as blanks, which it does not know.
 */
export function causalControl(recipe: Recipe): Recipe {
  return {
    ...recipe,
    name: `${recipe.name}-causal`,
    instructions: 0,
    config: { ...recipe.config, positions: 'rotary-1d', causal: true },
  };
}
