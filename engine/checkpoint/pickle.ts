/**
 * Reads the pickle of a PyTorch checkpoint and nothing else: numbers, text, tuples, lists, dictionaries, and tensors as
 * descriptions of where they lie. Nothing is ever called; every other global or opcode is refused by name. What is built
 * takes memory in proportion to the pickle, since each opcode adds one value. Opcodes: CPython, Lib/pickletools.py.
 */
import type { Dtype } from './safetensors-header.ts';

/** Elements of one data type that lie in a member of their own. */
export interface PickledStorage {
  dtype: Dtype;
  key: string;
  /** Elements. */
  length: number;
}

/** A view of a storage: element (i, j, …) lies at `offset` + i * strides[0] + j * strides[1] + …. */
export interface PickledTensor {
  storage: PickledStorage;
  offset: number;
  shape: number[];
  strides: number[];
}

export type Pickled =
  | null
  | boolean
  | number
  | string
  | Pickled[]
  | PickledDict
  | { global: string }
  | { storage: PickledStorage }
  | { tensor: PickledTensor };
export type PickledDict = Map<Pickled, Pickled>;

const STORAGES: Readonly<Record<string, Dtype>> = {
  'torch.DoubleStorage': 'F64',
  'torch.FloatStorage': 'F32',
  'torch.HalfStorage': 'F16',
  'torch.BFloat16Storage': 'BF16',
  'torch.LongStorage': 'I64',
  'torch.IntStorage': 'I32',
  'torch.ShortStorage': 'I16',
  'torch.CharStorage': 'I8',
  'torch.ByteStorage': 'U8',
  'torch.BoolStorage': 'BOOL',
};
const ORDERED_DICT = 'collections.OrderedDict';
const REBUILD_TENSOR = 'torch._utils._rebuild_tensor_v2';
const REBUILD_PARAMETER = 'torch._utils._rebuild_parameter';
const GLOBALS = new Set([...Object.keys(STORAGES), ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER]);

/** A tensor takes about 35 opcodes; each may keep some hundred bytes, so this bounds what a made-up file can ask for. */
const MOST_OPCODES = 1 << 20;

/** Stands on the stack below what MARK-delimited opcodes take. */
const MARK = Symbol('mark');

