/** The work of one training step: what is computed, from which batch, and how many floating point operations that is. */
import { type GlmConfig, tensorShapes } from '../../../engine/model/config.ts';
import type { NativeBatch } from '../../../engine/native.ts';
import { createRandom } from '../../../engine/objective/random.ts';

/** Tokens of each sample, and of its Part A. */
export const LENGTH = 512;
export const PART_A = 320;

export const OPTIMIZER = { learningRate: 1e-4, clip: 1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1 };

export interface Work {
  config: GlmConfig;
  samples: number;
}

/** Multiplications and additions of the whole step, by the phases that do them (native/src/step_clock.h). */
export function flopOfPhases({ config, samples }: Work): Readonly<Record<string, number>> {
  const rows = samples * LENGTH;
  const counted = samples * (LENGTH - PART_A);
  const matrices = tensorShapes(config).filter(({ name, shape }) => shape.length === 2 && name.includes('layers'));
  const weights = matrices.reduce((sum, { shape }) => sum + (shape[0] as number) * (shape[1] as number), 0);
  const head = config.vocabSize * config.hiddenSize;
  const columns = (PART_A * PART_A + ((LENGTH - PART_A) * (LENGTH + PART_A)) / 2) / LENGTH;
  const attention = 4 * rows * columns * config.hiddenSize * config.layers;
  return {
    layersForward: 2 * weights * rows,
    attentionForward: attention,
    head: 4 * head * counted,
    headGradient: 2 * head * counted,
    layersBackward: 2 * weights * rows,
    attentionBackward: 2 * attention,
    weightGradients: 2 * weights * rows,
  };
}

/** 6 N for the layers, 6 N for the head's rows that count, and attention: forward, and twice that backward. */
export function flopOfStep(work: Work): number {
  return Object.values(flopOfPhases(work)).reduce((sum, flop) => sum + flop, 0);
}

export function randomBatch({ config, samples }: Work): NativeBatch {
  const random = createRandom(2);
  const rows = samples * LENGTH;
  const place = (row: number) => row % LENGTH;
  const int = (value: (row: number) => number) => Int32Array.from({ length: rows }, (_, row) => value(row));
  return {
    tokens: int(() => random.below(config.vocabSize)),
    positions: int((row) => Math.min(place(row), PART_A - 1)),
    blockPositions: int((row) => Math.max(0, place(row) - PART_A + 1)),
    targets: int(() => random.below(config.vocabSize)),
    lossMask: Uint8Array.from({ length: rows }, (_, row) => (place(row) >= PART_A ? 1 : 0)),
    lengths: new Int32Array(samples).fill(LENGTH),
    separators: new Int32Array(samples).fill(PART_A),
  };
}
