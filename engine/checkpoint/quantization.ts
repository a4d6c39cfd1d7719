/**
 * Matrices of 8 or 4 bits: symmetric absmax, by row as in GLM-130B (quantization/layers.py) or by groups of a row's
 * columns. Scale s = max|w| / 127 (7 with 4 bits), rounded to float16, and q = round(w / s), ties to even. Stored as
 * GLM-130B stores them: `weight` I8 [rows, columns], with 4 bits [rows, ceil(columns / 2)] with the even column in the
 * upper half of a byte; `weight_scale` F16 [rows], in groups [rows, groups].
 */
import { float16ToFloat32, float32ToFloat16 } from './float-formats.ts';

/** Columns that share a scale. */
export type QuantGroup = 'row' | 32 | 64;

export interface QuantFormat {
  bits: 4 | 8;
  group: QuantGroup;
}

export interface QuantizedMatrix extends QuantFormat {
  rows: number;
  columns: number;
  /** As it lies in a file. */
  data: Int8Array;
  /** float16, [rows, groups]. */
  scales: Uint16Array;
}

const LARGEST_HALF = 0x7bff;

export function groupsOf(columns: number, { group }: QuantFormat): number {
  return group === 'row' ? 1 : Math.ceil(columns / group);
}

/** Bytes of a row of whole numbers. */
export function rowBytes(columns: number, { bits }: QuantFormat): number {
  return bits === 8 ? columns : Math.ceil(columns / 2);
}

/** What a matrix is stored as by the shapes of its two tensors; undefined where they are of no such format. */
export function formatOf(
  [rows, columns]: readonly [number, number],
  data: readonly number[],
  scale: readonly number[],
): QuantFormat | undefined {
  const bits = data[1] === columns ? 8 : data[1] === Math.ceil(columns / 2) ? 4 : undefined;
  const group = scale.length === 1 ? 'row' : ([32, 64] as const).find((size) => scale[1] === Math.ceil(columns / size));
  const fits = data.length === 2 && data[0] === rows && scale.length <= 2 && scale[0] === rows;
  return fits && bits !== undefined && group !== undefined ? { bits, group } : undefined;
}

/** `values` [rows, columns]; throws a RangeError on what is not finite. */
export function quantize(values: Float32Array, rows: number, columns: number, format: QuantFormat): QuantizedMatrix {
  const { bits, group } = format;
  const size = group === 'row' ? columns : group;
  const top = bits === 4 ? 7 : 127;
  const groups = groupsOf(columns, format);
  const bytes = rowBytes(columns, format);
  const data = new Int8Array(rows * bytes);
  const quotients = new Float32Array(rows * groups);
  for (let at = 0; at < quotients.length; at++) {
    const begin = Math.floor(at / groups) * columns + (at % groups) * size;
    const end = Math.min(begin + size, (Math.floor(at / groups) + 1) * columns);
    let most = 0;
    for (let i = begin; i < end; i++) {
      const magnitude = Math.abs(values[i] as number);
      if (!(magnitude < Number.POSITIVE_INFINITY)) throw new RangeError(`value ${i} is ${values[i]}`);
      if (magnitude > most) most = magnitude;
    }
    quotients[at] = most / top;
  }
  const scales = float32ToFloat16(quotients).map((scale) => Math.min(scale, LARGEST_HALF));
  const steps = float16ToFloat32(scales);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const step = steps[row * groups + Math.floor(column / size)] as number;
      const q = step > 0 ? roundToEven(Math.fround((values[row * columns + column] as number) / step)) : 0;
      const clamped = Math.max(-top, Math.min(top, q));
      if (bits === 8) data[row * bytes + column] = clamped;
      else (data[row * bytes + (column >> 1)] as number) |= column % 2 === 0 ? clamped << 4 : clamped & 15;
    }
  }
  return { ...format, rows, columns, data, scales };
}

export function dequantize({ rows, columns, data, scales, ...format }: QuantizedMatrix): Float32Array {
  const size = format.group === 'row' ? columns : format.group;
  const groups = groupsOf(columns, format);
  const bytes = rowBytes(columns, format);
  const steps = float16ToFloat32(scales);
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const byte = data[row * bytes + (format.bits === 8 ? column : column >> 1)] as number;
      const q = format.bits === 8 ? byte : column % 2 === 0 ? byte >> 4 : (byte << 28) >> 28;
      values[row * columns + column] = q * (steps[row * groups + Math.floor(column / size)] as number);
    }
  }
  return values;
}

/** To the nearest whole number, halves to the even one. */
export function roundToEven(value: number): number {
  const up = Math.round(value);
  return up - value === 0.5 && up % 2 !== 0 ? up - 1 : up;
}
