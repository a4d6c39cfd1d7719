/**
 * Graphs on disk: `graph.onnx` and `weights.bin` in a folder named by the hash of what they are made of, so that a model
 * is converted once. Tensors are read, converted and written one at a time. The folder is filled aside and renamed: a
 * conversion that was killed leaves nothing that looks finished.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { floatsOf } from '../checkpoint/safetensors.ts';
import type { ModelFolder } from '../model/load.ts';
import { type GraphForm, glmGraph } from './glm-graph.ts';
import type { Graph, PlacedTensor } from './graph.ts';

/** Raised whenever the same model and form give another graph. */
const GRAPH_VERSION = 2;
const GRAPH_FILE = 'graph.onnx';
const WEIGHTS_FILE = 'weights.bin';

export interface StoreOptions {
  /** Folder that keeps graphs between runs; made when it is not there. */
  cacheFolder: string;
  /** Called with the share of the weights that is written, 0 to 1; not at all when the graph is there already. */
  progress?: ((share: number) => void) | undefined;
}

/** Path of the graph of a model. Throws with the path when the disk is full or cannot be written. */
export async function storedGraph(model: ModelFolder, form: GraphForm, options: StoreOptions): Promise<string> {
  const { cacheFolder, progress = () => undefined } = options;
  const folder = join(cacheFolder, await contentHash(model, form));
  const path = join(folder, GRAPH_FILE);
  if (existsSync(path)) return path;
  const aside = `${folder}.${randomUUID()}.part`;
  try {
    await mkdir(aside, { recursive: true });
    await removeAbandoned(cacheFolder);
    const graph = glmGraph(model.config, form);
    await writeWeights(graph, model, join(aside, WEIGHTS_FILE), progress);
    await writeFile(join(aside, GRAPH_FILE), graph.finish(WEIGHTS_FILE), { flush: true });
    await rename(aside, folder).catch((error: unknown) => {
      // Another process was quicker with the same graph.
      if (!existsSync(path)) throw error;
    });
  } catch (error) {
    throw explained(error, cacheFolder);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  return path;
}

/** Removes what conversions that were killed have left; none takes a day. */
async function removeAbandoned(cacheFolder: string): Promise<void> {
  const yesterday = Date.now() - 24 * 60 * 60 * 1000;
  for (const name of await readdir(cacheFolder)) {
    const path = join(cacheFolder, name);
    if (name.endsWith('.part') && (await stat(path)).mtimeMs < yesterday)
      await rm(path, { recursive: true, force: true });
  }
}

async function writeWeights(
  graph: Graph,
  model: ModelFolder,
  path: string,
  progress: (share: number) => void,
): Promise<void> {
  const bySource = new Map<string | undefined, PlacedTensor[]>();
  for (const tensor of graph.stored) {
    const own = bySource.get(tensor.source);
    if (own) own.push(tensor);
    else bySource.set(tensor.source, [tensor]);
  }
  const file = await open(path, 'wx');
  let written = 0;
  const write = async (tensor: PlacedTensor, values: Float32Array): Promise<void> => {
    const bytes = tensor.bytes(values);
    if (bytes.byteLength !== tensor.length)
      throw new Error(`${tensor.name} takes ${tensor.length} bytes, but ${bytes.byteLength} were made.`);
    await writeAt(file, bytes, tensor.offset);
    written += tensor.length;
    progress(written / graph.storedBytes);
  };
  try {
    for (const table of bySource.get(undefined) ?? []) await write(table, new Float32Array());
    for await (const { name, dtype, data } of model.tensors()) {
      const values = floatsOf(data, dtype);
      for (const tensor of bySource.get(name) ?? []) await write(tensor, values);
      bySource.delete(name);
    }
    bySource.delete(undefined);
    const [missing] = bySource.keys();
    if (missing !== undefined) throw new Error(`${model.path}: the tensor ${missing} is missing.`);
    await file.truncate(graph.storedBytes);
    await file.sync();
  } finally {
    await file.close();
  }
  progress(1);
}

/** One write call takes at most 2^31 - 1 bytes. */
const LARGEST_WRITE = 2 ** 30;

async function writeAt(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const length = Math.min(bytes.byteLength - done, LARGEST_WRITE);
    done += (await file.write(bytes, done, length, offset + done)).bytesWritten;
  }
}

/** SHA-256 of the configuration, the form and every tensor. */
async function contentHash(model: ModelFolder, form: GraphForm): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([GRAPH_VERSION, model.config, form.precision, form.cache]));
  for await (const { name, shape, dtype, data } of model.tensors()) {
    hash.update(JSON.stringify([name, shape, dtype]));
    hash.update(data);
  }
  return hash.digest('hex');
}

function explained(error: unknown, cacheFolder: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new Error(`The disk is full: the graph was not written to ${cacheFolder}. Free some space and try again.`, {
      cause: error,
    });
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM')
    return new Error(`${cacheFolder} cannot be written, so that no graph can be kept there. Check its permissions.`, {
      cause: error,
    });
  return error;
}
