/**
 * Matrices as whole numbers in blocks of 32 of a row, each with a scale: the layout of onnxruntime's MatMulNBits and
 * GatherBlockQuantized without zero points, where a number q of `bits` bits means (q - 2^(bits-1)) * scale.
 */

export const BLOCK = 32;

export interface QuantizedMatrix {
  /** [rows, columns / 32, 4 bits], two numbers to a byte with the lower first, or one number to a byte. */
  numbers: Uint8Array;
  /** [rows, columns / 32] */
  scales: Float32Array;
}

/** Rounds to the nearest; `values` [rows, columns], columns a multiple of 32. */
export function quantize(values: Float32Array, bits: 4 | 8): QuantizedMatrix {
  const blocks = values.length / BLOCK;
  const zero = 2 ** (bits - 1);
  const scales = new Float32Array(blocks);
  const numbers = new Uint8Array((values.length * bits) / 8);
  for (let block = 0; block < blocks; block++) {
    const from = block * BLOCK;
    const scale = scaleOf(values.subarray(from, from + BLOCK), zero);
    scales[block] = scale;
    for (let i = 0; i < BLOCK; i++) {
      const nearest = scale === 0 ? 0 : Math.round((values[from + i] as number) / scale);
      const number = Math.min(2 * zero - 1, Math.max(0, nearest + zero));
      if (bits === 8) numbers[from + i] = number;
      else numbers[(from + i) >> 1] = (numbers[(from + i) >> 1] as number) | (number << (4 * (i & 1)));
    }
  }
  return { numbers, scales };
}

/** The value farthest from zero becomes the lowest number, which has no counterpart above: a level more is used. */
function scaleOf(block: Float32Array, zero: number): number {
  let farthest = 0;
  for (const value of block) if (Math.abs(value) > Math.abs(farthest)) farthest = value;
  return farthest / -zero;
}
