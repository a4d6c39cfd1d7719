/**
 * Finds the tensors of `tensorShapes` in a weights file under a family's own names, and reads them. What a file stores
 * as separate queries, keys and values becomes the one fused projection, a tensor at a time.
 */
import { float32ToFloat16 } from '../checkpoint/float-formats.ts';
import { formatOf, type QuantFormat } from '../checkpoint/quantization.ts';
import { floatsOf } from '../checkpoint/safetensors.ts';
import { byteLength, DTYPE_BYTES, type Dtype } from '../checkpoint/safetensors-header.ts';
import type { TensorFile } from '../checkpoint/tensor-file.ts';
import { attentionWidths, type GlmConfig, tensorShapes } from './config.ts';
import { type Family, GATED_PARTS, isStoredFrequency, PARTS, type Part } from './families/family.ts';

export interface StoredTensor {
  /** Canonical name. */
  name: string;
  shape: number[];
  dtype: Dtype;
  /** Names in the file: the tensor itself, or its rows from top to bottom. */
  sources: string[];
  /** Where it is stored quantised (dtype I8), each source with its scales beside it (`scaleName`). */
  format?: QuantFormat;
}

/** Name of the tensor that holds a quantised tensor's scales, as in GLM-130B's and ChatGLM's checkpoints. */
export function scaleName(source: string): string {
  return `${source}_scale`;
}

/** What may be quantised: the matrices of products, the embedding and the head; not the router of experts. */
export function isMatrix({ name, shape }: Pick<StoredTensor, 'name' | 'shape'>): boolean {
  return shape.length === 2 && !/position_embeddings\.weight$|\.mlp\.gate\.weight$/.test(name);
}

const FLOATS: readonly Dtype[] = ['F32', 'F16', 'BF16'];

/** All tensors, in order; throws on anything missing, misshapen, of another type, doubled or left over unless `ignored`. */
export function matchTensors(
  file: TensorFile,
  family: Family,
  config: GlmConfig,
  ignored: (source: string) => boolean = () => false,
): StoredTensor[] {
  const placed = namesByPlace(file, family, ignored);
  const expected = tensorShapes(config);
  const matched = expected.map(({ name, shape }) => {
    const places = placed.get(name);
    if (!places) throw new Error(`${file.path}: tensor ${name} [${shape}] of ${family.name} is missing.`);
    const whole = places.get('whole');
    const quantizable = isMatrix({ name, shape });
    const sources =
      whole === undefined
        ? partsOf(name).map((part) => {
            const source = places.get(part);
            if (source === undefined)
              throw new Error(`${file.path}: the ${part} rows of tensor ${name} of ${family.name} are missing.`);
            return checked(file, source, [partRows(config, part, shape), ...shape.slice(1)], quantizable);
          })
        : [checked(file, whole, shape, quantizable)];
    const dtypes = new Set(sources.map(stored));
    if (dtypes.size > 1) {
      const found = sources.map((source) => `${source.name} ${stored(source)}`).join(', ');
      throw new Error(`${file.path}: the parts of tensor ${name} must have one data type, but they have ${found}.`);
    }
    const { dtype, format } = sources[0] as Source;
    return { name, shape, dtype, sources: sources.map((source) => source.name), ...(format ? { format } : {}) };
  });
  const known = new Set(expected.map(({ name }) => name));
  for (const [name, places] of placed) {
    if (known.has(name)) continue;
    const [foreign] = places.values();
    throw new Error(`${file.path}: tensor ${foreign} has no place in ${family.name} with this config.json.`);
  }
  return matched;
}

