/** The whole lab on tiny models: the same figures again, also when it is stopped on the way, and nothing done twice. */
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { type LabOptions, quantizationLab } from '../../../engine/lab/quantization/lab.ts';
import { labRecipe, parseSizes, quantisedParameters, USUAL_SIZES } from '../../../engine/lab/quantization/recipes.ts';
import { SCHEMES } from '../../../engine/lab/quantization/schemes.ts';
import { readLog } from '../../../engine/training/run-log.ts';
import { toyTokenizer } from '../infill/toy.ts';
import { corpusOf, program } from '../training/toy-corpus.ts';

vi.setConfig({ testTimeout: 120_000 });

const home = mkdtempSync(join(tmpdir(), 'cloze-lab-'));
afterAll(() => rmSync(home, { recursive: true }));
writeFileSync(join(home, 'tokenizer.json'), '{}');
const tokenizer = toyTokenizer(['function', '  ', 'const ', 'return ', 'alpha', 'beta', 'gamma', 'delta', 'call(']);

function optionsOf(name: string, change: Partial<LabOptions> = {}): LabOptions {
  return {
    sizes: parseSizes('1x32,2x32'),
    tokens: 16_000,
    documents: 6,
    seed: 3,
    folder: join(home, name),
    corpus: corpusOf(tokenizer, [1, 2, 3, 4].map(program)),
    heldOut: corpusOf(tokenizer, [5, 6, 7, 8].map(program)),
    fingerprint: 'toy',
    tokenizer,
    tokenizerFolder: home,
    tokenizerSha256: '0'.repeat(64),
    execution: { level: '', threads: 1 },
    saveEvery: 1e9,
    ...change,
  };
}

const whole = await quantizationLab(optionsOf('whole'));

describe('a lab', () => {
  it('measures every scheme, and the native formats, on every model', () => {
    expect(whole.models.map(({ name }) => name)).toEqual(['glm-1x32', 'bloom-1x32', 'glm-2x32', 'bloom-2x32']);
    expect(whole.bytes).toHaveLength(4);
    for (const { schemes, whole: bits, spreads } of whole.models) {
      expect(Object.keys(schemes)).toHaveLength(SCHEMES.length + 6);
      for (const own of [bits, ...Object.values(schemes)]) {
        expect(own).toHaveLength(4);
        for (const x of own) expect(x).toBeGreaterThan(0);
      }
      expect(spreads.map(({ histogram }) => histogram.reduce((sum, x) => sum + x, 0))).toEqual(
        spreads.map(() => expect.closeTo(1, 10)),
      );
    }
  });

  it('loses little with 8 bits, natively too, and changes something with 4', () => {
    const sum = (bits: readonly number[] | undefined) => bits?.reduce((total, x) => total + x, 0) ?? Number.NaN;
    for (const { schemes, whole: bits } of whole.models) {
      const change = (name: string) => Math.abs(sum(schemes[name]) / sum(bits) - 1);
      expect(change('int8 absmax by row')).toBeLessThan(1e-3);
      expect(change('native int8 by row')).toBeLessThan(1e-2);
      expect(change('int4 absmax by row')).toBeGreaterThan(change('int8 absmax by row'));
    }
  });

  it('shows models of both recipes the same samples', async () => {
    const runs = readdirSync(join(home, 'whole')).filter((name) => name.startsWith('lab-') && !name.endsWith('.json'));
    const seen = await Promise.all(
      runs.map(async (run) =>
        (await readLog(join(home, 'whole', run, 'log.jsonl'))).map(({ step, tokens }) => [step, tokens]),
      ),
    );
    expect(runs).toHaveLength(4);
    for (const own of seen) expect(own).toEqual(seen[0]);
  });

  it('gives the same figures when it is stopped on the way', async () => {
    const stop = new AbortController();
    let lines = 0;
    const onLine = () => void (++lines === 9 && stop.abort(new Error('stopped')));
    let steps = 0;
    await expect(quantizationLab(optionsOf('parts', { onLine, signal: stop.signal }))).rejects.toThrow('stopped');
    const during = new AbortController();
    const onProgress = () => void (++steps === 2 && during.abort(new Error('stopped again')));
    await expect(quantizationLab(optionsOf('parts', { onProgress, signal: during.signal }))).rejects.toThrow('again');
    expect(await quantizationLab(optionsOf('parts'))).toEqual(whole);
  });

  it('does nothing twice, and anew what another seed or corpus asks for', async () => {
    const folder = join(home, 'again');
    cpSync(join(home, 'whole'), folder, { recursive: true });
    const times = () => readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mtimeMs]);
    const before = times();
    const onLine = vi.fn();
    expect(await quantizationLab(optionsOf('again', { onLine }))).toEqual(whole);
    expect(onLine).not.toHaveBeenCalled();
    expect(times()).toEqual(before);
    const sizes = parseSizes('1x32');
    const other = await quantizationLab(optionsOf('again', { onLine, seed: 4, sizes }));
    expect(onLine).toHaveBeenCalled();
    expect(other.models[0]?.whole).not.toEqual(whole.models[0]?.whole);
  });
});

describe('the sizes', () => {
  it('are those of the issue by default, as many parameters in both recipes', () => {
    const sizes = parseSizes(USUAL_SIZES);
    const counts = sizes.map((size) => quantisedParameters(labRecipe('glm', size, 16384).config));
    expect(sizes).toHaveLength(5);
    expect(counts[0]).toBeGreaterThan(1e6);
    expect(counts.at(-1)).toBeLessThan(36e6);
    for (const [index, size] of sizes.entries()) {
      const other = quantisedParameters(labRecipe('bloom', size, 16384).config);
      expect((counts[index] as number) / other).toBeCloseTo(1, 1);
    }
  });

  it.each(['', '2x', '2x33', '0x32', '2x64,2x64', '65x32'])('"%s" are refused, with what is taken', (text) => {
    expect(() => parseSizes(text)).toThrow('--sizes');
  });
});
