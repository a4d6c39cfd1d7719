/** Tokens a second of a training step: each kernel level the machine has, one and two threads. */
import { type GlmConfig, tensorShapes } from '../../engine/model/config.ts';
import { loadAddon, type NativeBatch } from '../../engine/native.ts';
import { createRandom } from '../../engine/objective/random.ts';
import { initialTensors } from '../../engine/training/initialize.ts';
import { RECIPES } from '../../engine/training/recipes.ts';
import type { Row } from './main.ts';
import { type Alternative, interleaved } from './spread.ts';

const LEVELS = ['portable', 'avx2', 'avx512', 'amx'];
const SAMPLES = 8;
const LENGTH = 512;
const PART_A = 320;
const OPTIMIZER = { learningRate: 1e-4, clip: 1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1 };

export async function benchTrain(): Promise<Row[]> {
  const { config } = RECIPES['cursor-5m'] as (typeof RECIPES)[string];
  const batch = randomBatch(config);
  const available = LEVELS.slice(0, LEVELS.indexOf(loadAddon().detectedLevel) + 1);
  const alternatives: Alternative[] = [];
  for (const level of available) {
    for (const threads of [1, 2]) {
      const trainer = new (loadAddon().Trainer)(config, { level, threads, precision: 'bfloat16' });
      for (const { name, values } of initialTensors(config, createRandom(1))) trainer.set(name, values, 'parameter');
      await trainer.pack();
      alternatives.push({
        what: `training step, ${level}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
        unit: `tokens/s (${(flopPerToken(config) / 1e6).toFixed(0)} MFLOP each)`,
        async measure() {
          const start = performance.now();
          trainer.zeroGradients();
          await trainer.forwardBackward(batch, 1 / (SAMPLES * (LENGTH - PART_A)), 1);
          await trainer.update({ ...OPTIMIZER, decayAll: false });
          return (SAMPLES * LENGTH * 1000) / (performance.now() - start);
        },
      });
    }
  }
  return interleaved(alternatives, 5);
}

/** 6 N for the layers, 6 N for the head's rows that count, and attention (forward and twice that backward). */
function flopPerToken(config: GlmConfig): number {
  const matrices = tensorShapes(config).filter(({ name, shape }) => shape.length === 2 && name.includes('layers'));
  const layers = matrices.reduce((sum, { shape }) => sum + (shape[0] as number) * (shape[1] as number), 0);
  const head = (config.vocabSize * config.hiddenSize * (LENGTH - PART_A)) / LENGTH;
  const columns = (PART_A * PART_A + ((LENGTH - PART_A) * (LENGTH + PART_A)) / 2) / LENGTH;
  return 6 * (layers + head) + 12 * columns * config.hiddenSize * config.layers;
}

function randomBatch({ vocabSize }: GlmConfig): NativeBatch {
  const random = createRandom(2);
  const rows = SAMPLES * LENGTH;
  const place = (row: number) => row % LENGTH;
  const int = (value: (row: number) => number) => Int32Array.from({ length: rows }, (_, row) => value(row));
  return {
    tokens: int(() => random.below(vocabSize)),
    positions: int((row) => Math.min(place(row), PART_A - 1)),
    blockPositions: int((row) => Math.max(0, place(row) - PART_A + 1)),
    targets: int(() => random.below(vocabSize)),
    lossMask: Uint8Array.from({ length: rows }, (_, row) => (place(row) >= PART_A ? 1 : 0)),
    lengths: new Int32Array(SAMPLES).fill(LENGTH),
    separators: new Int32Array(SAMPLES).fill(PART_A),
  };
}
