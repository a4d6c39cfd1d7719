/** The page says what the figures say: made-up costs of a known law, in both directions. */
import { describe, expect, it } from 'vitest';
import { lawOf, verdicts } from '../../../engine/lab/quantization/claims.ts';
import { NATIVE_FORMATS, nativeName } from '../../../engine/lab/quantization/judge.ts';
import type { LabModel, LabResult } from '../../../engine/lab/quantization/lab.ts';
import { labFigures } from '../../../engine/lab/quantization/plots.ts';
import { labReport } from '../../../engine/lab/quantization/report.ts';
import { SCHEMES, schemeName } from '../../../engine/lab/quantization/schemes.ts';
import { MATRIX_KINDS, SPREAD_BINS, spreadsOf } from '../../../engine/lab/quantization/weights.ts';
import { createRandom } from '../../../engine/objective/random.ts';

const bytes = Array.from({ length: 40 }, (_, index) => 300 + index);
const SIZES = [1e5, 3e5, 1e6];

/** Bits per byte that each scheme costs, with a little noise from text to text. */
function modelOf(
  name: string,
  family: LabModel['family'],
  quantised: number,
  cost: (scheme: string) => number,
): LabModel {
  const random = createRandom(quantised);
  const whole = bytes.map((count) => 2 * count);
  const names = [...SCHEMES.map(schemeName), ...NATIVE_FORMATS.map(nativeName)];
  const schemes = Object.fromEntries(
    names.map((scheme) => [
      scheme,
      whole.map((bits, i) => bits + (bytes[i] ?? 0) * cost(scheme) * (0.9 + 0.2 * random.float())),
    ]),
  );
  const spreads = MATRIX_KINDS.map((kind) => ({
    kind,
    deviation: 0.05,
    outermost: 6,
    rowOutermost: family === 'bloom' ? 4 : 3,
    kurtosis: family === 'bloom' ? 2 : 1,
    int4Error: 0.1,
    histogram: new Array(SPREAD_BINS).fill(1 / SPREAD_BINS),
  }));
  return { name, family, quantised, parameters: 2 * quantised, width: 64, whole, schemes, spreads };
}

function resultOf(glm: (size: number) => number, bloom: (size: number) => number): LabResult {
  const of = (base: number) => (scheme: string) =>
    scheme.includes('int8') ? 1e-5 : base * (scheme.includes('by 32') ? 0.5 : 1) * (scheme.includes('zero') ? 0.8 : 1);
  return {
    models: [
      ...SIZES.flatMap((size) => [
        modelOf(`glm-${size}`, 'glm', size, of(glm(size))),
        modelOf(`bloom-${size}`, 'bloom', size, of(bloom(size))),
      ]),
      modelOf('embedded', 'beside', 3e6, of(0.02)),
    ],
    bytes,
    frequencies: bytes.map((count) => 3 * count),
  };
}

const asClaimed = resultOf(
  (size) => 5 * size ** -0.5,
  (size) => 10 * size ** -0.5,
);
const contrary = resultOf(
  (size) => 2e-5 * size ** 0.5,
  (size) => 1e-5 * size ** 0.5,
);
const verdictOf = (result: LabResult, claim: string) =>
  verdicts(result).find((own) => own.claim.includes(claim))?.verdict;

describe('the verdicts', () => {
  it('find the law that the costs follow', () => {
    expect(lawOf(asClaimed, 'glm', 'int4 absmax by row')?.exponent.value).toBeCloseTo(0.5, 1);
    expect(lawOf(contrary, 'bloom', 'int4 absmax by row')?.exponent.value).toBeCloseTo(-0.5, 1);
  });

  it.each([
    ['falls with size, glm', 'agrees', 'disagrees'],
    ['falls with size, bloom', 'agrees', 'disagrees'],
    ['stand INT4 better', 'agrees', 'disagrees'],
    ['zero-point loses less than absmax', 'agrees', 'agrees'],
    ['Smaller groups', 'agrees', 'agrees'],
    ['spread wider', 'agrees', 'agrees'],
    ['INT8 costs nothing', 'agrees', 'agrees'],
    ['HQQ loses less', 'disagrees', 'disagrees'],
  ])('%s: %s where it is so, %s where it is not', (claim, first, second) => {
    expect(verdictOf(asClaimed, claim)).toBe(first);
    expect(verdictOf(contrary, claim)).toBe(second);
  });

  it('decide nothing where the intervals hold 0', () => {
    const none = resultOf(
      () => 0,
      () => 0,
    );
    expect(verdictOf(none, 'stand INT4 better')).toBe('undecided');
    expect(verdictOf(none, 'falls with size, glm')).toBe('undecided');
  });
});

describe('the page', () => {
  const about = {
    command: 'cloze lab quantization',
    fingerprint: 'f'.repeat(64),
    machine: 'a machine',
    tokens: 1e6,
    seed: 1,
  };

  it('has a row for every scheme and model, and says its scale', () => {
    const page = labReport(asClaimed, { ...about, commit: 'abc123' });
    for (const name of [...SCHEMES.map(schemeName), ...NATIVE_FORMATS.map(nativeName)]) {
      expect(page.split(`| ${name} |`).length - 1).toBeGreaterThanOrEqual(3);
    }
    expect(page).toContain('6 models of 100 k to 1.00 M parameters');
    expect(page).toContain('commit abc123');
    expect(page).toContain('come to 3.0000 bits per byte');
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('draws each curve with its points', () => {
    const { 'int4-law.svg': law = '', 'int4-weights.svg': weights = '' } = labFigures(asClaimed);
    expect(law.match(/<circle/g)).toHaveLength(4 * SIZES.length + 2);
    expect(law.match(/class="s\d curve"/g)).toHaveLength(4);
    expect(weights.match(/class="s\d curve"/g)).toHaveLength(3 * MATRIX_KINDS.length);
  });
});

describe('the spread of weights', () => {
  const random = createRandom(9);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float());
  const matrices = (value: () => number) =>
    MATRIX_KINDS.map((kind) => ({
      name: `transformer.layers.0.x.${kind}.weight`,
      values: Float32Array.from({ length: 100 * 200 }, value),
      rows: 100,
      columns: 200,
    }));

  it('is that of the distribution they were drawn from', () => {
    for (const { deviation, kurtosis, histogram, rowOutermost } of spreadsOf(matrices(() => 0.3 * normal()))) {
      expect(deviation).toBeCloseTo(0.3, 2);
      expect(Math.abs(kurtosis)).toBeLessThan(0.15);
      expect(histogram[SPREAD_BINS / 2]).toBeCloseTo(0.0987, 2);
      expect(rowOutermost).toBeGreaterThan(2.5);
      expect(rowOutermost).toBeLessThan(3.3);
    }
    for (const { kurtosis, outermost } of spreadsOf(matrices(() => random.float() - 0.5))) {
      expect(kurtosis).toBeCloseTo(-1.2, 1);
      expect(outermost).toBeCloseTo(Math.sqrt(3), 1);
    }
  });

  it('tells how much four bits by row change: less of a flat one than of one with far weights', () => {
    const flat = spreadsOf(matrices(() => random.float() - 0.5))[0]?.int4Error ?? Number.NaN;
    const far = spreadsOf(matrices(() => normal() * (random.float() < 0.01 ? 10 : 1)))[0]?.int4Error ?? Number.NaN;
    expect(flat).toBeCloseTo(1 / 14, 2);
    expect(far).toBeGreaterThan(2 * flat);
  });
});
