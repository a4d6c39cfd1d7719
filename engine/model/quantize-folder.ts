/**
 * A model folder with its matrices quantised to 8 or 4 bits, written as GLM-130B writes them (`convert_tp.py
 * --quantization-bit-width`): `weight` I8 with `weight_scale` F16 beside it. Embedding and head take 8 bits by row; the
 * rest is copied. A few pieces of a tensor are in memory at a time.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { groupsOf, type QuantFormat, rowBytes } from '../checkpoint/quantization.ts';
import { floatsOf, type TensorPlan, writeSafetensors } from '../checkpoint/safetensors.ts';
import { byteLength } from '../checkpoint/safetensors-header.ts';
import type { StoredInfo, TensorFile } from '../checkpoint/tensor-file.ts';
import { loadAddon, type StoredFloats } from '../native.ts';
import { describeModelFolder } from './load.ts';
import { copyCompanions, copyConfig, writeFolder } from './new-folder.ts';
import { isMatrix, scaleName } from './stored-tensors.ts';
import { type MatrixReader, type Piece, type PieceSpaces, pieceSpaces, readMatrices } from './tensor-pieces.ts';

/** Bytes of a matrix that are quantised at a time. */
const PIECE = 8 << 20;

export interface QuantizedFolder {
  /** Bytes of all tensors before and after. */
  before: number;
  after: number;
}

export interface QuantizeOptions {
  /** Scales of 4 bits are those of the least squared error among some, not those of the largest weight. */
  search?: boolean;
  onTensor?: (done: number, all: number) => void;
  signal?: AbortSignal;
}

/** `to` must not exist and appears when it is complete. Throws with what was wrong and what to do. */
export async function quantizeFolder(
  from: string,
  to: string,
  format: QuantFormat,
  { search = false, onTensor, signal }: QuantizeOptions = {},
): Promise<QuantizedFolder> {
  const { stored, metadata, open } = await describeModelFolder(from);
  if (stored.some((tensor) => tensor.format)) {
    throw new Error(`${from} is quantised already. Take the model that it was made from.`);
  }
  const file = await open();
  // Each part of a fused one is written by itself.
  const parts = stored.filter(isMatrix).flatMap(({ sources }) => sources);
  const infos = parts.map((name) => ({ ...(file.tensors.get(name) as StoredInfo), sources: [name] }));
  const matrices = readMatrices(file, infos, PIECE);
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
      // A matrix is written just before its scales.
      let scales: Uint8Array[] = [];
      const outs = pieceSpaces(PIECE / 2);
      let [done, after] = [0, 0];
      const bytesOf = async function* (name: string): AsyncGenerator<Uint8Array, void, undefined> {
        signal?.throwIfAborted();
        onTensor?.(done++, plans.length);
        const info = file.tensors.get(name);
        const own = formats.get(name);
        if (info && own) scales = [];
        const parts = !info
          ? scales
          : own
            ? quantizedPieces(file, info, own, { search, scales, matrices, outs })
            : [await file.read(name)];
        for await (const bytes of parts) {
          signal?.throwIfAborted();
          after += bytes.byteLength;
          yield bytes;
        }
      };
      const note = {
        quantization: `int${format.bits}, a scale for each ${format.group === 'row' ? 'row' : `${format.group} columns`}${search && format.bits === 4 ? ', searched' : ''}`,
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
    await matrices.close();
    await file.close();
  }
}

/** The whole numbers of a matrix, piece by piece, each made while the one before is written; `scales` takes theirs. */
async function* quantizedPieces(
  file: TensorFile,
  { name, dtype, shape }: StoredInfo,
  format: QuantFormat,
  {
    search,
    scales,
    matrices,
    outs,
  }: { search: boolean; scales: Uint8Array[]; matrices: MatrixReader; outs: PieceSpaces },
): AsyncGenerator<Uint8Array, void, undefined> {
  const columns = shape[1] as number;
  const quantized = async ({ row, rows, data }: Piece) => {
    const into = outs.next(rows * rowBytes(columns, format)).subarray(0, rows * rowBytes(columns, format));
    const threads = availableParallelism();
    const made = await loadAddon().quantizeRows(dtype as StoredFloats, data, columns, format, search, threads, into);
    if (!made) {
      const values = floatsOf(data, dtype);
      const at = values.findIndex((value) => !Number.isFinite(value));
      throw new Error(
        `${file.path}: tensor ${name}: value ${row * columns + at} is ${values[at]}, which no whole number stands for. The weights are damaged.`,
      );
    }
    scales.push(new Uint8Array(made.buffer, made.byteOffset, made.byteLength));
    return into;
  };
  let coming: Promise<Uint8Array> | undefined;
  for await (const piece of matrices.pieces(name) ?? []) {
    const made = await coming;
    coming = quantized(piece);
    // It is waited for after the next read, which may fail before.
    coming.catch(() => undefined);
    if (made) yield made;
  }
  if (coming) yield await coming;
}
