/** Writes what torch.save writes, as far as the tests need it: pickle opcodes by hand, and a zip archive without compression. */
import { crc32 } from 'node:zlib';

export interface TorchTensor {
  /** e.g. `FloatStorage` */
  type: string;
  key: string;
  /** Elements of the storage. */
  length: number;
  offset?: number;
  shape: readonly number[];
  strides?: readonly number[];
}

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u16 = (value: number) => u32(value).subarray(0, 2);
export const text = (value: string) => Buffer.concat([latin1('X'), u32(Buffer.byteLength(value)), Buffer.from(value)]);
export const integer = (value: number) => Buffer.concat([latin1('J'), u32(value)]);
const tuple = (values: Buffer[]) => Buffer.concat([latin1('('), ...values, latin1('t')]);
export const global = (module: string, name: string) => latin1(`c${module}\n${name}\n`);
export const ordered = Buffer.concat([global('collections', 'OrderedDict'), latin1(')R')]);

export function tensorPickle({ type, key, length, offset = 0, shape, strides }: TorchTensor): Buffer {
  const rowMajor = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const id = tuple([text('storage'), global('torch', type), text(key), text('cpu'), integer(length)]);
  const storage = Buffer.concat([id, latin1('Q')]);
  const counts = (values: readonly number[]) => tuple(values.map(integer));
  const values = [storage, integer(offset), counts(shape), counts(strides ?? rowMajor), latin1('\x89'), ordered];
  return Buffer.concat([global('torch._utils', '_rebuild_tensor_v2'), tuple(values), latin1('R')]);
}

/** A state dict: names and the pickles of their values. */
export function statePickle(values: Readonly<Record<string, Buffer>>): Buffer {
  const items = Object.entries(values).flatMap(([name, value]) => [text(name), value]);
  return Buffer.concat([latin1('\x80\x02'), ordered, latin1('('), ...items, latin1('u}b.')]);
}

/** Members in order; `zip64` writes sizes and offsets the way archives beyond 4 GB have them. */
export function zip(members: Readonly<Record<string, Uint8Array>>, { zip64 = false, method = 0 } = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  const u64 = (value: number) => Buffer.concat([u32(value % 2 ** 32), u32(Math.floor(value / 2 ** 32))]);
  for (const [name, data] of Object.entries(members)) {
    const named = Buffer.from(name);
    const size = zip64 ? 0xffffffff : data.length;
    const sizes = Buffer.concat([u32(crc32(data)), u32(size), u32(size)]);
    const head = Buffer.concat([u16(45), u16(0), u16(method), u32(0), sizes, u16(named.length)]);
    // PyTorch pads the local header, so that tensors begin at multiples of 64 bytes.
    const padding = Buffer.concat([u16(0x4246), u16(3), Buffer.from('ZZZ')]);
    const local = Buffer.concat([latin1('PK\x03\x04'), head, u16(padding.length), named, padding, data]);
    const extra = zip64
      ? Buffer.concat([u16(1), u16(24), u64(data.length), u64(data.length), u64(at)])
      : Buffer.alloc(0);
    const rest = Buffer.concat([u16(extra.length), u16(0), u16(0), u16(0), u32(0), u32(zip64 ? 0xffffffff : at)]);
    directory.push(Buffer.concat([latin1('PK\x01\x02'), u16(45), head, rest, named, extra]));
    parts.push(local);
    at += local.length;
  }
  const length = directory.reduce((sum, entry) => sum + entry.length, 0);
  const count = directory.length;
  const ends: Buffer[] = [];
  if (zip64) {
    const record = Buffer.concat([
      u64(44),
      u16(45),
      u16(45),
      u32(0),
      u32(0),
      u64(count),
      u64(count),
      u64(length),
      u64(at),
    ]);
    ends.push(Buffer.concat([latin1('PK\x06\x06'), record, latin1('PK\x06\x07'), u32(0), u64(at + length), u32(1)]));
  }
  const places = zip64
    ? [u16(0xffff), u16(0xffff), u32(0xffffffff), u32(0xffffffff)]
    : [u16(count), u16(count), u32(length), u32(at)];
  ends.push(Buffer.concat([latin1('PK\x05\x06'), u32(0), ...places, u16(0)]));
  return Buffer.concat([...parts, ...directory, ...ends]);
}

/** A whole checkpoint of a pickle and the bytes of its storages. */
export function torchFile(
  pickle: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>>,
  options?: { zip64?: boolean },
): Buffer {
  const data = Object.entries(storages).map(([key, bytes]) => [`archive/data/${key}`, bytes] as const);
  return zip({ 'archive/data.pkl': pickle, ...Object.fromEntries(data), 'archive/version': latin1('3\n') }, options);
}
