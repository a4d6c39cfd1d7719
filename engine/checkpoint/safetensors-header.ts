/**
 * The header of a safetensors file, read as hostile input: size, JSON, duplicate names, data types, shapes and offsets
 * are all checked before any of them is used. The data must fill the file without gap or overlap, as the format asks.
 */

/** Data types of the format with the bytes of one element. */
export const DTYPE_BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

export type Dtype = keyof typeof DTYPE_BYTES;

export interface TensorInfo {
  name: string;
  dtype: Dtype;
  shape: number[];
  /** Bytes [begin, end) counted from the end of the header. */
  begin: number;
  end: number;
}

export interface SafetensorsHeader {
  tensors: Map<string, TensorInfo>;
  metadata: Record<string, string>;
}

/** The format's own limit; a larger length is a corrupt or foreign file. */
export const LARGEST_HEADER = 100_000_000;

/** `dataLength` is what the file holds after the header. Errors begin with `path` and name the tensor. */
export function parseHeader(json: string, dataLength: number, path: string): SafetensorsHeader {
  let root: unknown;
  try {
    root = JSON.parse(json);
  } catch (error) {
    throw new Error(`${path}: the header is not JSON (${(error as Error).message}). The file is damaged.`);
  }
  if (!isRecord(root)) throw new Error(`${path}: the header is not a JSON object.`);
  const repeated = repeatedKey(json);
  if (repeated !== undefined) throw new Error(`${path}: the header names ${JSON.stringify(repeated)} twice.`);

  const tensors = new Map<string, TensorInfo>();
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(root)) {
    if (name === '__metadata__') metadata = parseMetadata(entry, path);
    else tensors.set(name, parseTensor(name, entry, path));
  }
  checkOffsets([...tensors.values()], dataLength, path);
  return { tensors, metadata };
}

function parseMetadata(entry: unknown, path: string): Record<string, string> {
  if (!isRecord(entry) || Object.values(entry).some((value) => typeof value !== 'string')) {
    throw new Error(`${path}: __metadata__ must map names to text.`);
  }
  return { ...(entry as Record<string, string>) };
}

function parseTensor(name: string, entry: unknown, path: string): TensorInfo {
  const where = `${path}: tensor ${JSON.stringify(name)}`;
  if (!isRecord(entry)) throw new Error(`${where} is not described by a JSON object.`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BYTES, dtype)) {
    throw new Error(
      `${where} has data type ${JSON.stringify(dtype)}; known are ${Object.keys(DTYPE_BYTES).join(', ')}.`,
    );
  }
  if (!isCounts(shape)) throw new Error(`${where} has shape ${JSON.stringify(shape)}, which is not a list of sizes.`);
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw new Error(`${where} has offsets ${JSON.stringify(offsets)}, which are not [begin, end].`);
  }
  const [begin, end] = offsets as [number, number];
  const bytes = byteLength(dtype as Dtype, shape);
  if (bytes === undefined)
    throw new Error(`${where} has shape ${JSON.stringify(shape)}, whose size is beyond any file.`);
  if (end - begin !== bytes) {
    throw new Error(
      `${where} of ${dtype} ${JSON.stringify(shape)} takes ${bytes} bytes, but its offsets give ${end - begin}.`,
    );
  }
  return { name, dtype: dtype as Dtype, shape, begin, end };
}

/** Bytes of a tensor, or undefined where the product of its sizes is no longer exact. */
export function byteLength(dtype: Dtype, shape: readonly number[]): number | undefined {
  let bytes: number = DTYPE_BYTES[dtype];
  for (const size of shape) {
    bytes *= size;
    if (!Number.isSafeInteger(bytes)) return undefined;
  }
  return bytes;
}

function checkOffsets(tensors: TensorInfo[], dataLength: number, path: string): void {
  tensors.sort((x, y) => x.begin - y.begin || x.end - y.end);
  let reached = 0;
  for (const { name, begin, end } of tensors) {
    const where = `${path}: tensor ${JSON.stringify(name)} lies at bytes ${begin} to ${end}`;
    if (begin < reached) throw new Error(`${where} and overlaps the one before it.`);
    if (begin > reached) throw new Error(`${where}, leaving ${begin - reached} bytes before it that belong to none.`);
    if (end > dataLength) {
      throw new Error(
        `${where}, but the file holds only ${dataLength} bytes of data. It is cut short: fetch it again.`,
      );
    }
    reached = end;
  }
  if (reached !== dataLength) throw new Error(`${path}: ${dataLength - reached} bytes at the end belong to no tensor.`);
}

/** The first key that occurs twice in one object, which JSON.parse passes over. `json` must be valid JSON. */
export function repeatedKey(json: string): string | undefined {
  const open: (Set<string> | null)[] = [];
  for (const [token] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(?:\s*:)?|[{}[\]]/gs)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (token.endsWith(':')) {
      const key = JSON.parse(token.slice(0, token.lastIndexOf('"') + 1)) as string;
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((entry) => Number.isSafeInteger(entry) && entry >= 0);
}