/** `path` stands for the pickle in errors. */
export function readPickle(bytes: Uint8Array<ArrayBuffer>, path: string): Pickled {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: (Pickled | typeof MARK)[] = [];
  const memo = new Map<number, Pickled>();
  let at = 0;

  const fault = (what: string): Error =>
    new Error(`${path}: ${what}. Only plain PyTorch checkpoints of tensors are read.`);
  const take = (length: number): number => {
    const start = at;
    at += length;
    if (at > bytes.length) throw fault('the pickle is cut short');
    return start;
  };
  const text = (length: number): string => new TextDecoder().decode(bytes.subarray(take(length), at));
  const line = (): string => {
    const end = bytes.indexOf(10, at);
    if (end < 0) throw fault('the pickle is cut short');
    return text(end + 1 - at).slice(0, -1);
  };
  const top = (): Pickled => {
    const value = stack.at(-1);
    if (value === undefined || value === MARK) throw fault('the pickle takes a value that is not there');
    return value as Pickled;
  };
  const pop = (): Pickled => {
    const value = top();
    stack.pop();
    return value;
  };
  const sinceMark = (): Pickled[] => {
    const mark = stack.lastIndexOf(MARK);
    if (mark < 0) throw fault('the pickle takes a mark that is not there');
    const values = stack.splice(mark) as Pickled[];
    return values.slice(1);
  };
  const popped = (count: number): Pickled[] => Array.from({ length: count }, pop).reverse();
  const known = (name: string): Pickled => {
    if (!GLOBALS.has(name)) throw fault(`the pickle asks for ${JSON.stringify(name)}, which is refused`);
    return { global: name };
  };
  const setItems = (pairs: Pickled[]): void => {
    const dict = top();
    if (!(dict instanceof Map) || pairs.length % 2 !== 0) throw fault('the pickle puts items into no dictionary');
    for (let i = 0; i < pairs.length; i += 2) dict.set(pairs[i] as Pickled, pairs[i + 1] as Pickled);
  };
  const append = (values: Pickled[]): void => {
    const list = top();
    if (!Array.isArray(list)) throw fault('the pickle appends to no list');
    for (const value of values) list.push(value);
  };
  const recall = (index: number): void => {
    const value = memo.get(index);
    if (value === undefined) throw fault(`the pickle recalls value ${index}, which it never kept`);
    stack.push(value);
  };
  const integer = (length: number): number => {
    let value = 0n;
    const start = take(length);
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[start + i] as number);
    return Number(BigInt.asIntN(8 * length, value));
  };

  for (let count = 0; ; count++) {
    if (count > MOST_OPCODES) throw fault(`the pickle has more than ${MOST_OPCODES} opcodes`);
    const code = bytes[take(1)] as number;
    switch (code) {
      case 0x80: // PROTO
        take(1);
        break;
      case 0x95: // FRAME
        take(8);
        break;
      case 0x2e: // STOP
        return pop();
      case 0x28:
        stack.push(MARK);
        break;
      case 0x30: // POP
        stack.pop();
        break;
      case 0x4e: // NONE
        stack.push(null);
        break;
      case 0x88: // NEWTRUE
      case 0x89: // NEWFALSE
        stack.push(code === 0x88);
        break;
      case 0x4a: // BININT
        stack.push(view.getInt32(take(4), true));
        break;
      case 0x4b: // BININT1
        stack.push(bytes[take(1)] as number);
        break;
      case 0x4d: // BININT2
        stack.push(view.getUint16(take(2), true));
        break;
      case 0x8a: // LONG1
        stack.push(integer(bytes[take(1)] as number));
        break;
      case 0x47: // BINFLOAT
        stack.push(view.getFloat64(take(8), false));
        break;
      case 0x58: // BINUNICODE
        stack.push(text(view.getUint32(take(4), true)));
        break;
      case 0x8c: // SHORT_BINUNICODE
        stack.push(text(bytes[take(1)] as number));
        break;
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        stack.push([]);
        break;
      case 0x74: // TUPLE
      case 0x6c: // LIST
        stack.push(sinceMark());
        break;
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        stack.push(popped(code - 0x84));
        break;
      case 0x61: // APPEND
        append(popped(1));
        break;
      case 0x65: // APPENDS
        append(sinceMark());
        break;
      case 0x7d: // EMPTY_DICT
        stack.push(new Map());
        break;
      case 0x73: // SETITEM
        setItems(popped(2));
        break;
      case 0x75: // SETITEMS
        setItems(sinceMark());
        break;
      case 0x71: // BINPUT
        memo.set(bytes[take(1)] as number, top());
        break;
      case 0x72: // LONG_BINPUT
        memo.set(view.getUint32(take(4), true), top());
        break;
      case 0x94: // MEMOIZE
        memo.set(memo.size, top());
        break;
      case 0x68: // BINGET
        recall(bytes[take(1)] as number);
        break;
      case 0x6a: // LONG_BINGET
        recall(view.getUint32(take(4), true));
        break;
      case 0x63: // GLOBAL
        stack.push(known(`${line()}.${line()}`));
        break;
      case 0x93: // STACK_GLOBAL
        stack.push(known(popped(2).join('.')));
        break;
      case 0x51: // BINPERSID
        stack.push({ storage: storageOf(pop(), fault) });
        break;
      case 0x52: {
        // REDUCE
        const [callable, values] = popped(2);
        stack.push(built(callable as Pickled, values as Pickled, fault));
        break;
      }
      case 0x62: // BUILD: attributes of an OrderedDict (`_metadata`), which say nothing about the tensors
        if (!(popped(1)[0] instanceof Map && top() instanceof Map))
          throw fault('the pickle sets the state of an object');
        break;
      default:
        throw fault(`the pickle uses opcode 0x${code.toString(16)} at byte ${at - 1}, which is refused`);
    }
  }
}

type Fault = (what: string) => Error;

/** `('storage', type, key, location, elements)`. */
function storageOf(id: Pickled, fault: Fault): PickledStorage {
  const [kind, type, key, , length] = Array.isArray(id) ? id : [];
  const dtype = STORAGES[globalName(type) ?? ''];
  if (kind !== 'storage' || dtype === undefined || typeof key !== 'string' || !isCount(length))
    throw fault('the pickle names data that is no storage of a tensor');
  return { dtype, key, length };
}

/** What one of the known globals would build of its arguments. */
function built(callable: Pickled, values: Pickled, fault: Fault): Pickled {
  const name = globalName(callable);
  if (!Array.isArray(values) || name === undefined) throw fault('the pickle calls what is not to be called');
  if (name === ORDERED_DICT && values.length === 0) return new Map();
  const [first, offset, shape, strides] = values;
  if (name === REBUILD_PARAMETER && isObject(first) && 'tensor' in first) return first;
  if (name === REBUILD_TENSOR && isObject(first) && 'storage' in first) {
    if (!isCount(offset) || !isCounts(shape) || !isCounts(strides) || shape.length !== strides.length)
      throw fault('the pickle describes a tensor by no proper offset, shape and strides');
    return { tensor: { storage: first.storage, offset, shape, strides } };
  }
  throw fault(`the pickle calls ${name} with what it does not take`);
}

function globalName(value: Pickled | undefined): string | undefined {
  return isObject(value) && 'global' in value ? value.global : undefined;
}

type PickledObject = Exclude<Pickled, null | boolean | number | string | Pickled[] | PickledDict>;

function isObject(value: Pickled | undefined): value is PickledObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map);
}

function isCount(value: Pickled | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isCounts(value: Pickled | undefined): value is number[] {
  return Array.isArray(value) && value.every(isCount);
}
