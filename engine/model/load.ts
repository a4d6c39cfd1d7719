/**
 * A model folder (config.json and model.safetensors) becomes a `GlmConfig` and tensors under canonical names, whichever
 * family it comes from. Everything is checked before the first tensor is read: a wrong file costs no memory.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Dtype, openSafetensors, type SafetensorsFile } from '../checkpoint/safetensors.ts';
import { type GlmConfig, tensorShapes } from './config.ts';
import { chatglm6b } from './families/chatglm-6b.ts';
import { type ConfigKeys, configKeys } from './families/config-keys.ts';
import { type Family, isStoredFrequency } from './families/family.ts';
import { glm130b } from './families/glm-130b.ts';
import { glm2021 } from './families/glm-2021.ts';

const FAMILIES: readonly Family[] = [glm130b, chatglm6b, glm2021];

export interface LoadedTensor {
  /** Canonical name. */
  name: string;
  shape: number[];
  dtype: Dtype;
  data: Uint8Array<ArrayBuffer>;
}

export interface ModelFolder {
  path: string;
  /** `glm-130b`, `chatglm-6b` or `glm-2021`. */
  family: string;
  config: GlmConfig;
  /** The weights file's own metadata. */
  metadata: Record<string, string>;
  /** Every tensor of `tensorShapes(config)`, in that order, one in memory at a time. May be walked more than once. */
  tensors(): AsyncGenerator<LoadedTensor, void, undefined>;
}

/** Throws an error that names the file, the key or tensor, what was expected and what was found. */
export async function loadModelFolder(path: string): Promise<ModelFolder> {
  const keys = configKeys(await readText(join(path, 'config.json'), path), join(path, 'config.json'));
  const family = recognise(keys);
  const config = family.config(keys);
  checkConfig(config, keys.path);
  const weights = join(path, 'model.safetensors');
  const file = await openWeights(weights, path);
  let names: Map<string, string>;
  try {
    names = matchTensors(file, family, config);
  } finally {
    await file.close();
  }
  return {
    path,
    family: family.name,
    config,
    metadata: file.metadata,
    async *tensors() {
      const open = await openSafetensors(weights);
      try {
        for (const { name, shape } of tensorShapes(config)) {
          const stored = names.get(name) as string;
          const data = await open.read(stored);
          yield { name, shape, dtype: open.tensors.get(stored)?.dtype as Dtype, data };
        }
      } finally {
        await open.close();
      }
    },
  };
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
  if (hiddenSize % heads !== 0)
    throw new Error(`${path}: hidden size ${hiddenSize} is not a multiple of ${heads} heads.`);
  const unit = positions === 'rotary-2d' ? 4 : positions === 'rotary-1d' ? 2 : 1;
  if ((hiddenSize / heads) % unit !== 0) {
    throw new Error(
      `${path}: ${positions} positions need a head size that is a multiple of ${unit}, but it is ${hiddenSize / heads}.`,
    );
  }
}

const FLOATS: readonly Dtype[] = ['F32', 'F16', 'BF16'];

/** Canonical name -> name in the file; throws on anything missing, misshapen, of another type, doubled or left over. */
function matchTensors(file: SafetensorsFile, family: Family, config: GlmConfig): Map<string, string> {
  const stored = new Map<string, string>();
  for (const name of file.tensors.keys()) {
    if (isStoredFrequency(name)) continue;
    const canonical = family.canonicalName(name);
    const other = stored.get(canonical);
    if (other !== undefined)
      throw new Error(`${file.path}: both ${other} and ${name} hold the ${canonical} of ${family.name}.`);
    stored.set(canonical, name);
  }
  const expected = tensorShapes(config);
  for (const { name, shape } of expected) {
    const storedName = stored.get(name);
    const info = storedName === undefined ? undefined : file.tensors.get(storedName);
    if (!info) throw new Error(`${file.path}: tensor ${name} [${shape}] of ${family.name} is missing.`);
    if (info.shape.length !== shape.length || info.shape.some((size, index) => size !== shape[index])) {
      throw new Error(
        `${file.path}: tensor ${storedName} must have shape [${shape}] by config.json, but it has [${info.shape}].`,
      );
    }
    if (!FLOATS.includes(info.dtype)) {
      throw new Error(
        `${file.path}: tensor ${storedName} must be one of ${FLOATS.join(', ')}, but it is ${info.dtype}.`,
      );
    }
  }
  const known = new Set(expected.map(({ name }) => name));
  const foreign = [...stored].find(([canonical]) => !known.has(canonical));
  if (foreign)
    throw new Error(`${file.path}: tensor ${foreign[1]} has no place in ${family.name} with this config.json.`);
  return stored;
}

async function readText(path: string, folder: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw missing(error, path, folder);
  }
}

async function openWeights(path: string, folder: string): Promise<SafetensorsFile> {
  try {
    return await openSafetensors(path);
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
