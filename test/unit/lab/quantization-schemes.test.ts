/** Every scheme against its formula written out for one group, and what each promises of its errors. */
import { describe, expect, it } from 'vitest';
import { float16ToFloat32, float32ToFloat16 } from '../../../engine/checkpoint/float-formats.ts';
import { dequantize, quantize } from '../../../engine/checkpoint/quantization.ts';
import {
  approximated,
  bitsPerWeight,
  type Method,
  SCHEMES,
  schemeName,
} from '../../../engine/lab/quantization/schemes.ts';
import { createRandom } from '../../../engine/objective/random.ts';

const [ROWS, COLUMNS] = [5, 136];
const random = createRandom(3);
/** Not centred on 0, some far out, one row of zeros. */
const values = Float32Array.from({ length: ROWS * COLUMNS }, (_, index) =>
  index >= 4 * COLUMNS ? 0 : (random.float() + random.float() - 0.9) * (random.float() < 0.02 ? 0.4 : 0.05),
);
const half = (x: number) => float16ToFloat32(float32ToFloat16(Float32Array.of(x)))[0] as number;

function errorOf(back: Float32Array, power: number): number {
  return back.reduce((sum, x, index) => sum + Math.abs(x - (values[index] as number)) ** power, 0);
}

describe('absmax', () => {
  it.each([8, 4] as const)('with %i bits gives the values that our quantised files hold, to the bit', (bits) => {
    for (const group of ['row', 32, 64] as const) {
      expect(approximated(values, ROWS, COLUMNS, { bits, method: 'absmax', group })).toEqual(
        dequantize(quantize(values, ROWS, COLUMNS, { bits, group })),
      );
    }
  });

  it('by 128 is by row of each piece of 128 columns', () => {
    const whole = approximated(values, ROWS, COLUMNS, { bits: 4, method: 'absmax', group: 128 });
    for (let row = 0; row < ROWS; row++) {
      const piece = values.slice(row * COLUMNS, row * COLUMNS + 128);
      const own = approximated(piece, 1, 128, { bits: 4, method: 'absmax', group: 'row' });
      expect(whole.slice(row * COLUMNS, row * COLUMNS + 128)).toEqual(own);
    }
  });
});

describe('the scale that is searched for', () => {
  it.each(['row', 32] as const)('leaves no more squared error than absmax (%s), and less in all', (group) => {
    const plain = errorOf(approximated(values, ROWS, COLUMNS, { bits: 4, method: 'absmax', group }), 2);
    const found = errorOf(approximated(values, ROWS, COLUMNS, { bits: 4, method: 'search', group }), 2);
    expect(found).toBeLessThan(plain);
  });

  it('cuts off one value that lies far out', () => {
    const group = Float32Array.from({ length: 64 }, (_, index) => (index === 0 ? 1 : Math.sin(index) * 0.4));
    const back = approximated(group, 1, 64, { bits: 4, method: 'search', group: 'row' });
    expect(Math.max(...back)).toBeLessThan(1);
  });
});

describe('zero-point', () => {
  it('is s (q - z) of the formula', () => {
    const group = Float32Array.from([-0.1, -0.03, 0, 0.07, 0.11, 0.24, 0.37, 0.5]);
    const step = half(0.6 / 15);
    const zero = Math.round(0.1 / step);
    const back = approximated(group, 1, 8, { bits: 4, method: 'zero-point', group: 'row' });
    for (const [index, value] of group.entries()) {
      const q = Math.min(15, Math.max(0, Math.round(value / step) + zero));
      expect(back[index]).toBe(Math.fround(step * (q - zero)));
    }
  });

  it.each([4, 8] as const)('with %i bits errs by a step at most, and keeps zeros', (bits) => {
    const back = approximated(values, ROWS, COLUMNS, { bits, method: 'zero-point', group: 32 });
    for (let index = 0; index < values.length; index++) {
      const from = index - ((index % COLUMNS) % 32);
      const own = values.slice(from, Math.min(from + 32, from - (from % COLUMNS) + COLUMNS));
      const step = half((Math.max(0, ...own) - Math.min(0, ...own)) / (2 ** bits - 1));
      expect(Math.abs((back[index] as number) - (values[index] as number))).toBeLessThanOrEqual(1.01 * step);
    }
    expect(back.slice(4 * COLUMNS)).toEqual(new Float32Array(COLUMNS));
  });

  it('errs less than absmax where all values have one sign', () => {
    const positive = Float32Array.from({ length: 64 }, (_, index) => 0.2 + 0.1 * Math.sin(index));
    const error = (method: Method) =>
      approximated(positive, 1, 64, { bits: 4, method, group: 'row' }).reduce(
        (sum, x, index) => sum + (x - (positive[index] as number)) ** 2,
        0,
      );
    expect(error('zero-point')).toBeLessThan(error('absmax'));
    expect(error('hqq')).toBeLessThan(error('zero-point'));
  });
});

