/**
 * Two recipes at any size. `glm`: GLM-130B's GeGLU and rotary positions (ChatGLM-6B's two dimensions). `bloom`: the form
 * of BLOOM (arXiv 2211.05100) with a norm on the embedding, GELU and learned positions. Everything else is the same for
 * both: samples, objective, optimizer (AdamW, as the papers' runs), rates, steps, and about as many parameters in the
 * matrices. Pre-LayerNorm in both: DeepNorm does not learn in so few steps (docs/decisions/0005).
 */
import type { GlmConfig } from '../../model/config.ts';
import { tensorShapes } from '../../model/config.ts';
import { WHOLE } from '../../training/embedding-shrink.ts';
import type { Recipe } from '../../training/recipes.ts';

export const FAMILIES = ['glm', 'bloom'] as const;
export type FamilyName = (typeof FAMILIES)[number];

export interface Size {
  layers: number;
  /** A multiple of 32, the size of a head. */
  width: number;
}

/** 1.2 to 35 million parameters in the matrices. */
export const USUAL_SIZES = '4x160,6x192,6x288,8x384,11x512';

const HEAD = 32;
const LARGEST = { layers: 64, width: 4096 };

/** `4x160,6x192`: layers and width of each. Throws a RangeError on anything else. */
export function parseSizes(text: string): Size[] {
  const sizes = text.split(',').map((part) => {
    const match = /^(\d+)x(\d+)$/.exec(part.trim());
    const [layers, width] = [Number(match?.[1]), Number(match?.[2])];
    const fits = layers >= 1 && width >= HEAD && layers <= LARGEST.layers && width <= LARGEST.width;
    if (!fits || width % HEAD !== 0) {
      throw new RangeError(
        `--sizes takes LAYERSxWIDTH with commas between, widths in multiples of ${HEAD}, such as ${USUAL_SIZES}; "${part}" is none.`,
      );
    }
    return { layers, width };
  });
  const names = sizes.map(sizeName);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) throw new RangeError(`--sizes names ${twice} twice.`);
  return sizes;
}

export function sizeName({ layers, width }: Size): string {
  return `${layers}x${width}`;
}

/** What the lab's training runs are made with; `vocabSize` is the tokenizer's. */
export function labRecipe(family: FamilyName, size: Size, vocabSize: number): Recipe {
  const { layers, width } = size;
  const common = {
    vocabSize,
    layers,
    hiddenSize: width,
    heads: width / HEAD,
    maxLength: 512,
    norm: 'pre',
    residualAlpha: 1,
    qkvLayout: 'per-head',
    tiedEmbedding: true,
    layerNormEpsilon: 1e-5,
  } as const;
  const config: GlmConfig =
    family === 'glm'
      ? {
          ...common,
          innerSize: HEAD * Math.round((8 * width) / 3 / HEAD),
          positions: 'rotary-2d',
          activation: 'geglu',
          rotaryFloat16: true,
        }
      : {
          ...common,
          innerSize: 4 * width,
          positions: 'learned-2d',
          activation: 'gelu-tanh',
          rotaryFloat16: false,
          embeddingNorm: true,
        };
  return {
    name: `lab-${family}-${sizeName(size)}`,
    config,
    stepTokens: 1024,
    microTokens: 1024,
    optimizer: { clip: 1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, decayAll: false },
    // A wider model takes smaller steps.
    schedule: { peak: 3e-3 * Math.sqrt(64 / width), floor: 0.1, warmup: { share: 0.1 }, decayShare: 0.3 },
    embeddingShrink: WHOLE,
    samples: {
      weights: { sentence: 54, document: 38, token: 8 },
      single: 0.2,
      several: { most: 12, leastShare: 0.15, mostShare: 0.6 },
      shortest: 96,
      usual: 256,
      longest: 400,
      long: 0.1,
      neighbour: 0,
    },
  };
}

/** The matrices that GLM-130B quantises: those within the layers, not embedding and head. */
export function isQuantised({ name, shape }: { name: string; shape: readonly number[] }): boolean {
  return shape.length === 2 && name.includes('.layers.');
}

/** Parameters in those matrices. */
export function quantisedParameters(config: GlmConfig): number {
  return tensorShapes(config)
    .filter(isQuantised)
    .reduce((sum, { shape }) => sum + (shape[0] as number) * (shape[1] as number), 0);
}
