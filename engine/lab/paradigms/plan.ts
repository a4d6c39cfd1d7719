/** What the lab holds equal, and the recipe that follows from it for each way of pre-training. */
import { createHash } from 'node:crypto';
import type { GlmConfig } from '../../model/config.ts';
import { createRandom, type Random } from '../../objective/random.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { PackedCorpus } from '../../training/corpus/packed-corpus.ts';
import { WHOLE } from '../../training/embedding-shrink.ts';
import type { Recipe } from '../../training/recipes.ts';
import { drawUntilFits } from '../../training/samples.ts';
import { drawStream } from '../../training/stream-samples.ts';
import { type LabParadigm, type LabTokens, labTokens } from './paradigm.ts';

export interface TrainingPlan {
  layers: number;
  hiddenSize: number;
  /** Rows through the network in training, those that a paradigm adds to the text included: its compute. */
  tokens: number;
  /** Tokens of a text before a paradigm lays it out. */
  length: number;
}

export interface MeasuringPlan {
  /** Blanks of each kind, texts and described functions of the held-out packages. */
  blanks: number;
  texts: number;
  descriptions: number;
  /** Tasks of the corpus, each learnt with a head and as a cloze question. */
  tasks: readonly string[];
  examples: number;
  dev: number;
  test: number;
  epochs: number;
}

/** The size that the experiment is meant for: about 8 M parameters with a vocabulary of 16,384. */
export const USUAL: TrainingPlan = { layers: 6, hiddenSize: 256, tokens: 30e6, length: 256 };

export const MEASURING: MeasuringPlan = {
  blanks: 200,
  texts: 100,
  descriptions: 100,
  tasks: ['language', 'test-or-not'],
  examples: 500,
  dev: 100,
  test: 400,
  epochs: 3,
};

const HEAD_SIZE = 32;
const SHORT_RUN = 5e6;
/** Found at this width, with GLM; wider models take smaller steps. */
const PEAK = 4e-3;
const PEAK_WIDTH = 64;
/** A permuted text has two rows for each token. */
const ROWS_OF_A_TOKEN = 2;

export function labConfig(
  { layers, hiddenSize, length }: TrainingPlan,
  vocabSize: number,
  change: LabParadigm['config'] = {},
): GlmConfig {
  const usual: GlmConfig = {
    layers,
    hiddenSize,
    // Two thirds of four times the width: as many parameters as without gates.
    innerSize: 32 * Math.ceil((8 * hiddenSize) / 3 / 32),
    heads: hiddenSize / HEAD_SIZE,
    vocabSize,
    maxLength: ROWS_OF_A_TOKEN * (length + 1),
    positions: 'rotary-2d',
    norm: 'pre',
    residualAlpha: 1,
    activation: 'geglu',
    qkvLayout: 'per-head',
    tiedEmbedding: true,
    layerNormEpsilon: 1e-5,
    rotaryFloat16: true,
  };
  return { ...usual, ...(typeof change === 'function' ? change(usual) : change) };
}

/** Throws RangeError for a width that does not divide into heads. */
export function labRecipe(plan: TrainingPlan, paradigm: LabParadigm, vocabSize: number): Recipe {
  if (plan.hiddenSize % HEAD_SIZE !== 0) {
    throw new RangeError(`The width ${plan.hiddenSize} is no multiple of ${HEAD_SIZE}, the size of a head.`);
  }
  const config = labConfig(plan, vocabSize, paradigm.config);
  return {
    name: `${paradigm.name} ${nameOf(plan)}`,
    config,
    // A short run needs steps more than it needs smooth gradients.
    stepTokens: plan.tokens < SHORT_RUN ? 2048 : 4096,
    microTokens: 4096,
    optimizer: { clip: 1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, decayAll: false, muon: 0.95 },
    schedule: {
      peak: PEAK * Math.sqrt(PEAK_WIDTH / plan.hiddenSize),
      floor: 0.02,
      warmup: { share: 0.04 },
      decayShare: 0.3,
    },
    embeddingShrink: WHOLE,
    samples: {
      kind: 'own',
      drawer(tokenizer) {
        const tokens = labTokens(tokenizer);
        const { maxLength } = config;
        return (corpus, random) =>
          drawSample(paradigm, { tokenizer, tokens, corpus, length: plan.length, maxLength }, random);
      },
    },
  };
}

interface TextSource {
  tokenizer: Tokenizer;
  tokens: LabTokens;
  corpus: PackedCorpus;
  length: number;
  maxLength: number;
}

/**
 * Text and layout have generators of their own, seeded in turn from the run's: with one seed all paradigms read the same
 * texts in the same order.
 */
function drawSample(paradigm: LabParadigm, source: TextSource, random: Random) {
  const { tokenizer, tokens, corpus, length } = source;
  const texts = createRandom(random.uint32());
  const layouts = createRandom(random.uint32());
  return drawUntilFits(source, () =>
    paradigm.train(drawStream(tokenizer, corpus, length, true, texts), tokens, layouts),
  );
}

/** For folders: `4x64-1500000x192`. */
export function nameOf({ layers, hiddenSize, tokens, length }: TrainingPlan): string {
  return `${layers}x${hiddenSize}-${tokens}x${length}`;
}

/** Of a plan and what else decides figures. */
export function hashOf(...parts: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);
}
