/**
 * A model folder with its matrices quantised to 8 or 4 bits, written as GLM-130B writes them (`convert_tp.py
 * --quantization-bit-width`): `weight` I8 with `weight_scale` F16 beside it. Embedding and head take 8 bits by row; the
 * rest is copied. One tensor is in memory at a time.
 */
import { randomUUID } from 'node:crypto';
import { cp, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { groupsOf, type QuantFormat, type QuantizedMatrix, quantize, rowBytes } from '../checkpoint/quantization.ts';
import { floatsOf, type TensorPlan, writeSafetensors } from '../checkpoint/safetensors.ts';
import { byteLength } from '../checkpoint/safetensors-header.ts';
import type { StoredInfo } from '../checkpoint/tensor-file.ts';
import { openWeightsFolder } from '../checkpoint/weights-folder.ts';
import { TOKENIZER_FILES } from '../tokenizer/load-folder.ts';
import { describeModelFolder } from './load.ts';
import { isMatrix, scaleName } from './stored-tensors.ts';

/** Of these the folder's own are copied; a model is complete with the first and the weights. */
const COMPANIONS = ['config.json', 'README.md', ...TOKENIZER_FILES];

export interface QuantizedFolder {
  /** Bytes of all tensors before and after. */
  before: number;
  after: number;
}

/** `to` must not exist and appears when it is complete. Throws with what was wrong and what to do. */
export async function quantizeFolder(
  from: string,
  to: string,
  format: QuantFormat,
  { onTensor, signal }: { onTensor?: (done: number, all: number) => void; signal?: AbortSignal } = {},
): Promise<QuantizedFolder> {
  if (await exists(to)) throw new Error(`${to} exists already. Choose another folder, or remove it first.`);
  const { stored, metadata } = await describeModelFolder(from);
  if (stored.some((tensor) => tensor.format)) {
    throw new Error(`${from} is quantised already. Take the model that it was made from.`);
  }
  const file = await openWeightsFolder(from);
  const aside = join(dirname(to), `.${randomUUID()}.part`);
  try {
    await mkdir(aside, { recursive: true });
    const plans: TensorPlan[] = [];
    const formats = new Map<string, QuantFormat>();
    for (const tensor of stored) {
      for (const source of tensor.sources) {
        const { name, dtype, shape } = file.tensors.get(source) as StoredInfo;
        if (!isMatrix(tensor)) {
          plans.push({ name, dtype, shape });
          continue;
        }
        const [rows, columns] = shape as [number, number];
        const own: QuantFormat = tensor.name.includes('.layers.') ? format : { bits: 8, group: 'row' };
        const groups = own.group === 'row' ? [] : [groupsOf(columns, own)];
        formats.set(name, own);
        plans.push({ name, dtype: 'I8', shape: [rows, rowBytes(columns, own)] });
        plans.push({ name: scaleName(name), dtype: 'F16', shape: [rows, ...groups] });
      }
    }
    let scales = new Uint16Array();
    let [done, after] = [0, 0];
    const bytesOf = async (name: string): Promise<Uint8Array> => {
      signal?.throwIfAborted();
      onTensor?.(done++, plans.length);
      const info = file.tensors.get(name);
      const own = formats.get(name);
      const bytes = !info ? bytesIn(scales) : own ? bytesIn(await quantizedFrom(info, own)) : await file.read(name);
      after += bytes.byteLength;
      return bytes;
    };
    const quantizedFrom = async ({ name, dtype, shape }: StoredInfo, own: QuantFormat): Promise<Int8Array> => {
      const values = floatsOf(await file.read(name), dtype);
      const made = quantizedOrExplained(values, shape as [number, number], own, `${file.path}: tensor ${name}`);
      scales = made.scales as Uint16Array<ArrayBuffer>;
      return made.data;
    };
    const note = {
      quantization: `int${format.bits}, a scale for each ${format.group === 'row' ? 'row' : `${format.group} columns`}`,
    };
    await writeSafetensors(join(aside, 'model.safetensors'), plans, bytesOf, { ...metadata, ...note });
    for (const name of COMPANIONS) {
      if (await exists(join(from, name))) await cp(join(from, name), join(aside, name));
    }
    await rename(aside, to);
    const before = [...file.tensors.values()].reduce(
      (sum, { dtype, shape }) => sum + (byteLength(dtype, shape) ?? 0),
      0,
    );
    return { before, after };
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    throw error;
  } finally {
    await file.close();
  }
}

function quantizedOrExplained(
  values: Float32Array,
  [rows, columns]: [number, number],
  format: QuantFormat,
  where: string,
): QuantizedMatrix {
  try {
    return quantize(values, rows, columns, format);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Error(`${where}: ${error.message}, which no whole number stands for. The weights are damaged.`, {
      cause: error,
    });
  }
}

function bytesIn({ buffer, byteOffset, byteLength }: Int8Array | Uint16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
