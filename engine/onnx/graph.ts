/**
 * An ONNX graph under construction: nodes that name their inputs and outputs, small constants inside the file, and
 * stored tensors whose bytes go to a file beside it. Field numbers are those of onnx.proto of ONNX 1.12; the graph is
 * written in its operator set 17, so that tools of 2022 can read it.
 */
import { float32ToFloat16 } from '../checkpoint/float-formats.ts';
import { type Message, message } from './protobuf.ts';

const IR_VERSION = 8;
const OPERATOR_SET = 17;
/** The domain of onnxruntime's own operators. */
export const MICROSOFT = 'com.microsoft';

const ELEMENT_TYPES = { float32: 1, uint8: 2, int32: 6, int64: 7, float16: 10 } as const;
export type ElementType = keyof typeof ELEMENT_TYPES;
const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = { float32: 4, uint8: 1, int32: 4, int64: 8, float16: 2 };

/** Every stored tensor begins at a multiple of this, so that the file can be mapped into memory. */
const ALIGNMENT = 4096;

/** A tensor of the file of weights. */
export interface StoredTensor {
  name: string;
  type: ElementType;
  shape: readonly number[];
  /** Canonical name of the model's tensor that it is made of; none for tables that are computed. */
  source?: string;
  /** Its bytes, made of the values of the source. */
  bytes(values: Float32Array): Uint8Array;
}

export interface PlacedTensor extends StoredTensor {
  /** Bytes from the start of the file of weights. */
  offset: number;
  length: number;
}

type Attribute = number | string | readonly number[] | { float: number };
type Dimension = number | string;

export interface Graph {
  input(name: string, type: ElementType, shape: readonly Dimension[]): string;
  output(name: string, type: ElementType, shape: readonly Dimension[]): void;
  /**
   * A node with one output; returns the output's name, which is `as` if that is given. Whole numbers are int attributes,
   * `{ float }` is a float. `further` names outputs after the first.
   */
  node(
    operator: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, Attribute>>,
    options?: { domain?: string; as?: string; further?: readonly string[] },
  ): string;
  /** A Split along an axis; `sizes` names an int64 tensor. */
  split(input: string, sizes: string, parts: number, axis: number): string[];
  /** A constant of the graph's file; equal ones are written once. */
  ints(values: readonly number[]): string;
  scalar(value: number, type: 'float32' | 'float16'): string;
  store(tensor: StoredTensor): string;
  /** The bytes of a stored tensor once more, in another shape. */
  reshaped(name: string, of: string, shape: readonly number[]): string;
  /** The stored tensors in the order of the file, and the file's length. */
  readonly stored: readonly PlacedTensor[];
  readonly storedBytes: number;
  /** The ModelProto, its weights in the file of this name beside it. */
  finish(weightsFile: string): Uint8Array;
}

export function createGraph(title: string): Graph {
  const inputs: Uint8Array[] = [];
  const outputs: Uint8Array[] = [];
  const nodes: Uint8Array[] = [];
  const constants = new Map<string, Uint8Array>();
  const stored: PlacedTensor[] = [];
  const reshaped: PlacedTensor[] = [];
  let end = 0;
  let values = 0;

  function add(
    operator: string,
    from: readonly string[],
    to: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = '',
  ): void {
    const node = message();
    for (const name of from) node.bytes(1, name);
    for (const name of to) node.bytes(2, name);
    node.bytes(3, `${operator}_${nodes.length}`).bytes(4, operator);
    for (const [name, value] of Object.entries(attributes)) node.bytes(5, attribute(name, value));
    if (domain) node.bytes(7, domain);
    nodes.push(node.finish());
  }

  const fresh = () => `v${values++}`;

  function constant(name: string, type: ElementType, shape: readonly number[], bytes: Uint8Array): string {
    if (!constants.has(name)) constants.set(name, tensor(name, type, shape).bytes(9, bytes).finish());
    return name;
  }

  return {
    input(name, type, shape) {
      inputs.push(valueInfo(name, type, shape));
      return name;
    },
    output(name, type, shape) {
      outputs.push(valueInfo(name, type, shape));
    },
    node(operator, from, attributes, { domain, as = fresh(), further = [] } = {}) {
      add(operator, from, [as, ...further], attributes, domain);
      return as;
    },
    split(input, sizes, parts, axis) {
      const to = Array.from({ length: parts }, fresh);
      add('Split', [input, sizes], to, { axis });
      return to;
    },
    ints: (list) =>
      constant(`ints_${list.join('_')}`, 'int64', [list.length], bytesOf(BigInt64Array.from(list, (n) => BigInt(n)))),
    scalar(value, type) {
      const single = Float32Array.of(value);
      const bytes = type === 'float32' ? bytesOf(single) : bytesOf(float32ToFloat16(single));
      return constant(`${type}_${value}`, type, [], bytes);
    },
    store(own) {
      const length = own.shape.reduce((product, size) => product * size, ELEMENT_BYTES[own.type]);
      stored.push({ ...own, offset: end, length });
      end = Math.ceil((end + length) / ALIGNMENT) * ALIGNMENT;
      return own.name;
    },
    reshaped(name, of, shape) {
      const original = stored.find((tensor) => tensor.name === of) as PlacedTensor;
      reshaped.push({ ...original, name, shape });
      return name;
    },
    stored,
    get storedBytes() {
      return end;
    },
    finish(weightsFile) {
      const graph = message();
      for (const node of nodes) graph.bytes(1, node);
      graph.bytes(2, title);
      for (const bytes of constants.values()) graph.bytes(5, bytes);
      for (const { name, type, shape, offset, length } of [...stored, ...reshaped]) {
        const place = { location: weightsFile, offset: String(offset), length: String(length) };
        const outside = tensor(name, type, shape);
        for (const [key, value] of Object.entries(place))
          outside.bytes(13, message().bytes(1, key).bytes(2, value).finish());
        graph.bytes(5, outside.int(14, 1).finish());
      }
      for (const bytes of inputs) graph.bytes(11, bytes);
      for (const bytes of outputs) graph.bytes(12, bytes);
      return message()
        .int(1, IR_VERSION)
        .bytes(2, 'cloze')
        .bytes(7, graph.finish())
        .bytes(8, message().bytes(1, '').int(2, OPERATOR_SET).finish())
        .bytes(8, message().bytes(1, MICROSOFT).int(2, 1).finish())
        .finish();
    },
  };
}

function tensor(name: string, type: ElementType, shape: readonly number[]): Message {
  const own = message();
  for (const size of shape) own.int(1, size);
  return own.int(2, ELEMENT_TYPES[type]).bytes(8, name);
}

function valueInfo(name: string, type: ElementType, shape: readonly Dimension[]): Uint8Array {
  const dimensions = message();
  for (const size of shape) {
    dimensions.bytes(1, (typeof size === 'number' ? message().int(1, size) : message().bytes(2, size)).finish());
  }
  const ofTensor = message().int(1, ELEMENT_TYPES[type]).bytes(2, dimensions.finish());
  return message().bytes(1, name).bytes(2, message().bytes(1, ofTensor.finish()).finish()).finish();
}

/** The last field is the kind of attribute: FLOAT 1, INT 2, STRING 3, INTS 7. */
function attribute(name: string, value: Attribute): Uint8Array {
  const own = message().bytes(1, name);
  if (typeof value === 'number') return own.int(3, value).int(20, 2).finish();
  if (typeof value === 'string') return own.bytes(4, value).int(20, 3).finish();
  if ('float' in value) return own.float(2, value.float).int(20, 1).finish();
  for (const number of value) own.int(8, number);
  return own.int(20, 7).finish();
}

export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}
