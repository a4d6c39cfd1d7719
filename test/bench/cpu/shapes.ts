/** The shapes that are compared: those of ChatGLM2 and later (RMSNorm, SwiGLU, rotary halves of heads), three sizes. */
import { type GlmConfig, tensorShapes } from '../../../engine/model/config.ts';
import type { ModelFolder } from '../../../engine/model/load.ts';
import type { ModelExecution } from '../../../engine/native.ts';
import { createRandom } from '../../../engine/objective/random.ts';

export type Precision = ModelExecution['precision'];

export interface Shape {
  name: string;
  config: GlmConfig;
  /** Timed runs of each figure, unless told otherwise. */
  rounds: number;
  /** Lengths of prompts that are read. */
  lengths: readonly number[];
  /** Those that are measured unless others are asked for. */
  precisions: readonly Precision[];
}

const LONGEST = 2304;

function shape(
  name: string,
  rounds: number,
  [layers, hiddenSize, innerSize, vocabSize]: [number, number, number, number],
  [heads, keyValueHeads]: [number, number],
  causal: boolean,
): Shape {
  const config: GlmConfig = {
    vocabSize,
    hiddenSize,
    innerSize,
    layers,
    heads,
    keyValueHeads,
    maxLength: LONGEST,
    positions: 'rotary-1d',
    rotarySize: hiddenSize / heads / 2,
    rotaryPairs: 'neighbours',
    norm: 'pre',
    normKind: 'rms-norm',
    residualAlpha: 1,
    activation: 'swiglu',
    qkvLayout: 'thirds',
    bias: 'qkv',
    tiedEmbedding: true,
    layerNormEpsilon: 1e-5,
    rotaryFloat16: false,
    causal,
  };
  const precisions: Precision[] = causal ? ['int8', 'int4'] : ['int8', 'int4', 'bfloat16', 'float32'];
  const lengths = causal ? [256, 1024] : [256, 1024, 2048];
  return { name, rounds, config, precisions, lengths };
}

/**
 * The small two read a passage as blank infilling does, each token seeing all others: twice the work of llama.cpp's
 * attention, which is causal. The large one is causal, as every released GLM of its size with weights in GGUF is.
 */
export const SHAPES: readonly Shape[] = [
  shape('20M', 9, [8, 384, 1024, 16_384], [6, 6], false),
  shape('110M', 5, [12, 768, 2048, 32_768], [12, 12], false),
  shape('1B', 3, [22, 2048, 5632, 32_768], [16, 2], true),
];

/** A model of the shape without a file. Its weights are drawn once and repeat: what is timed does not depend on them. */
export function randomFolder({ config }: Shape): ModelFolder {
  const random = createRandom(11);
  const drawn = Float32Array.from({ length: 1 << 18 }, () => (random.float() - 0.5) * 0.08);
  return {
    path: 'memory',
    family: 'chatglm2',
    config,
    metadata: {},
    async *tensors() {
      for (const { name, shape: sizes } of tensorShapes(config)) {
        const values = new Float32Array(sizes.reduce((product, size) => product * size, 1));
        if (/layernorm\.weight$/.test(name)) values.fill(1);
        else {
          // An odd step: rows of equal length do not become equal.
          for (let at = 0; at < values.length; at += drawn.length - 7)
            values.set(drawn.subarray(0, Math.min(drawn.length, values.length - at)), at);
        }
        yield { name, shape: sizes, dtype: 'F32', data: new Uint8Array(values.buffer) };
      }
    },
  };
}

/** Weights that multiply each token: the matrices of the layers, and the head. */
export function multiplied({ config }: Shape): { layers: number; head: number } {
  const matrices = tensorShapes(config).filter(
    ({ name, shape: sizes }) => sizes.length === 2 && name.includes('.layers.'),
  );
  const layers = matrices.reduce((sum, { shape: [rows = 0, columns = 0] }) => sum + rows * columns, 0);
  return { layers, head: config.vocabSize * config.hiddenSize };
}
