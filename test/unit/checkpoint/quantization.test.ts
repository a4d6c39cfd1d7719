/** Matrices of 8 and 4 bits: GLM-130B's definition and byte layout, and how near the values stay. */
import { describe, expect, it } from 'vitest';
import { float16ToFloat32 } from '../../../engine/checkpoint/float-formats.ts';
import { dequantize, formatOf, type QuantFormat, quantize } from '../../../engine/checkpoint/quantization.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { normal } from '../native/tiny.ts';

const FORMATS: QuantFormat[] = ([8, 4] as const).flatMap((bits) =>
  (['row', 32, 64] as const).map((group) => ({ bits, group })),
);

it('8 bits by row are the bytes and scales of the definition', () => {
  const { data, scales } = quantize(Float32Array.of(127, -1, 63.5, 64.5, 0, 0, -0.5, 1), 2, 4, {
    bits: 8,
    group: 'row',
  });
  // Ties go to the even number.
  expect([...data]).toEqual([127, -1, 64, 64, 0, 0, -64, 127]);
  expect([...float16ToFloat32(scales)]).toEqual([1, expect.closeTo(1 / 127, 5)]);
});

it('4 bits have the even column in the upper half of a byte', () => {
  const { data } = quantize(Float32Array.of(7, -7, -1, 2, 3), 1, 5, { bits: 4, group: 'row' });
  expect([...new Uint8Array(data.buffer)]).toEqual([0x79, 0xf2, 0x30]);
});

it('a row of zeros stays one, and so do weights beyond float16', () => {
  const made = quantize(Float32Array.of(0, 0, 1e9, -1e9), 2, 2, { bits: 8, group: 'row' });
  expect([...dequantize(made)]).toEqual([0, 0, 127 * 65504, -127 * 65504]);
  expect([...dequantize(quantize(Float32Array.of(1e-9, -1e-9), 1, 2, { bits: 4, group: 'row' }))]).toEqual([0, 0]);
});

it.each(FORMATS)('$bits bits, group $group: within half a step, and once rounded no longer moved', (format) => {
  const [rows, columns] = [5, 150];
  const random = createRandom(1);
  const values = Float32Array.from({ length: rows * columns }, () => normal(random));
  const made = quantize(values, rows, columns, format);
  const back = dequantize(made);
  const scales = float16ToFloat32(made.scales);
  const size = format.group === 'row' ? columns : format.group;
  const groups = Math.ceil(columns / size);
  for (const [i, value] of back.entries()) {
    const scale = scales[Math.floor(i / columns) * groups + Math.floor((i % columns) / size)] as number;
    expect(Math.abs(value - (values[i] as number))).toBeLessThanOrEqual(scale * 0.5001 + 127 * scale * 2 ** -11);
  }
  expect(dequantize(quantize(back, rows, columns, format))).toEqual(back);
});

it('refuses what is not finite', () => {
  const format = { bits: 8, group: 'row' } as const;
  expect(() => quantize(Float32Array.of(1, Number.NaN), 1, 2, format)).toThrow('value 1 is NaN');
  expect(() => quantize(Float32Array.of(Number.NEGATIVE_INFINITY), 1, 1, format)).toThrow('value 0 is -Infinity');
});

describe('the format of stored tensors', () => {
  it.each([
    [[6, 96], [6], { bits: 8, group: 'row' }],
    [[6, 48], [6], { bits: 4, group: 'row' }],
    [[6, 96], [6, 3], { bits: 8, group: 32 }],
    [[6, 48], [6, 2], { bits: 4, group: 64 }],
    [[6, 96], [6, 4], undefined],
    [[6, 96], [5], undefined],
    [[5, 96], [6], undefined],
    [[6, 47], [6], undefined],
    [[6, 96], [6, 3, 1], undefined],
  ])('[%s] with scales [%s]', (data, scale, format) => {
    expect(formatOf([6, 96], data, scale)).toEqual(format);
  });
});
