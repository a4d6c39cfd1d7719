/** A number as a float16 in a file keeps it. */
import { float16ToFloat32, float32ToFloat16 } from '../../checkpoint/float-formats.ts';

const LARGEST_HALF = 65504;

/** To the nearest float16; beyond the largest one, that one. */
export function asHalf(value: number): number {
  const half = float16ToFloat32(float32ToFloat16(Float32Array.of(value)))[0] as number;
  return Math.max(-LARGEST_HALF, Math.min(LARGEST_HALF, half));
}
