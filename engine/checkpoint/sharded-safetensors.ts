/**
 * The weights of a model folder: model.safetensors, or the shards that model.safetensors.index.json lists, as one file.
 * The index is hostile input: it may name nothing outside the folder and must agree with the headers of its shards.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { openSafetensors, type SafetensorsFile, type TensorInfo } from './safetensors.ts';
import { isRecord, LARGEST_HEADER, repeatedKey } from './safetensors-header.ts';

/** Files kept open at once; the largest released model has a few hundred. */
const MOST_SHARDS = 1000;

/** A plain name: no separator of any system, no drive. The file may still be a link, as in Hugging Face's own cache. */
const SHARD_NAME = /^[^/\\:\0]+\.safetensors$/;

/** Opens the weights of a folder; errors name the file, the tensor, what was expected and what was found. */
export async function openSafetensorsFolder(folder: string): Promise<SafetensorsFile> {
  const single = join(folder, 'model.safetensors');
  try {
    return await openSafetensors(single);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  const index = join(folder, 'model.safetensors.index.json');
  try {
    await stat(index);
  } catch (error) {
    if (!isAbsent(error)) throw error;
    throw new Error(
      `${single} does not exist. A model folder holds config.json and model.safetensors, or shards with model.safetensors.index.json; check ${folder}.`,
      { cause: error },
    );
  }
  return openShards(index, folder);
}

async function openShards(index: string, folder: string): Promise<SafetensorsFile> {
  const shardOf = await readWeightMap(index);
  const names = [...new Set(shardOf.values())].sort();
  if (names.length > MOST_SHARDS)
    throw new Error(`${index}: ${names.length} shards are more than the ${MOST_SHARDS} that can be opened at once.`);
  const shards = new Map<string, SafetensorsFile>();
  const close = async () => {
    for (const shard of shards.values()) await shard.close();
  };
  try {
    const tensors = new Map<string, TensorInfo>();
    for (const name of names) {
      const shard = await openShard(join(folder, name), index);
      shards.set(name, shard);
      for (const [tensor, info] of shard.tensors) {
        const promised = shardOf.get(tensor);
        if (promised === undefined)
          throw new Error(`${shard.path}: tensor ${JSON.stringify(tensor)} is not listed in ${basename(index)}.`);
        if (promised !== name)
          throw new Error(
            `${shard.path}: tensor ${JSON.stringify(tensor)} belongs to ${promised} by ${basename(index)}, but it is also here.`,
          );
        tensors.set(tensor, info);
      }
    }
    for (const [tensor, name] of shardOf) {
      if (!tensors.has(tensor))
        throw new Error(`${index}: tensor ${JSON.stringify(tensor)} is said to be in ${name}, but it is not there.`);
    }
    return {
      path: index,
      tensors,
      metadata: Object.assign({}, ...[...shards.values()].map(({ metadata }) => metadata)),
      read(tensor) {
        const shard = shards.get(shardOf.get(tensor) ?? '');
        if (!shard) throw new Error(`${index}: there is no tensor ${JSON.stringify(tensor)}.`);
        return shard.read(tensor);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openShard(path: string, index: string): Promise<SafetensorsFile> {
  try {
    return await openSafetensors(path);
  } catch (error) {
    if (!isAbsent(error)) throw error;
    throw new Error(`${path} does not exist, but ${basename(index)} names it. Fetch the missing shard.`, {
      cause: error,
    });
  }
}

/** Tensor name -> file name. */
async function readWeightMap(path: string): Promise<Map<string, string>> {
  const { size } = await stat(path);
  if (size > LARGEST_HEADER) throw new Error(`${path}: ${size} bytes are too many for an index.`);
  const text = await readFile(path, 'utf8');
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    throw new Error(`${path} is not JSON: ${(error as Error).message}. The file is damaged: fetch it again.`);
  }
  const repeated = repeatedKey(text);
  if (repeated !== undefined) throw new Error(`${path} names ${JSON.stringify(repeated)} twice.`);
  const map = isRecord(root) ? root.weight_map : undefined;
  if (!isRecord(map)) throw new Error(`${path}: "weight_map" must be an object of tensor names and file names.`);
  const entries = Object.entries(map);
  for (const [tensor, file] of entries) {
    if (typeof file !== 'string' || !SHARD_NAME.test(file)) {
      throw new Error(
        `${path}: tensor ${JSON.stringify(tensor)} must lie in a .safetensors file of the same folder, not in ${JSON.stringify(file)}.`,
      );
    }
  }
  return new Map(entries as [string, string][]);
}

function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
