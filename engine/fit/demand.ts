/**
 * Bytes that a model takes in memory, from its shape alone. The native formulas follow the allocations of the addon
 * (native/src/model.cc, cpu_runtime.cc, attention.cc) one by one and are held against the resident memory of a process; those
 * for onnxruntime follow the graph (engine/onnx/glm-graph.ts), whose weights they give to the byte, while onnxruntime's own
 * planning of the work space is estimated from above. C, D, F, G, H, L, T and V as in engine/model/config.ts.
 */
import type { QuantGroup } from '../checkpoint/quantization.ts';
import { attentionWidths, type GlmConfig, type GlmTensorShape, isDecoder, tensorShapes } from '../model/config.ts';
import { type CacheKind, glmGraph } from '../onnx/glm-graph.ts';
import type { PlacedTensor } from '../onnx/graph.ts';
import type { Precision } from '../onnx/weights.ts';
import { SPARE_PLACES } from '../runtime/onnx/places.ts';

export interface Demand {
  /** What stays for as long as the model is loaded. */
  weights: number;
  /** Keys and values of one session of the whole context. */
  cache: number;
  /** What reading and writing need beside them, kept between calls. */
  workSpace: number;
  /** What the largest tensor takes, as stored and as float32, while it is read; there is no session then. */
  loading: number;
  /** Of the weights, what every token of a span reads: of routed experts those that it goes through. */
  readPerToken: number;
}

/** The most that is held at a time. */
export function totalDemand({ weights, cache, workSpace, loading }: Demand): number {
  return weights + Math.max(cache + workSpace, loading);
}

export const NATIVE_PRECISIONS = ['float32', 'bfloat16', 'int8', 'int4'] as const;
export type NativePrecision = (typeof NATIVE_PRECISIONS)[number];

export interface NativeForm {
  precision: NativePrecision;
  /** Columns that share a scale, with `int8` and `int4`. */
  group: QuantGroup;
  /** Of the kernels: `amx`, `avx512`, `avx2`, `neon`, `portable`. */
  level: string;
  threads: number;
}

/** Outputs that are packed together: 32 at the widest levels, a divisor of that at the others. */
export const PANEL = 32;
/** kRowBlock and kQueries of the addon: rows that go through the products together. */
export const ROW_BLOCK = 96;
/** kReadRows: rows that a causal model reads at once. */
const READ_ROWS = 8 * ROW_BLOCK;

export const rounded = (count: number, step: number): number => Math.ceil(count / step) * step;
export const elements = ({ shape }: GlmTensorShape): number => shape.reduce((product, size) => product * size, 1);

/** `context`: tokens of Part A and Part B together that a session is opened for. */
export function nativeDemand(config: GlmConfig, form: NativeForm, context: number): Demand {
  const { weights, readPerToken } = nativeWeights(config, form);
  const { decoderLayers: cached = config.layers } = config;
  return {
    weights,
    cache: 2 * cached * context * attentionWidths(config).key * (form.precision === 'float32' ? 4 : 2),
    workSpace: nativeWorkSpace(config, form, context),
    loading: largestTensor(config),
    readPerToken,
  };
}

function largestTensor(config: GlmConfig): number {
  return 8 * Math.max(...tensorShapes(config).map(elements));
}

/** bfloat16 is packed as such for AMX tiles alone; the other levels compute with float32. */
function isTiled({ precision, level }: NativeForm): boolean {
  return precision === 'bfloat16' && level === 'amx';
}

/** A matrix [out, in] in the kernels' order (rhs_bytes of gemm_float.inc and level_amx.cc, packed_bytes of quantized_pack.inc). */
export function packedBytes(form: NativeForm, out: number, columns: number, ofVocabulary: boolean): number {
  const { precision, group } = form;
  if (precision === 'int8' || precision === 'int4') {
    const bits = ofVocabulary || precision === 'int8' ? 8 : 4;
    const groups = ofVocabulary || group === 'row' ? 1 : Math.ceil(columns / group);
    return rounded(out, PANEL) * (2 * groups + (rounded(columns, 16) * bits) / 8);
  }
  return isTiled(form) ? rounded(out, PANEL) * rounded(columns, 32) * 2 : rounded(out, PANEL) * columns * 4;
}

/** Whether a tensor is a decoder layer's, or what comes after all layers. */
function decodes(config: GlmConfig, name: string): boolean {
  const layer = /\.layers\.(\d+)\./.exec(name)?.[1];
  return layer === undefined ? !name.includes('.encoder_final_layernorm.') : isDecoder(config, Number(layer));
}

