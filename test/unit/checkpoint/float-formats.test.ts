import { describe, expect, it } from 'vitest';
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from '../../../engine/checkpoint/float-formats.ts';

const half = (value: number) => float32ToFloat16(Float32Array.of(value))[0];
const brain = (value: number) => float32ToBfloat16(Float32Array.of(value))[0];
const ALL = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

/** Nearest of all finite float16 values by search, ties to the even pattern: slow and obvious. */
function nearest(value: number, table: Float32Array): number {
  let best = 0;
  for (let bits = 0; bits < 0x7c00; bits++) {
    const distance = Math.abs((table[bits] as number) - value);
    const least = Math.abs((table[best] as number) - value);
    if (distance < least || (distance === least && bits % 2 === 0)) best = bits;
  }
  return best;
}

describe('float16', () => {
  it('has the values of the standard at its corners', () => {
    expect([...float16ToFloat32(Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x7c00, 0x8000))]).toEqual([
      1,
      -2,
      65504,
      2 ** -14,
      2 ** -24,
      Number.POSITIVE_INFINITY,
      -0,
    ]);
  });

  it('returns every pattern unchanged, NaN as NaN', () => {
    const back = float32ToFloat16(float16ToFloat32(ALL));
    for (const bits of ALL) {
      const notANumber = (bits & 0x7fff) > 0x7c00;
      if (notANumber) expect((back[bits] as number) & 0x7fff).toBeGreaterThan(0x7c00);
      else if (back[bits] !== bits) expect(back[bits]).toBe(bits);
    }
  });

  it('rounds to nearest even', () => {
    const table = float16ToFloat32(ALL);
    const values = [
      2049,
      2051,
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      2 ** -25,
      1.5 * 2 ** -24,
      1.5 * 2 ** -25,
      2 ** -14 - 2 ** -26,
      0.1,
      1e-7,
      3e-6,
    ];
    for (const value of values) expect(half(value)).toBe(nearest(Math.fround(value), table));
    expect(half(65519.99)).toBe(0x7bff);
    expect(half(65520)).toBe(0x7c00);
    expect(half(2 ** -25)).toBe(0);
    expect(half(-1e-12)).toBe(0x8000);
    expect(half(1e30)).toBe(0x7c00);
  });
});

describe('bfloat16', () => {
  it('returns every pattern unchanged, NaN as NaN', () => {
    const back = float32ToBfloat16(bfloat16ToFloat32(ALL));
    for (const bits of ALL) {
      const notANumber = (bits & 0x7fff) > 0x7f80;
      if (notANumber) expect((back[bits] as number) & 0x7fff).toBeGreaterThan(0x7f80);
      else if (back[bits] !== bits) expect(back[bits]).toBe(bits);
    }
  });

  it('rounds to nearest even', () => {
    expect(brain(1 + 2 ** -8)).toBe(0x3f80);
    expect(brain(1 + 3 * 2 ** -8)).toBe(0x3f82);
    expect(brain(1 + 2 ** -8 + 2 ** -20)).toBe(0x3f81);
    expect(brain(3.4028235e38)).toBe(0x7f80);
    expect(brain(Number.NaN)).toBe(0x7fc0);
  });
});
