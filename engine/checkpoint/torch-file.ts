/**
 * PyTorch checkpoints (`pytorch_model.bin`, written by torch.save since version 1.6): a zip archive with a pickle that
 * describes the tensors and one member for each storage. Tensors may share a storage, begin within it and be transposed.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { readBytes } from './file-bytes.ts';
import { type PickledTensor, readPickle } from './pickle.ts';
import { pieceReader } from './piece-reader.ts';
import { byteLength, DTYPE_BYTES } from './safetensors-header.ts';
import type { StoredInfo, TensorFile } from './tensor-file.ts';
import { readZipDirectory, type ZipMember, zipDataStart } from './zip-archive.ts';

/** Descriptions of tensors are short: GLM-130B's take less than 1 MB. */
const LARGEST_PICKLE = 16 << 20;

/** Opens a checkpoint and checks every tensor; throws with the path, the tensor, what was expected and what was found. */
export async function openTorchFile(path: string): Promise<TensorFile> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    await checkZip(file, size, path);
    const members = await readZipDirectory(file, size, path);
    const [pickle] = [...members.keys()].filter((name) => /^([^/]*\/)?data\.pkl$/.test(name));
    if (pickle === undefined) throw new Error(`${path}: the archive has no data.pkl, so it is no PyTorch checkpoint.`);
    const prefix = pickle.slice(0, -'data.pkl'.length);
    const data = async (name: string, largest: number) => {
      const member = members.get(prefix + name) as ZipMember;
      if (member.size > largest) throw new Error(`${path}: ${name} of ${member.size} bytes is too large.`);
      return readBytes(file, await zipDataStart(file, size, member, path), member.size, path);
    };
    if (members.has(`${prefix}byteorder`)) {
      const order = new TextDecoder().decode(await data('byteorder', 100)).trim();
      if (order !== 'little')
        throw new Error(`${path}: the tensors are stored ${order} endian; only little endian is read.`);
    }
    const tensors = tensorsOf(readPickle(await data('data.pkl', LARGEST_PICKLE), path), prefix, members, path);
    const pieces = pieceReader(file, size, path);
    return {
      path,
      tensors: new Map([...tensors].map(([name, { info }]) => [name, info])),
      metadata: {},
      async read(name, range, space) {
        const found = tensors.get(name);
        if (!found) throw new Error(`${path}: there is no tensor ${JSON.stringify(name)}.`);
        const { tensor, extent } = found;
        const width = DTYPE_BYTES[tensor.storage.dtype];
        const start = await zipDataStart(
          file,
          size,
          members.get(`${prefix}data/${tensor.storage.key}`) as ZipMember,
          path,
        );
        const at = start + tensor.offset * width;
        if (range && isContiguous(tensor)) {
          const [from, length] = [at + range.begin, range.end - range.begin];
          return space ? pieces.read(from, length, space) : readBytes(file, from, length, path);
        }
        const bytes = await readBytes(file, at, extent * width, path);
        const whole = isContiguous(tensor) ? bytes : gathered(bytes, tensor, width);
        return range ? whole.slice(range.begin, range.end) : whole;
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

async function checkZip(file: FileHandle, size: number, path: string): Promise<void> {
  if (size < 22) throw new Error(`${path}: ${size} bytes are too few for a PyTorch checkpoint.`);
  const start = await readBytes(file, 0, 4, path);
  if (start[0] === 0x50 && start[1] === 0x4b) return;
  const older =
    start[0] === 0x80 ? ' It looks like one of before version 1.6: save it again with a newer PyTorch.' : '';
  throw new Error(`${path}: not a PyTorch checkpoint in a zip archive.${older}`);
}

interface Located {
  info: StoredInfo;
  tensor: PickledTensor;
  /** Elements of the storage from the tensor's first to its last, both included. */
  extent: number;
}

function tensorsOf(root: unknown, prefix: string, members: Map<string, ZipMember>, path: string): Map<string, Located> {
  if (!(root instanceof Map)) throw new Error(`${path}: the checkpoint is not a dictionary of tensors.`);
  const located = new Map<string, Located>();
  // DeepSpeed and Megatron keep the weights under `module`, beside numbers of the training run.
  const inner: unknown = root.get('module');
  const weights = inner instanceof Map ? inner : root;
  for (const [name, value] of weights as Map<unknown, { tensor?: PickledTensor } | null>) {
    if (typeof name !== 'string') throw new Error(`${path}: the checkpoint has a key that is not text.`);
    const where = `${path}: tensor ${JSON.stringify(name)}`;
    const tensor = value?.tensor;
    if (tensor === undefined)
      throw new Error(
        `${path}: ${JSON.stringify(name)} is not a tensor. Only the weights of a model are read, not training states.`,
      );
    located.set(name, {
      info: { name, dtype: tensor.storage.dtype, shape: tensor.shape },
      tensor,
      extent: extentOf(tensor, where),
    });
    const { key, dtype, length } = tensor.storage;
    const bytes = byteLength(dtype, [length]);
    const member = members.get(`${prefix}data/${key}`);
    if (!member) throw new Error(`${where} lies in data/${key}, which is missing.`);
    if (member.size !== bytes)
      throw new Error(`${where} lies in data/${key} of ${member.size} bytes, but ${bytes} were promised.`);
  }
  return located;
}

/** Throws unless all elements lie in the storage and are no more than it has: a repeated one would cost memory. */
function extentOf({ storage, offset, shape, strides }: PickledTensor, where: string): number {
  const elements = byteLength('U8', shape);
  if (elements === undefined || elements > storage.length)
    throw new Error(`${where} of shape [${shape}] has more elements than the ${storage.length} of its storage.`);
  if (elements === 0) return 0;
  const extent = 1 + shape.reduce((sum, size, axis) => sum + (size - 1) * (strides[axis] as number), 0);
  if (!(offset + extent <= storage.length)) {
    throw new Error(
      `${where} of shape [${shape}], strides [${strides}] and offset ${offset} leaves its storage of ${storage.length} elements.`,
    );
  }
  return extent;
}

function isContiguous({ shape, strides }: PickledTensor): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== step) return shape.includes(0);
    step *= shape[axis] as number;
  }
  return true;
}

/** Copies elements of `width` bytes into row-major order. */
function gathered(bytes: Uint8Array, { shape, strides }: PickledTensor, width: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(shape.reduce((product, size) => product * size, width));
  const index = shape.map(() => 0);
  let from = 0;
  for (let at = 0; at < out.length; at += width) {
    for (let i = 0; i < width; i++) out[at + i] = bytes[from * width + i] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] as number;
      from += stride;
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      from -= stride * (shape[axis] as number);
      index[axis] = 0;
    }
  }
  return out;
}
