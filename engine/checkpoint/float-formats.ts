/**
 * float16 and bfloat16 as arrays of bits, to and from float32. Rounding is to nearest, ties to even; NaN stays NaN;
 * float16 overflows to infinity from 65520 on and keeps its subnormals.
 */

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** bfloat16 is the upper half of a float32. */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const word = bits[i] as number;
    const notANumber = (word & 0x7fff_ffff) > 0x7f80_0000;
    out[i] = notANumber ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return out;
}

export function bfloat16ToFloat32(values: Uint16Array): Float32Array {
  const out = new Float32Array(values.length);
  const bits = new Uint32Array(out.buffer);
  for (let i = 0; i < out.length; i++) bits[i] = (values[i] as number) << 16;
  return out;
}

export function float32ToFloat16(values: Float32Array): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = halfBits(values[i] as number);
  return out;
}

export function float16ToFloat32(values: Uint16Array): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const half = values[i] as number;
    const exponent = (half >>> 10) & 31;
    const fraction = half & 1023;
    const sign = half & 0x8000 ? -1 : 1;
    if (exponent === 31) out[i] = fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    else if (exponent === 0) out[i] = sign * fraction * 2 ** -24;
    else out[i] = sign * (1024 + fraction) * 2 ** (exponent - 25);
  }
  return out;
}

/** Exponents are biased by 127 in float32 and by 15 in float16; fractions have 23 and 10 bits. */
function halfBits(value: number): number {
  scratch[0] = value;
  const word = scratchBits[0] as number;
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fff_ffff;
  if (magnitude > 0x7f80_0000) return sign | 0x7e00;
  const exponent = (magnitude >>> 23) - 112;
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent <= 0) {
    // Below 2^-14 the result counts in units of 2^-24: the whole significand moves right.
    if (exponent < -10) return sign;
    const significand = (magnitude & 0x7f_ffff) | 0x80_0000;
    return sign | shiftToEven(significand, 14 - exponent);
  }
  // A carry out of the fraction raises the exponent, up to infinity, as it should.
  return sign | ((exponent << 10) + shiftToEven(magnitude & 0x7f_ffff, 13));
}

function shiftToEven(value: number, shift: number): number {
  const kept = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept;
}