function nativeWeights(config: GlmConfig, form: NativeForm): Pick<Demand, 'weights' | 'readPerToken'> {
  const quantized = form.precision === 'int8' || form.precision === 'int4';
  const { experts, decoderLayers } = config;
  // A token of Part B goes through a decoder alone, and finds Part A's keys and values made.
  const passedBy = (name: string) =>
    decoderLayers !== undefined && (!decodes(config, name) || name.includes('.key_value.'));
  let weights = rotaryTables(config);
  let readPerToken = 0;
  for (const tensor of tensorShapes(config)) {
    const { name, shape } = tensor;
    const [rows, columns = 0] = shape as [number, number?];
    const layers = name.includes('.layers.');
    if (name.endsWith('word_embeddings.weight')) {
      const packed = packedBytes(form, rows, columns, true);
      // As float32 for looking up, and packed once more where it is the head; quantised, one packed form serves both.
      weights += quantized ? packed : 4 * elements(tensor) + (config.tiedEmbedding ? packed : 0);
      readPerToken += config.tiedEmbedding ? packed : 0;
    } else if (columns > 0 && (layers || name === 'lm_head.weight')) {
      const packed = packedBytes(form, rows, columns, !layers);
      weights += packed;
      if (!passedBy(name))
        readPerToken += packed * (experts && name.includes('.mlp.experts.') ? experts.perToken / experts.count : 1);
    } else {
      weights += 4 * elements(tensor);
      readPerToken += columns === 0 && !passedBy(name) ? 4 * elements(tensor) : 0;
    }
  }
  return { weights, readPerToken };
}

/** Cosine and sine of each position and frequency, float32. */
export function rotaryTables(config: GlmConfig): number {
  if (config.positions === 'learned-2d') return 0;
  const { hiddenSize, heads, headSize = hiddenSize / heads, rotarySize = headSize } = config;
  const span = config.positions === 'rotary-2d' ? rotarySize / 2 : rotarySize;
  return 2 * 4 * (config.maxLength + 2) * (span / 2);
}

function widths(config: GlmConfig) {
  const { hiddenSize: C, innerSize: F, activation } = config;
  const { query, key } = attentionWidths(config);
  const up = activation === 'geglu' || activation === 'swiglu' ? 2 * F : F;
  return { C, F, query, up, projection: query + 2 * key, D: query / config.heads };
}

function nativeWorkSpace(config: GlmConfig, form: NativeForm, context: number): number {
  const { C, F, query, up, projection, D } = widths(config);
  const activation = form.precision === 'bfloat16' ? 2 : 4;
  const operand = isTiled(form) ? 2 : 4;
  const quantized = form.precision === 'int8' || form.precision === 'int4';
  const widest = Math.max(projection, up, C);
  const deepest = Math.max(C, query, F);
  const places = rounded(context, 64);
  // Scratch of model.h.
  const products = ROW_BLOCK * (4 * widest + 4 * C + activation * F);
  const operands = ROW_BLOCK * (quantized ? deepest + 8 * Math.ceil(deepest / 32) : operand * rounded(widest, PANEL));
  // AttentionScratch of attention.h for the inference of one head, and the scores of a row of Part B.
  const keysAndValues = 2 * operand * D * rounded(context, PANEL);
  const blocks = ROW_BLOCK * (places * (operand + 4 + activation) + D * (operand + 4));
  const row = 4 * (context + 2 * D);
  // CpuRuntime::prepare: the rows of one layer, used by all in turn.
  const rows = config.causal ? Math.min(context, READ_ROWS) : context;
  const cross = config.decoderLayers === undefined ? 0 : activation * (C + 4 * query) + 8;
  const layer = rows * (activation * (2 * C + query + projection + up) + 4 * C + 16 + cross);
  const logits = 2 * 4 * config.vocabSize;
  return form.threads * (products + operands + keysAndValues + blocks + row) + layer + logits;
}

export interface OnnxForm {
  precision: Precision;
  cache: CacheKind;
}

/** Tensors of scores that are alive at a time: before and after the softmax, and in parts. */
const SCORES_ALIVE = 4;
/** READ_ROWS of engine/runtime/onnx/onnx.ts. */
const ONNX_READ_ROWS = 256;

/** Throws where the model has no such precision (matrices whose columns are no multiple of a block). */
export function onnxDemand(config: GlmConfig, { precision, cache }: OnnxForm, context: number): Demand {
  const float = precision === 'float16' ? 2 : 4;
  const { C, query, up, projection } = widths(config);
  const graph = glmGraph(config, { precision, cache });
  const kept = graph.storedBytes;
  const embedding = float * config.vocabSize * C;
  // A head that is the embedding too is packed for products beside the table that is looked up.
  const packedHead = config.tiedEmbedding && (precision === 'float32' || precision === 'float16') ? embedding : 0;
  const places = context + (cache === 'resident' ? SPARE_PLACES : 0);
  const keysAndValues = 2 * config.layers * places * attentionWidths(config).key * float;
  const rows = config.causal ? Math.min(context, ONNX_READ_ROWS) : context;
  const scores = float * config.heads * rows * context * SCORES_ALIVE;
  return {
    weights: kept + packedHead,
    // A step on the device makes a new cache from the old one.
    cache: cache === 'resident' ? 2 * keysAndValues : keysAndValues,
    workSpace: scores + float * rows * (4 * C + query + projection + 2 * up) + 2 * 4 * config.vocabSize,
    loading: largestTensor(config),
    readPerToken:
      kept -
      unread(config, cache, graph.stored) +
      packedHead -
      (packedHead > 0 || !config.tiedEmbedding ? embedding : 0),
  };
}

/** Bytes of experts that a token does not go through; on a device it goes through all of them (engine/onnx/experts.ts). */
function unread({ experts }: GlmConfig, cache: CacheKind, stored: readonly PlacedTensor[]): number {
  if (!experts || cache === 'resident') return 0;
  const own = stored.filter(({ name }) => name.includes('.mlp.experts.'));
  return own.reduce((sum, { length }) => sum + length, 0) * (1 - experts.perToken / experts.count);
}
