/**
 * Bytes that training takes in memory, from the model's shape and the rows of a pass: the allocations of the addon
 * (native/src/trainer.cc, model.cc, attention.cc, adapters.cc, muon.cc) one by one, held against the resident memory of a
 * process. C, D, F, H, L and V as in engine/model/config.ts. Not for encoder-decoders.
 */
import { adapterShapes } from '../model/adapters.ts';
import { attentionWidths, type GlmConfig, type GlmTensorShape, tensorShapes } from '../model/config.ts';
import { elements, PANEL, packedBytes, ROW_BLOCK, rotaryTables, rounded } from './demand.ts';

export interface TrainingDemand {
  /** Weights as float32 and packed for both passes, gradients, the optimizer's moments, adapters. */
  state: number;
  /** What the forward pass keeps for the backward pass, and the gradients on the way back. */
  activations: number;
  /** Work space of the threads and of the loss, and a copy of the largest tensor, as a checkpoint takes it. */
  workSpace: number;
}

export interface TrainingForm {
  precision: 'float32' | 'bfloat16' | 'float16';
  /** Of the kernels: `amx`, `avx512`, `avx2`, `neon`, `portable`. */
  level: string;
  threads: number;
  /** Rows of the largest pass, Part A and Part B of all its samples, and of its longest sample. */
  rows: number;
  longest: number;
  /** Rank of adapters, where these alone are trained. */
  adapterRank?: number;
  /** Whether Muon moves the projections. */
  muon: boolean;
}

/** kRowsAhead of trainer.cc: buffers grow by so many rows. */
const ROWS_AHEAD = 1024;
/** kGradientDepth, kGradientBlock and kHeadChunk of trainer.h. */
const GRADIENT_DEPTH = 1024;
const GRADIENT_BLOCK = 192;
const HEAD_CHUNK = 960;

export function trainingDemand(config: GlmConfig, form: TrainingForm): TrainingDemand {
  return {
    state: stateBytes(config, form),
    activations: activationBytes(config, form),
    workSpace: workSpaceBytes(config, form),
  };
}

export function totalTraining({ state, activations, workSpace }: TrainingDemand): number {
  return state + activations + workSpace;
}

function isProjection({ name, shape }: GlmTensorShape): boolean {
  return name.includes('.layers.') && shape.length > 1;
}

function stateBytes(config: GlmConfig, { precision, level, adapterRank }: TrainingForm): number {
  const tensors = tensorShapes(config);
  const parameters = sum(tensors.map(elements));
  // Halves are multiplied as float32.
  const operands = precision === 'float16' ? 'float32' : precision;
  const form = { precision: operands, level, group: 'row' as const, threads: 1 } as const;
  const packed = tensors.map((tensor) => {
    const [out, columns] = tensor.shape as [number, number];
    const isHead =
      tensor.name === 'lm_head.weight' || (config.tiedEmbedding && tensor.name.endsWith('word_embeddings.weight'));
    if (!isHead && !isProjection(tensor)) return 0;
    return packedBytes(form, out, columns, false) + packedBytes(form, columns, out, false);
  });
  const fixed = sum(packed) + rotaryTables(config);
  // Weights, gradients and two moments; with adapters the model's own moments are never touched.
  if (adapterRank === undefined) return 4 * 4 * parameters + fixed;
  const adapters = sum(adapterShapes(config, adapterRank).map(elements));
  const frozen = sum(tensors.filter(isProjection).map(elements));
  return 2 * 4 * parameters + 4 * frozen + 4 * 4 * adapters + fixed;
}

function activationBytes(config: GlmConfig, { precision, rows }: TrainingForm): number {
  const { hiddenSize: C, innerSize: F, layers, heads: H, norm } = config;
  const up = upWidth(config);
  const n = rounded(rows, ROWS_AHEAD);
  const stored = precision === 'float32' ? 4 : 2;
  const layer = n * (stored * ((norm === 'sandwich' ? 8 : 6) * C + up) + 4 * ((norm === 'sandwich' ? 8 : 4) + H));
  const partials = 4 * (Math.floor(n / ROW_BLOCK) + 1) * (13 * C + up);
  const shared = n * (stored * (9 * C + F + up) + 4 * (7 * C + 2));
  return layers * layer + shared + partials;
}

function workSpaceBytes(config: GlmConfig, form: TrainingForm): number {
  const { hiddenSize: C, innerSize: F, vocabSize: V } = config;
  const { precision, level, threads, longest, adapterRank, muon } = form;
  const stored = precision === 'float32' ? 4 : 2;
  const operand = precision === 'bfloat16' && level === 'amx' ? 2 : 4;
  const up = upWidth(config);
  const { query, key } = attentionWidths(config);
  const D = query / config.heads;
  const widest = Math.max(query + 2 * key, up, C);

  const head =
    4 * ROW_BLOCK * V + operand * Math.max(ROW_BLOCK * V, GRADIENT_BLOCK * GRADIENT_DEPTH, ROW_BLOCK * widest);
  const products = ROW_BLOCK * (operand * widest + 4 * widest + 2 * 4 * C + stored * F);
  const places = rounded(longest, PANEL);
  const attention = places * (5 * operand * D + 2 * 4 * D + ROW_BLOCK * (operand + 2 * 4 + 2 * stored));
  const optimizer = optimizerBytes(config, adapterRank, muon);
  const once = stored * HEAD_CHUNK * V + operand * GRADIENT_DEPTH * rounded(Math.max(C, F), PANEL);
  const copy = 4 * Math.max(...tensorShapes(config).map(elements));
  return threads * (head + products + attention + optimizer) + once + copy;
}

/** What a thread needs for the largest matrix that it updates. */
function optimizerBytes(config: GlmConfig, rank: number | undefined, muon: boolean): number {
  const matrices = tensorShapes(config)
    .filter(isProjection)
    .map(({ shape }) => shape as [number, number]);
  // Both operands of a product of the whole matrix's gradient, and one adapter's side.
  if (rank !== undefined)
    return Math.max(...matrices.map(([out, columns]) => 4 * (2 * out * columns + 2 * rank * out)));
  if (!muon) return 0;
  const { hiddenSize: C, innerSize: F } = config;
  // Queries, keys, values, gate and value are taken apart: no side that counts is longer than F beside C.
  return 4 * 4 * C * F + 2 * 4 * Math.min(C, F) ** 2;
}

function upWidth({ innerSize, activation }: GlmConfig): number {
  return activation === 'geglu' || activation === 'swiglu' ? 2 * innerSize : innerSize;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
