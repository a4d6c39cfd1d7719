/**
 * The weights of a model as SwissArmyTransformer and Megatron save them: `latest` names a folder, in which
 * `mp_rank_00_model_states.pt` and its fellows hold a part each (tensor-parallel.ts). Read as one file; a tensor's parts
 * are in memory together. The names are hostile input: nothing outside the folder is opened.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { byteLength, DTYPE_BYTES } from '../checkpoint/safetensors-header.ts';
import type { StoredInfo, TensorFile } from '../checkpoint/tensor-file.ts';
import { openTorchFile } from '../checkpoint/torch-file.ts';
import type { GlmConfig } from './config.ts';
import type { Family } from './families/family.ts';
import { checkParts, putPart, type Split, splitOf } from './tensor-parallel.ts';

export const LATEST = 'latest';

export function shardName(part: number): string {
  return `mp_rank_${String(part).padStart(2, '0')}_model_states.pt`;
}

/** Opens all parts; throws with the path, the tensor, what was expected and what was found. */
export async function openShards(folder: string, family: Family, config: GlmConfig): Promise<TensorFile> {
  const path = join(folder, await iteration(join(folder, LATEST)));
  const names = (await readdir(path)).filter((name) => /^mp_rank_\d+_model_states\.pt$/.test(name)).sort();
  const missing = names.findIndex((name, part) => name !== shardName(part));
  if (names.length === 0 || missing >= 0)
    throw new Error(`${join(path, shardName(Math.max(missing, 0)))} is missing. Fetch all parts of the model.`);
  checkParts(config, names.length, path);
  const shards: TensorFile[] = [];
  const close = async () => {
    for (const shard of shards) await shard.close();
  };
  try {
    for (const name of names) shards.push(await openTorchFile(join(path, name)));
    const splits = new Map<string, Split | undefined>();
    const tensors = mergedInfos(shards, (name) => {
      const canonical = family.canonicalName(name);
      const split = splitOf(typeof canonical === 'string' ? canonical : canonical.name, config);
      splits.set(name, split);
      return split;
    });
    let merged: { name: string; bytes: Promise<Uint8Array<ArrayBuffer>> } | undefined;
    const mergeParts = async (name: string, { dtype, shape }: StoredInfo, split: Split) => {
      const whole = new Uint8Array(byteLength(dtype, shape) ?? 0);
      for (const [index, shard] of shards.entries())
        putPart(await shard.read(name), whole, shape, DTYPE_BYTES[dtype], split, { index, of: shards.length });
      return whole;
    };
    return {
      path,
      tensors,
      metadata: {},
      async read(name, range, space) {
        const [first] = shards as [TensorFile];
        const info = tensors.get(name);
        const split = splits.get(name);
        if (!info || !split || shards.length === 1) return first.read(name, range, space);
        // Ranges of one tensor follow each other: it is put together once for all of them.
        if (merged?.name !== name) merged = { name, bytes: mergeParts(name, info, split) };
        const whole = await merged.bytes;
        if (range) return whole.slice(range.begin, range.end);
        merged = undefined;
        return whole;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function iteration(path: string): Promise<string> {
  const { size } = await stat(path);
  const name = size > 100 ? '' : (await readFile(path, 'utf8')).trim();
  if (!/^\w[\w.-]*$/.test(name))
    throw new Error(
      `${path} must hold the name of a folder beside it, e.g. 49300. Write the folder of the weights into it.`,
    );
  return name;
}

function mergedInfos(shards: readonly TensorFile[], splitBy: (name: string) => Split | undefined) {
  const [first, ...others] = shards as [TensorFile, ...TensorFile[]];
  const merged = new Map<string, StoredInfo>();
  for (const [name, { dtype, shape }] of first.tensors) {
    const split = splitBy(name);
    if (dtype === 'I8' && others.length > 0) {
      throw new Error(
        `${first.path}: tensor ${name} is quantised, each part with scales of its own, which cannot be put together. Take the model in float16.`,
      );
    }
    for (const { path, tensors } of others) {
      const found = tensors.get(name);
      if (found?.dtype !== dtype || String(found.shape) !== String(shape)) {
        throw new Error(
          `${path}: tensor ${name} must be ${dtype} [${shape}] as in ${first.path}, but it is ${found ? `${found.dtype} [${found.shape}]` : 'missing'}.`,
        );
      }
    }
    const whole = shape.map((size, axis) => (axis === split?.axis ? size * shards.length : size));
    const along = split?.sections.reduce((sum, size) => sum + size, 0);
    if (split && shards.length > 1 && whole[split.axis] !== along) {
      throw new Error(
        `${first.path}: the ${shards.length} parts of tensor ${name} must have ${along} ${split.axis === 0 ? 'rows' : 'columns'} together by config.json, but they have ${whole[split.axis]}.`,
      );
    }
    merged.set(name, { name, dtype, shape: whole });
  }
  for (const { path, tensors } of others) {
    const extra = [...tensors.keys()].find((name) => !merged.has(name));
    if (extra !== undefined) throw new Error(`${path}: tensor ${extra} is not in ${first.path}.`);
  }
  return merged;
}