/** The bytes of a tensor of `matchTensors`, from the same file opened once more. */
export async function readStored(file: TensorFile, sources: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  const [only] = sources;
  if (sources.length === 1) return file.read(only as string);
  const sizes = sources.map((source) => {
    const info = file.tensors.get(source);
    return (info && byteLength(info.dtype, info.shape)) ?? 0;
  });
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  for (const source of sources) {
    const part = await file.read(source);
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * Scales of a quantised tensor's sources, in float16 as every kernel takes them. A checkpoint of another type than
 * float16 has scales of that type: rounding them moves a weight by less than 1/2000 of itself. Of some rows, where they
 * are given with their groups.
 */
export async function readScales(
  file: TensorFile,
  sources: readonly string[],
  rows?: { from: number; to: number; groups: number },
): Promise<Uint16Array> {
  const parts: Uint16Array[] = [];
  for (const source of sources.map(scaleName)) {
    const dtype = file.tensors.get(source)?.dtype as Dtype;
    const width = (rows?.groups ?? 0) * DTYPE_BYTES[dtype];
    const bytes = await file.read(source, rows && { begin: rows.from * width, end: rows.to * width });
    const halves = dtype === 'F16' ? new Uint16Array(bytes.buffer) : float32ToFloat16(floatsOf(bytes, dtype));
    if (dtype !== 'F16' && halves.some((scale) => (scale & 0x7c00) === 0x7c00))
      throw new Error(`${file.path}: ${source} has a scale beyond float16. The weights are damaged.`);
    parts.push(halves);
  }
  const scales = new Uint16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    scales.set(part, at);
    at += part.length;
  }
  return scales;
}

/** Throws unless the layers' matrices are stored in these bits, as config.json says. */
export function checkBits(path: string, stored: readonly StoredTensor[], bits: 4 | 8): void {
  for (const tensor of stored) {
    const { name, dtype, format } = tensor;
    if (!isMatrix(tensor) || !name.includes('.layers.') || format?.bits === bits) continue;
    const found = format ? `${format.bits} bits` : dtype;
    throw new Error(
      `${path}: tensor ${tensor.sources.join(', ')} must be stored in ${bits} bits by config.json ("quantization_bit"), but it has ${found}.`,
    );
  }
}

type Place = Part | 'whole';

/** Canonical name -> which of its rows -> name in the file. */
function namesByPlace(
  file: TensorFile,
  family: Family,
  ignored: (source: string) => boolean,
): Map<string, Map<Place, string>> {
  const stored = new Map<string, Map<Place, string>>();
  for (const source of file.tensors.keys()) {
    if (isStoredFrequency(source) || isScale(file, source) || ignored(source)) continue;
    const canonical = family.canonicalName(source);
    const [name, place]: [string, Place] =
      typeof canonical === 'string' ? [canonical, 'whole'] : [canonical.name, canonical.part];
    const places = stored.get(name) ?? new Map<Place, string>();
    const other = places.get(place) ?? places.get('whole') ?? (place === 'whole' ? [...places.values()][0] : undefined);
    if (other !== undefined)
      throw new Error(`${file.path}: both ${other} and ${source} hold the ${name} of ${family.name}.`);
    stored.set(name, places.set(place, source));
  }
  return stored;
}

/** What a tensor may be stored in pieces as. */
function partsOf(name: string): readonly Part[] {
  return name.includes('.dense_h_to_4h.') ? GATED_PARTS : PARTS;
}

function partRows(config: GlmConfig, part: Part, [rows = 0]: readonly number[]): number {
  if (part === 'gate' || part === 'up') return rows / 2;
  const { query, key } = attentionWidths(config);
  return part === 'query' ? query : key;
}

interface Source {
  name: string;
  dtype: Dtype;
  format?: QuantFormat;
}

const stored = ({ dtype, format }: Source): string =>
  format ? `${dtype} of ${format.bits} bits (${format.group})` : dtype;

function isScale(file: TensorFile, source: string): boolean {
  return source.endsWith('_scale') && file.tensors.get(source.slice(0, -'_scale'.length))?.dtype === 'I8';
}

function checked(file: TensorFile, source: string, shape: readonly number[], quantizable: boolean): Source {
  const info = file.tensors.get(source);
  if (!info) throw new Error(`${file.path}: there is no tensor ${source}.`);
  if (info.dtype === 'I8' && quantizable) {
    const scale = file.tensors.get(scaleName(source));
    if (!scale || !FLOATS.includes(scale.dtype)) {
      const found = scale ? `they are ${scale.dtype}` : 'they are missing';
      throw new Error(
        `${file.path}: the scales ${scaleName(source)} of ${source} must be F16, BF16 or F32, but ${found}.`,
      );
    }
    const format = formatOf(shape as [number, number], info.shape, scale.shape);
    if (format) return { name: source, dtype: info.dtype, format };
    throw new Error(
      `${file.path}: ${source} [${info.shape}] with scales [${scale.shape}] is no form of [${shape}] in 8 or 4 bits with a scale for each row, or each 32 or 64 columns.`,
    );
  }
  if (info.shape.length !== shape.length || info.shape.some((size, index) => size !== shape[index])) {
    throw new Error(
      `${file.path}: tensor ${source} must have shape [${shape}] by config.json, but it has [${info.shape}].`,
    );
  }
  if (!FLOATS.includes(info.dtype)) {
    throw new Error(`${file.path}: tensor ${source} must be one of ${FLOATS.join(', ')}, but it is ${info.dtype}.`);
  }
  return { name: source, dtype: info.dtype };
}