describe('hqq', () => {
  it('errs less than its own beginning, in the mean magnitude that it looks at', () => {
    const back = approximated(values, ROWS, COLUMNS, { bits: 4, method: 'hqq', group: 'row' });
    const begin = new Float32Array(values.length);
    for (let row = 0; row < ROWS; row++) {
      const own = values.slice(row * COLUMNS, (row + 1) * COLUMNS);
      const [low, high] = [Math.min(...own), Math.max(...own)];
      const step = half(Math.max((high - low) / 15, 5e-5));
      const zero = Math.round(-low / step);
      for (const [index, value] of own.entries()) {
        begin[row * COLUMNS + index] = (Math.max(0, Math.min(15, Math.round(value / step + zero))) - zero) * step;
      }
    }
    expect(errorOf(back, 1)).toBeLessThan(errorOf(begin, 1));
  });

  it('gives back a constant row within a step of the steepest scale', () => {
    const back = approximated(new Float32Array(40).fill(0.3), 1, 40, { bits: 4, method: 'hqq', group: 32 });
    for (const value of back) expect(value).toBeCloseTo(0.3, 3);
  });
});

describe('all schemes', () => {
  it.each(SCHEMES.map((scheme) => [schemeName(scheme), scheme] as const))(
    '%s: its own output comes back',
    (_, scheme) => {
      // hqq's zero is no whole number: there the same grid need not be found again.
      const once = approximated(values, ROWS, COLUMNS, scheme);
      expect(errorOf(once, 2)).toBeGreaterThan(0);
      expect(errorOf(once, 1)).toBeLessThan(0.5 * errorOf(new Float32Array(values.length), 1));
      if (scheme.method !== 'absmax') return;
      const twice = approximated(once, ROWS, COLUMNS, scheme);
      for (const [index, x] of twice.entries()) expect(x).toBeCloseTo(once[index] as number, 4);
    },
  );

  it('with 8 bits err less than with 4, in smaller groups less than by row', () => {
    for (const method of ['absmax', 'zero-point'] as const) {
      const error = (bits: 4 | 8, group: 'row' | 32) =>
        errorOf(approximated(values, ROWS, COLUMNS, { bits, method, group }), 2);
      expect(error(8, 'row')).toBeLessThan(0.05 * error(4, 'row'));
      expect(error(4, 32)).toBeLessThan(error(4, 'row'));
    }
  });

  it('say which value is no number', () => {
    const broken = Float32Array.from([0, Number.NaN]);
    expect(() => approximated(broken, 1, 2, { bits: 4, method: 'absmax', group: 'row' })).toThrow('value 1 is NaN');
  });

  it('take the bits of scales and zeros with them', () => {
    expect(bitsPerWeight({ bits: 4, method: 'absmax', group: 32 }, 128)).toBe(4.5);
    expect(bitsPerWeight({ bits: 4, method: 'zero-point', group: 64 }, 128)).toBe(4 + 20 / 64);
    expect(bitsPerWeight({ bits: 8, method: 'absmax', group: 'row' }, 160)).toBe(8.1);
  });
});
