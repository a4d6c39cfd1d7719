/**
 * The weights of a model folder as one file: model.safetensors or pytorch_model.bin, or the shards that an index beside
 * them lists. The index is hostile input: it may name nothing outside the folder and must agree with its shards.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { openSafetensors } from './safetensors.ts';
import { isRecord, LARGEST_HEADER, repeatedKey } from './safetensors-header.ts';
import type { StoredInfo, TensorFile } from './tensor-file.ts';
import { openTorchFile } from './torch-file.ts';

/** Files kept open at once; the largest released model has a few hundred. */
const MOST_SHARDS = 1000;

interface Format {
  single: string;
  /** Of a shard's name. */
  ending: string;
  open(path: string): Promise<TensorFile>;
}

/** In the order in which they are looked for: safetensors first, where a folder has both. */
const FORMATS: readonly Format[] = [
  { single: 'model.safetensors', ending: '.safetensors', open: openSafetensors },
  { single: 'pytorch_model.bin', ending: '.bin', open: openTorchFile },
];

/** Opens the weights of a folder; errors name the file, the tensor, what was expected and what was found. */
export async function openWeightsFolder(folder: string): Promise<TensorFile> {
  for (const format of FORMATS) {
    const single = join(folder, format.single);
    if (await exists(single)) return format.open(single);
    const index = `${single}.index.json`;
    if (await exists(index)) return openShards(index, folder, format);
  }
  throw new Error(
    `${join(folder, 'model.safetensors')} does not exist. A model folder holds config.json and model.safetensors or pytorch_model.bin, or shards with their index; check ${folder}.`,
  );
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return false;
  }
}

async function openShards(index: string, folder: string, format: Format): Promise<TensorFile> {
  const shardOf = await readWeightMap(index, format);
  const names = [...new Set(shardOf.values())].sort();
  if (names.length > MOST_SHARDS)
    throw new Error(`${index}: ${names.length} shards are more than the ${MOST_SHARDS} that can be opened at once.`);
  const shards = new Map<string, TensorFile>();
  const close = async () => {
    for (const shard of shards.values()) await shard.close();
  };
  try {
    const tensors = new Map<string, StoredInfo>();
    for (const name of names) {
      const shard = await openShard(join(folder, name), index, format);
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
      read(tensor, range, space) {
        const shard = shards.get(shardOf.get(tensor) ?? '');
        if (!shard) throw new Error(`${index}: there is no tensor ${JSON.stringify(tensor)}.`);
        return shard.read(tensor, range, space);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openShard(path: string, index: string, format: Format): Promise<TensorFile> {
  try {
    return await format.open(path);
  } catch (error) {
    if (!isAbsent(error)) throw error;
    throw new Error(`${path} does not exist, but ${basename(index)} names it. Fetch the missing shard.`, {
      cause: error,
    });
  }
}

/** Tensor name -> file name. */
async function readWeightMap(path: string, { ending }: Format): Promise<Map<string, string>> {
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
    if (typeof file !== 'string' || !isPlainName(file) || !file.endsWith(ending)) {
      throw new Error(
        `${path}: tensor ${JSON.stringify(tensor)} must lie in a ${ending} file of the same folder, not in ${JSON.stringify(file)}.`,
      );
    }
  }
  return new Map(entries as [string, string][]);
}

/** No separator of any system, no drive. The file may still be a link, as in Hugging Face's own cache. */
function isPlainName(name: string): boolean {
  return /^[^/\\:\0]+\.[a-z]+$/.test(name);
}

function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
