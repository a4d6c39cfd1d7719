/**
 * What the model's tensors become in the file of weights: rows of the fused projection in the order queries, keys,
 * values whatever the family's, queries scaled by 1 / sqrt(D) at once, and numbers in the precision of the graph.
 */
import { float32ToFloat16 } from '../checkpoint/float-formats.ts';
import { attentionWidths, type GlmConfig } from '../model/config.ts';
import { BLOCK, type QuantizedMatrix, quantize } from './blocks.ts';
import { bytesOf, type Graph, MICROSOFT } from './graph.ts';

/** `int8` and `int4` are the matrices; the rest is float32 with them, and embedding and head have 8 bits in both. */
export const PRECISIONS = ['float32', 'float16', 'int8', 'int4'] as const;
export type Precision = (typeof PRECISIONS)[number];
/** What is computed with between the matrices. */
export type Float = 'float32' | 'float16';

export interface Weights {
  readonly float: Float;
  /** A tensor as it is, by its canonical name. */
  vector(name: string, shape: readonly number[]): string;
  /** A table that the model does not store. */
  table(name: string, shape: readonly number[], values: () => Float32Array): string;
  /** x [T, columns] -> x W^T + b, [T, rows]; W and b are `name`.weight and, where `biased`, `name`.bias. */
  linear(x: string, name: string, rows: number, columns: number, biased: boolean): string;
  /** tokens [T] -> rows of the word embedding, [T, C]. */
  embed(tokens: string): string;
  /** x [R, C] -> logits [R, V]. */
  head(x: string): string;
}

const EMBEDDING = 'transformer.word_embeddings.weight';
const PROJECTION = '.attention.query_key_value';

export function createWeights(graph: Graph, config: GlmConfig, precision: Precision, accuracyLevel: number): Weights {
  const { vocabSize: V, hiddenSize: C, innerSize: F, tiedEmbedding } = config;
  const float: Float = precision === 'float16' ? 'float16' : 'float32';
  const bits = precision === 'int4' ? 4 : precision === 'int8' ? 8 : undefined;
  const ofExperts = config.experts ? [config.experts.innerSize, config.experts.sharedSize] : [];
  const widths = [C, attentionWidths(config).query, F, ...ofExperts];
  if (bits !== undefined && widths.some((width) => width % BLOCK !== 0)) {
    throw new Error(
      `In ${precision} every matrix needs a multiple of ${BLOCK} columns, but this model has ${widths.slice(0, -1).join(', ')} and ${widths.at(-1)}. Choose float32 or float16.`,
    );
  }

  const inFloat = (values: Float32Array) => bytesOf(float === 'float16' ? float32ToFloat16(values) : values);

  function vector(name: string, shape: readonly number[]): string {
    const arrange = arrangement(name, config);
    return graph.store({ name, type: float, shape, source: name, bytes: (values) => inFloat(arrange(values)) });
  }

  /** The matrix that was quantized last: its numbers are asked for first, then its scales. */
  let last: { values: Float32Array; own: number; packed: QuantizedMatrix } | undefined;
  function packedOf(values: Float32Array, own: 4 | 8, arrange: (values: Float32Array) => Float32Array) {
    if (last?.values !== values || last.own !== own) last = { values, own, packed: quantize(arrange(values), own) };
    return last.packed;
  }

  function matrix(name: string, rows: number, columns: number, own: 4 | 8): [string, string] {
    const arrange = arrangement(name, config);
    const blocks = columns / BLOCK;
    return [
      graph.store({
        name: `${name}.numbers`,
        type: 'uint8',
        shape: [rows, blocks, (BLOCK * own) / 8],
        source: name,
        bytes: (values) => packedOf(values, own, arrange).numbers,
      }),
      graph.store({
        name: `${name}.scales`,
        type: 'float32',
        shape: [rows, blocks],
        source: name,
        bytes: (values) => bytesOf(packedOf(values, own, arrange).scales),
      }),
    ];
  }

  function product(x: string, [numbers, scales]: [string, string], N: number, K: number, own: 4 | 8): string {
    const attributes = { N, K, bits: own, block_size: BLOCK, accuracy_level: accuracyLevel };
    return graph.node('MatMulNBits', [x, numbers, scales], attributes, { domain: MICROSOFT });
  }

  const embedding = bits === undefined ? vector(EMBEDDING, [V, C]) : undefined;
  const packedEmbedding = bits === undefined ? undefined : matrix(EMBEDDING, V, C, 8);

  return {
    float,
    vector,
    table: (name, shape, values) => graph.store({ name, type: float, shape, bytes: () => inFloat(values()) }),
    linear(x, name, rows, columns, biased) {
      const bias = biased ? [vector(`${name}.bias`, [rows])] : [];
      const weight = `${name}.weight`;
      if (bits === undefined) return graph.node('Gemm', [x, vector(weight, [rows, columns]), ...bias], { transB: 1 });
      const out = product(x, matrix(weight, rows, columns, bits), rows, columns, bits);
      return biased ? graph.node('Add', [out, ...bias]) : out;
    },
    embed(tokens) {
      if (embedding !== undefined) return graph.node('Gather', [embedding, tokens]);
      const [numbers, scales] = packedEmbedding as [string, string];
      const rows = graph.reshaped(`${EMBEDDING}.rows`, numbers, [V, C]);
      const attributes = { bits: 8, block_size: BLOCK, gather_axis: 0, quantize_axis: 1 };
      return graph.node('GatherBlockQuantized', [rows, tokens, scales], attributes, { domain: MICROSOFT });
    },
    head(x) {
      const own = 'lm_head.weight';
      if (embedding !== undefined)
        return graph.node('Gemm', [x, tiedEmbedding ? embedding : vector(own, [V, C])], { transB: 1 });
      return product(x, tiedEmbedding ? (packedEmbedding as [string, string]) : matrix(own, V, C, 8), V, C, 8);
    },
  };
}

/** How the values of a tensor are changed before they are rounded. */
function arrangement(name: string, config: GlmConfig): (values: Float32Array) => Float32Array {
  const { query, key } = attentionWidths(config);
  const D = query / config.heads;
  if (name.includes('.attention.query_layernorm.')) return (values) => values.map((value) => value / Math.sqrt(D));
  if (!name.includes(PROJECTION)) return (values) => values;
  const rows = query + 2 * key;
  // A norm of the queries would undo it; its gain has it then.
  const scale = config.queryKeyNorm ? 1 : 1 / Math.sqrt(D);
  return (values) => {
    const width = values.length / rows;
    const out = new Float32Array(values.length);
    for (let row = 0; row < rows; row++) {
      // Row of the stored projection that holds queries, keys or values of this head and dimension.
      const third = Math.floor(row / query);
      const head = Math.floor((row - third * query) / D);
      const from = config.qkvLayout === 'per-head' ? (3 * head + third) * D + (row % D) : row;
      for (let i = 0; i < width; i++) {
        const value = values[from * width + i] as number;
        out[row * width + i] = row < query ? value * scale : value;
      }
    }
    return out;
  };
}
