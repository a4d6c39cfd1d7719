/**
 * A model folder (config.json and weights) becomes a `GlmConfig` and tensors under canonical names, whichever
 * family it comes from. Everything is checked before the first tensor is read: a wrong file costs no memory.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dequantize, type QuantGroup, type QuantizedMatrix } from '../checkpoint/quantization.ts';
import { type Dtype, floatsOf } from '../checkpoint/safetensors.ts';
import type { TensorFile } from '../checkpoint/tensor-file.ts';
import { openWeightsFolder } from '../checkpoint/weights-folder.ts';
import { attentionWidths, type Experts, type GlmConfig } from './config.ts';
import { chatglm6b } from './families/chatglm-6b.ts';
import { chatglm2 } from './families/chatglm2.ts';
import { cloze } from './families/cloze.ts';
import { type ConfigKeys, configKeys } from './families/config-keys.ts';
import type { Family } from './families/family.ts';
import { glm130b } from './families/glm-130b.ts';
import { glm2021 } from './families/glm-2021.ts';
import { glmHf } from './families/glm-hf.ts';
import { glm4Hf } from './families/glm4-hf.ts';
import { glm4MoeHf } from './families/glm4-moe-hf.ts';
import { exists } from './new-folder.ts';
import { LATEST, openShards } from './parallel-shards.ts';
import { checkBits, matchTensors, readScales, readStored, type StoredTensor } from './stored-tensors.ts';
import { readMatrices } from './tensor-pieces.ts';

const FAMILIES: readonly Family[] = [glm130b, chatglm6b, chatglm2, glm2021, glmHf, glm4Hf, glm4MoeHf, cloze];

/** Key of the weights' metadata under which training leaves the hash of the tokenizer file. */
export const TOKENIZER_HASH = 'tokenizer_sha256';

export interface LoadedTensor {
  /** Canonical name. */
  name: string;
  shape: number[];
  dtype: Dtype;
  data: Uint8Array<ArrayBuffer>;
  /** Where `data` has only some rows of a matrix: the first of them. */
  row?: number;
  /** The same bytes as a matrix, or these rows of it, where the file holds it quantised (dtype I8). */
  quantized?: QuantizedMatrix;
}

/** A tensor's values, whatever they are stored as. */
export function valuesOf({ quantized, data, dtype }: LoadedTensor): Float32Array {
  return quantized ? dequantize(quantized) : floatsOf(data, dtype);
}

export interface ModelFolder {
  path: string;
  /** The family's name, e.g. `chatglm-6b`. */
  family: string;
  /** Which release of the family this is, where prompts differ between them. */
  release?: string;
  config: GlmConfig;
  /** The weights file's own metadata. */
  metadata: Record<string, string>;
  /** Bits of the layers' matrices, where the file holds them quantised. */
  bits?: 4 | 8;
  /** Columns of those matrices that share a scale. */
  group?: QuantGroup;
  /**
   * Every tensor of `tensorShapes(config)`, in that order, one in memory at a time. May be walked more than once. With
   * `largest`, matrices may come in pieces of about as many bytes (`row`), one after another; the bytes of a piece stay
   * as they are until the piece after the next is asked for.
   */
  tensors(largest?: number): AsyncGenerator<LoadedTensor, void, undefined>;
}

/** What a folder holds, checked, without its tensors' values. */
export interface ModelDescription {
  family: string;
  release?: string;
  config: GlmConfig;
  metadata: Record<string, string>;
  stored: StoredTensor[];
  /** The weights, in which `stored` has its sources. */
  open(): Promise<TensorFile>;
}

/** Throws an error that names the file, the key or tensor, what was expected and what was found. */
export async function describeModelFolder(path: string): Promise<ModelDescription> {
  const keys = configKeys(await readText(join(path, 'config.json'), path), join(path, 'config.json'));
  const family = recognise(keys);
  const config = family.config(keys);
  checkConfig(config, keys.path);
  const inParts = await exists(join(path, LATEST));
  if (!inParts) keys.only('model_parallel_size', 1);
  const open = () => (inParts ? openShards(path, family, config) : openWeightsFolder(path));
  const file = await open();
  let stored: StoredTensor[];
  try {
    stored = matchTensors(file, family, config, family.ignores?.(keys));
    const bits = family.bits?.(keys);
    if (bits) checkBits(file.path, stored, bits);
  } finally {
    await file.close();
  }
  const release = family.release ? { release: family.release(keys) } : {};
  return { family: family.name, ...release, config, metadata: file.metadata, stored, open };
}

