/**
 * A model folder with its matrices quantised to 8 or 4 bits, written as GLM-130B writes them (`convert_tp.py
 * --quantization-bit-width`): `weight` I8 with `weight_scale` F16 beside it. Embedding and head take 8 bits by row; the
 * rest is copied. One tensor is in memory at a time.
 */
import { join } from 'node:path';
import { groupsOf, type QuantFormat, type QuantizedMatrix, quantize, rowBytes } from '../checkpoint/quantization.ts';
import { floatsOf, type TensorPlan, writeSafetensors } from '../checkpoint/safetensors.ts';
import { byteLength } from '../checkpoint/safetensors-header.ts';
import type { StoredInfo } from '../checkpoint/tensor-file.ts';
import { describeModelFolder } from './load.ts';
import { copyCompanions, copyConfig, writeFolder } from './new-folder.ts';
import { isMatrix, scaleName } from './stored-tensors.ts';

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
  const { stored, metadata, open } = await describeModelFolder(from);
  if (stored.some((tensor) => tensor.format)) {
    throw new Error(`${from} is quantised already. Take the model that it was made from.`);
  }
  const file = await open();
  try {
    return await writeFolder(to, async (aside) => {
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
      await copyConfig(from, aside, 1);
      await copyCompanions(from, aside);
      const before = [...file.tensors.values()].reduce(
        (sum, { dtype, shape }) => sum + (byteLength(dtype, shape) ?? 0),
        0,
      );
      return { before, after };
    });
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
