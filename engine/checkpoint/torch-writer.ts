/**
 * Writes tensors as `torch.save` does, as { 'module': { name: tensor } }, which is what DeepSpeed, Megatron and
 * SwissArmyTransformer load: a zip archive of uncompressed members, a pickle of protocol 2 and one storage for each tensor,
 * beginning at multiples of 64 bytes. Opcodes: CPython, Lib/pickletools.py; archive: APPNOTE.TXT 6.3.10.
 */
import { crc32 } from 'node:zlib';
import { writeAtomically } from './atomic-write.ts';
import type { TensorPlan } from './safetensors.ts';
import { byteLength, DTYPE_BYTES, type Dtype } from './safetensors-header.ts';

const STORAGES: Partial<Record<Dtype, string>> = {
  F32: 'FloatStorage',
  F16: 'HalfStorage',
  BF16: 'BFloat16Storage',
};
const ALIGNMENT = 64;
const IN_ZIP64 = 0xffffffff;

/** Asks for each tensor's bytes as its turn comes; the file appears under `path` when it is complete. */
export async function writeTorchFile(
  path: string,
  tensors: readonly TensorPlan[],
  bytesOf: (name: string) => Promise<Uint8Array>,
): Promise<void> {
  const directory: Buffer[] = [];
  await writeAtomically(path, async (file) => {
    let at = 0;
    const add = async (name: string, data: Uint8Array) => {
      if (data.length >= IN_ZIP64)
        throw new Error(`${path}: a tensor of ${data.length} bytes is too large. Split the model into more parts.`);
      const named = Buffer.from(`model/${name}`);
      const common = Buffer.concat([u16(45), u16(0), u16(0), u32(0x00210000), u32(crc32(data))]);
      const sizes = Buffer.concat([u32(data.length), u32(data.length), u16(named.length)]);
      const gap = (ALIGNMENT - ((at + 30 + named.length + 4) % ALIGNMENT)) % ALIGNMENT;
      const padding = Buffer.concat([latin1('FB'), u16(gap), Buffer.alloc(gap, 'Z')]);
      const local = Buffer.concat([latin1('PK\x03\x04'), common, sizes, u16(padding.length), named, padding]);
      const extra = at < IN_ZIP64 ? Buffer.alloc(0) : Buffer.concat([u16(1), u16(8), u64(at)]);
      const rest = [u16(extra.length), u16(0), u16(0), u16(0), u32(0), u32(Math.min(at, IN_ZIP64))];
      directory.push(Buffer.concat([latin1('PK\x01\x02'), u16(45), common, sizes, ...rest, named, extra]));
      for (const bytes of [local, data]) {
        for (let done = 0; done < bytes.length; )
          done += (await file.write(bytes, done, Math.min(bytes.length - done, 1 << 30))).bytesWritten;
        at += bytes.length;
      }
    };
    await add('data.pkl', pickleOf(path, tensors));
    await add('byteorder', latin1('little'));
    for (const [key, { name, dtype, shape }] of tensors.entries()) {
      const bytes = await bytesOf(name);
      if (bytes.length !== byteLength(dtype, shape))
        throw new Error(`${path}: tensor ${name} of ${dtype} [${shape}] has ${bytes.length} bytes.`);
      await add(`data/${key}`, bytes);
    }
    await add('version', latin1('3\n'));
    await file.write(Buffer.concat([...directory, endOf(at, directory)]));
  });
}

/** The records after the directory, which begins at `start`; those of zip64 only where they are needed. */
function endOf(start: number, directory: readonly Buffer[]): Buffer {
  const length = directory.reduce((sum, entry) => sum + entry.length, 0);
  const count = directory.length;
  const isLarge = start >= IN_ZIP64 || count >= 0xffff;
  const counts = [u64(count), u64(count), u64(length), u64(start)];
  const record = Buffer.concat([latin1('PK\x06\x06'), u64(44), u16(45), u16(45), u32(0), u32(0), ...counts]);
  const locator = Buffer.concat([latin1('PK\x06\x07'), u32(0), u64(start + length), u32(1)]);
  const short = u16(Math.min(count, 0xffff));
  const places = [short, short, u32(length), u32(Math.min(start, IN_ZIP64))];
  const end = Buffer.concat([latin1('PK\x05\x06'), u32(0), ...places, u16(0)]);
  return isLarge ? Buffer.concat([record, locator, end]) : end;
}

function pickleOf(path: string, tensors: readonly TensorPlan[]): Buffer {
  const ordered = Buffer.concat([global('collections', 'OrderedDict'), latin1(')R')]);
  const items = tensors.flatMap(({ name, dtype, shape }, key) => {
    const storage = STORAGES[dtype];
    if (storage === undefined) throw new Error(`${path}: tensor ${name} of type ${dtype} cannot be written.`);
    const elements = (byteLength(dtype, shape) ?? 0) / DTYPE_BYTES[dtype];
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
    const id = tuple([text('storage'), global('torch', storage), text(String(key)), text('cpu'), integer(elements)]);
    const values = [id, latin1('Q'), integer(0), tuple(shape.map(integer)), tuple(strides.map(integer))];
    const built = Buffer.concat([latin1('('), ...values, latin1('\x89'), ordered, latin1('tR')]);
    return [text(name), global('torch._utils', '_rebuild_tensor_v2'), built];
  });
  const open = [latin1('\x80\x02}'), text('module'), ordered, latin1('(')];
  return Buffer.concat([...open, ...items, latin1('us.')]);
}

const latin1 = (value: string) => Buffer.from(value, 'latin1');
const global = (module: string, name: string) => latin1(`c${module}\n${name}\n`);
const tuple = (values: readonly Buffer[]) => Buffer.concat([latin1('('), ...values, latin1('t')]);
const text = (value: string) => Buffer.concat([latin1('X'), u32(Buffer.byteLength(value)), Buffer.from(value)]);
/** BININT, or LONG1 of eight bytes where four do not hold it. */
const integer = (value: number) =>
  value < 2 ** 31 ? Buffer.concat([latin1('J'), u32(value)]) : Buffer.concat([latin1('\x8a\x08'), u64(value)]);

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
