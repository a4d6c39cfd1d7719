/**
 * safetensors files: eight bytes of header length (little endian), a JSON header, then the tensors one after another.
 * Read tensor by tensor through a file handle, so that a file larger than memory can be inspected, and written as a
 * stream. https://github.com/huggingface/safetensors#format
 */
import { open } from 'node:fs/promises';
import { writeAtomically } from './atomic-write.ts';
import { readBytes } from './file-bytes.ts';
import { bfloat16ToFloat32, float16ToFloat32 } from './float-formats.ts';
import { pieceReader } from './piece-reader.ts';
import {
  byteLength,
  DTYPE_BYTES,
  type Dtype,
  LARGEST_HEADER,
  parseHeader,
  type SafetensorsHeader,
} from './safetensors-header.ts';

import { streamWriter } from './stream-writer.ts';
import type { ByteRange } from './tensor-file.ts';

export type { Dtype, TensorInfo } from './safetensors-header.ts';

export interface SafetensorsFile extends SafetensorsHeader {
  readonly path: string;
  /** As of a `TensorFile`. */
  read(name: string, range?: ByteRange, space?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** Opens a file and checks its header; throws with the path, the tensor, what was expected and what was found. */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size < 8) throw new Error(`${path}: ${size} bytes are too few for a safetensors file.`);
    const headerLength = new DataView((await readBytes(file, 0, 8, path)).buffer).getBigUint64(0, true);
    if (headerLength > BigInt(LARGEST_HEADER) || headerLength > BigInt(size - 8)) {
      throw new Error(`${path}: not a safetensors file, or cut short: it promises a header of ${headerLength} bytes.`);
    }
    const dataStart = 8 + Number(headerLength);
    const header = await readBytes(file, 8, Number(headerLength), path);
    const { tensors, metadata } = parseHeader(decodeUtf8(header, path), size - dataStart, path);
    const pieces = pieceReader(file, size, path);
    return {
      path,
      tensors,
      metadata,
      async read(name, range, space) {
        const info = tensors.get(name);
        if (!info) throw new Error(`${path}: there is no tensor ${JSON.stringify(name)}.`);
        const { begin, end } = range ?? { begin: 0, end: info.end - info.begin };
        const at = dataStart + info.begin + begin;
        return space ? pieces.read(at, end - begin, space) : readBytes(file, at, end - begin, path);
      },
      async close() {
        await pieces.close();
        await file.close();
      },
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

export interface TensorPlan {
  name: string;
  dtype: Dtype;
  shape: readonly number[];
}

/**
 * Writes tensors in the order given, asking for each one's bytes, or for pieces of them, as its turn comes. The file appears under `path` only
 * when it is complete (`writeAtomically`). Throws when a tensor's bytes do not match its shape.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorPlan[],
  bytesOf: (name: string) => Uint8Array | Promise<Uint8Array> | AsyncIterable<Uint8Array>,
  metadata: Record<string, string> = {},
): Promise<void> {
  const header: Record<string, unknown> = Object.create(null);
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let offset = 0;
  for (const { name, dtype, shape } of tensors) {
    if (name in header || name === '__metadata__')
      throw new Error(`${path}: tensor ${JSON.stringify(name)} given twice.`);
    const bytes = byteLength(dtype, shape);
    if (bytes === undefined) throw new Error(`${path}: tensor ${JSON.stringify(name)} of ${shape} is too large.`);
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const json = JSON.stringify(header);
  // Padded with spaces to a multiple of eight, so that the data is aligned where the file is mapped into memory.
  const text = Buffer.from(json + ' '.repeat((8 - (Buffer.byteLength(json) % 8)) % 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));

  await writeAtomically(path, async (file) => {
    const stream = await streamWriter(file, 8 + text.length + offset);
    try {
      await stream.write(Buffer.concat([length, text]));
      for (const { name, dtype, shape } of tensors) {
        const given = await bytesOf(name);
        let written = 0;
        for await (const bytes of given instanceof Uint8Array ? [given] : given) {
          await stream.write(bytes);
          written += bytes.byteLength;
        }
        const expected = byteLength(dtype, shape);
        if (written !== expected) {
          throw new Error(
            `${path}: tensor ${JSON.stringify(name)} of ${dtype} [${shape}] takes ${expected} bytes, but ${written} were given.`,
          );
        }
      }
      await stream.end();
    } finally {
      await stream.close();
    }
  });
}

/** A tensor's bytes as float32; only F32, F16 and BF16 have a meaning here. */
export function floatsOf(bytes: Uint8Array, dtype: Dtype): Float32Array {
  const own = bytes.byteOffset % DTYPE_BYTES[dtype] === 0 ? bytes : bytes.slice();
  const elements = own.byteLength / DTYPE_BYTES[dtype];
  switch (dtype) {
    case 'F32':
      return new Float32Array(own.buffer, own.byteOffset, elements);
    case 'F16':
      return float16ToFloat32(new Uint16Array(own.buffer, own.byteOffset, elements));
    case 'BF16':
      return bfloat16ToFloat32(new Uint16Array(own.buffer, own.byteOffset, elements));
    default:
      throw new Error(`Weights of data type ${dtype} are not understood; F32, F16 and BF16 are.`);
  }
}

function decodeUtf8(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Error(`${path}: the header is not UTF-8. The file is damaged or not a safetensors file.`);
  }
}