/** Throws as `describeModelFolder`. */
export async function loadModelFolder(path: string): Promise<ModelFolder> {
  const { stored, open: openFile, ...description } = await describeModelFolder(path);
  const format = stored.find((tensor) => tensor.format && tensor.name.includes('.layers.'))?.format;
  return {
    path,
    ...description,
    ...(format ? { bits: format.bits, group: format.group } : {}),
    async *tensors(largest) {
      const open = await openFile();
      const matrices = readMatrices(open, largest === undefined ? [] : stored, largest ?? 0);
      try {
        for (const tensor of stored) {
          const { name, shape, dtype, format: own } = tensor;
          const pieces = matrices.pieces(name);
          if (pieces) {
            for await (const { row, rows, data, scales } of pieces) {
              const whole = own && scales && { ...own, rows, columns: shape[1] as number, data: signed(data), scales };
              yield { name, shape, dtype, data, row, ...(whole ? { quantized: whole } : {}) };
            }
            continue;
          }
          const data = await readStored(open, tensor.sources);
          if (!own) {
            yield { name, shape, dtype, data };
            continue;
          }
          const scales = await readScales(open, tensor.sources);
          const [rows, columns] = shape as [number, number];
          const quantized = { ...own, rows, columns, data: signed(data), scales };
          yield { name, shape, dtype, data, quantized };
        }
      } finally {
        await matrices.close();
        await open.close();
      }
    },
  };
}

function signed({ buffer, byteOffset, byteLength }: Uint8Array): Int8Array {
  return new Int8Array(buffer, byteOffset, byteLength);
}

function recognise(keys: ConfigKeys): Family {
  const family = FAMILIES.find((candidate) => candidate.recognises(keys));
  if (family) return family;
  const found = ['model_class', 'model_type', 'architectures']
    .filter((key) => keys.has(key))
    .map((key) => `"${key}": ${JSON.stringify(keys.raw(key))}`);
  const known = FAMILIES.map(({ name, sign }) => `${name} (${sign})`).join(', ');
  throw new Error(
    `${keys.path}: this is no known family of models (${found.join(', ') || 'no model_class, no model_type'}). Known are ${known}.`,
  );
}

/** Limits that every runtime relies on, so that a made-up configuration cannot ask for absurd memory. */
function checkConfig(config: GlmConfig, path: string): void {
  const { hiddenSize, heads, positions } = config;
  const limits = {
    vocabSize: 2 ** 20,
    hiddenSize: 2 ** 16,
    innerSize: 2 ** 18,
    layers: 1024,
    heads: 1024,
    maxLength: 2 ** 20,
  };
  for (const [key, limit] of Object.entries(limits)) {
    const value = config[key as keyof typeof limits];
    if (value > limit) throw new Error(`${path}: ${key} ${value} is beyond the limit of ${limit}.`);
  }
  const { headSize = hiddenSize / heads, keyValueHeads = heads } = config;
  if (!Number.isInteger(headSize))
    throw new Error(`${path}: hidden size ${hiddenSize} is not a multiple of ${heads} heads.`);
  if (heads % keyValueHeads !== 0)
    throw new Error(`${path}: ${heads} heads are not a multiple of ${keyValueHeads} key/value heads.`);
  if (attentionWidths(config).query > 2 ** 18)
    throw new Error(`${path}: ${heads} heads of ${headSize} are beyond the limit of ${2 ** 18} together.`);
  if (config.experts) checkExperts(config.experts, path);
  checkDecoder(config, path);
  const unit = positions === 'rotary-2d' ? 4 : positions === 'rotary-1d' ? 2 : 1;
  if (headSize % unit !== 0) {
    throw new Error(
      `${path}: ${positions} positions need a head size that is a multiple of ${unit}, but it is ${headSize}.`,
    );
  }
  const { rotarySize = headSize } = config;
  if (rotarySize % unit !== 0 || rotarySize > headSize) {
    throw new Error(
      `${path}: ${positions} positions turn a multiple of ${unit} of the ${headSize} dimensions of a head, but ${rotarySize} are asked for.`,
    );
  }
}

function checkDecoder({ layers, decoderLayers, causal }: GlmConfig, path: string): void {
  if (decoderLayers === undefined) return;
  if (decoderLayers >= layers)
    throw new Error(`${path}: ${decoderLayers} decoder layers of ${layers} leave the encoder none.`);
  if (causal) throw new Error(`${path}: a model with decoder layers has an encoder, which cannot be causal.`);
}

function checkExperts({ count, perToken, innerSize, sharedSize, groups, groupsUsed }: Experts, path: string): void {
  if (count > 1024 || innerSize > 2 ** 18 || sharedSize > 2 ** 18)
    throw new Error(`${path}: ${count} experts of ${innerSize} beside one of ${sharedSize} are beyond the limits.`);
  if (count % groups !== 0 || groupsUsed > groups || perToken > (count / groups) * groupsUsed) {
    throw new Error(
      `${path}: ${perToken} of ${count} experts cannot be chosen from ${groupsUsed} of ${groups} groups of them.`,
    );
  }
}

async function readText(path: string, folder: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw missing(error, path, folder);
  }
}

function missing(error: unknown, path: string, folder: string): unknown {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return error;
  return new Error(`${path} does not exist. A model folder holds config.json and model.safetensors; check ${folder}.`, {
    cause: error,
  });
}
