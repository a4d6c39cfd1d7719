/** Every row of every paradigm's samples: what it holds, where it stands, whom it sees, what it predicts. */
import { describe, expect, it } from 'vitest';
import { autoencoding } from '../../../engine/lab/paradigms/autoencoding.ts';
import { glm, glmOnePosition, glmUnshuffled } from '../../../engine/lab/paradigms/blank-infilling.ts';
import { bart, t5 } from '../../../engine/lab/paradigms/encoder-decoder.ts';
import { autoregressive, prefixLm } from '../../../engine/lab/paradigms/left-to-right.ts';
import { labTokens } from '../../../engine/lab/paradigms/paradigm.ts';
import { permutation } from '../../../engine/lab/paradigms/permutation.ts';
import { labParadigms } from '../../../engine/lab/paradigms/registry.ts';
import type { InfillingSample } from '../../../engine/objective/blank-infilling.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { toyTokenizer } from '../infill/toy.ts';

const tokenizer = toyTokenizer();
const tokens = labTokens(tokenizer);
const { enc, eos, mask, documentMask, sop, eop } = tokens;
const body = tokenizer.encode('const total = left + right;\nreturn total * 2;\n');
const text = [enc, ...body, eos];
const draws = (count: number) => Array.from({ length: count }, (_, seed) => createRandom(seed));

interface Row {
  token: number;
  position: number;
  block: number;
  target: number | undefined;
}

const rowsOf = (sample: InfillingSample): Row[] =>
  Array.from(sample.tokens, (token, row) => ({
    token,
    position: sample.positions[row] as number,
    block: sample.blockPositions[row] as number,
    target: sample.lossMask[row] === 1 ? sample.targets[row] : undefined,
  }));
const trained = (paradigm: (typeof labParadigms)[number], seed: number): InfillingSample => {
  const random = createRandom(seed);
  for (;;) {
    const sample = paradigm.train(text, tokens, random);
    if (sample) return sample;
  }
};
const ordered = (sample: InfillingSample) => [...sample.positions].every((position, row) => position === row);
const noBlocks = (sample: InfillingSample) => sample.blockPositions.every((block) => block === 0);

describe('autoencoding', () => {
  const samples = draws(400).map((random) => autoencoding.train(text, tokens, random) as InfillingSample);

  it('sees everything from everywhere, each row at its place', () => {
    for (const sample of samples) {
      expect(sample.sep).toBe(text.length);
      expect(ordered(sample) && noBlocks(sample)).toBe(true);
      expect([...sample.targets]).toEqual(text);
    }
  });

  it('predicts 15 %, of which 80 % are masked, 10 % replaced and 10 % left; the rest is the text', () => {
    const kinds = { masked: 0, left: 0, replaced: 0 };
    for (const sample of samples) {
      const rows = rowsOf(sample);
      const chosen = rows.filter(({ target }) => target !== undefined);
      expect(chosen).toHaveLength(Math.round(0.15 * body.length));
      for (const { token, target, position } of chosen) {
        expect(target).not.toBe(enc);
        expect(target).not.toBe(eos);
        kinds[token === mask ? 'masked' : token === text[position] ? 'left' : 'replaced']++;
      }
      for (const { token, target, position } of rows) if (target === undefined) expect(token).toBe(text[position]);
    }
    const all = kinds.masked + kinds.left + kinds.replaced;
    expect(kinds.masked / all).toBeCloseTo(0.8, 1);
    expect(kinds.left / all).toBeCloseTo(0.1, 1);
    expect(kinds.replaced / all).toBeCloseTo(0.1, 1);
  });

  it('masks anew each time', () => {
    expect(new Set(samples.map(({ lossMask }) => lossMask.join(''))).size).toBeGreaterThan(300);
  });

  it('fills a blank of a length that it is told, mask by mask', () => {
    const sample = autoencoding.next({ before: [enc, 20], after: [23], written: [21], length: 3 }, tokens);
    expect([...sample.tokens]).toEqual([enc, 20, 21, mask, mask, 23]);
    expect([...sample.lossMask]).toEqual([0, 0, 0, 1, 0, 0]);
    expect(sample.sep).toBe(6);
  });

  it('writes nothing from left to right', () => expect(autoencoding.continuation).toBeUndefined());
});

describe('autoregressive', () => {
  it('predicts every token from those before it', () => {
    const sample = trained(autoregressive, 1);
    expect(sample.sep).toBe(0);
    expect([...sample.tokens]).toEqual(text.slice(0, -1));
    expect([...sample.targets]).toEqual(text.slice(1));
    expect(sample.lossMask.every((counts) => counts === 1) && ordered(sample) && noBlocks(sample)).toBe(true);
  });

  it('fills a blank from its left side alone', () => {
    const sample = autoregressive.next({ before: [enc, 20], after: [99], written: [21], length: 3 }, tokens);
    expect([...sample.tokens]).toEqual([enc, 20, 21]);
    expect([...sample.lossMask]).toEqual([0, 0, 1]);
    expect(sample.sep).toBe(0);
  });

  it('scores what follows a context', () => {
    const sample = autoregressive.continuation?.([enc, 20], [21, 22, 23], tokens) as InfillingSample;
    expect(rowsOf(sample).map(({ token, target }) => [token, target])).toEqual([
      [enc, undefined],
      [20, 21],
      [21, 22],
      [22, 23],
    ]);
  });

  it('reads from left to right in fine-tuning too', () => expect(autoregressive.config).toEqual({ causal: true }));
});

describe('prefix LM', () => {
  it('sees a prefix in both directions and predicts all that follows it, whatever its length', () => {
    const prefixes = new Set<number>();
    for (const random of draws(600)) {
      const sample = prefixLm.train(text, tokens, random) as InfillingSample;
      prefixes.add(sample.sep);
      expect([...sample.tokens]).toEqual(text.slice(0, -1));
      expect(ordered(sample) && noBlocks(sample)).toBe(true);
      for (const [row, counts] of sample.lossMask.entries()) {
        expect(counts).toBe(Number(row >= sample.sep - 1));
        if (counts) expect(sample.targets[row]).toBe(text[row + 1]);
      }
    }
    expect(prefixes.size).toBe(text.length - 2);
    expect(Math.min(...prefixes)).toBe(1);
  });

  it('fills a blank after a prefix, and scores what follows one', () => {
    const next = prefixLm.next({ before: [enc, 20], after: [99], written: [21, 22], length: 3 }, tokens);
    expect([next.sep, ...next.tokens]).toEqual([2, enc, 20, 21, 22]);
    expect([...next.lossMask]).toEqual([0, 0, 0, 1]);
    const sample = prefixLm.continuation?.([enc, 20], [21, 22], tokens) as InfillingSample;
    expect(sample.sep).toBe(2);
    expect(rowsOf(sample).map(({ target }) => target)).toEqual([undefined, 21, 22]);
  });
});

describe('permutation', () => {
  it('lets the last sixth of an order be predicted from all before it, by a query row before each content row', () => {
    const orders = new Set<string>();
    for (const random of draws(50)) {
      const sample = permutation.train(text, tokens, random) as InfillingSample;
      const rows = rowsOf(sample);
      const count = Math.ceil(body.length / 6);
      expect(sample.sep).toBe(text.length - count);
      expect(rows).toHaveLength(sample.sep + 2 * count - 1);
      expect(noBlocks(sample)).toBe(true);
      const known = rows.slice(0, sample.sep);
      for (const [row, { token, position, target }] of known.entries()) {
        expect([token, target]).toEqual([text[position], undefined]);
        if (row > 0) expect(position).toBeGreaterThan(known[row - 1]?.position as number);
      }
      const predicted = rows.slice(sample.sep);
      for (const [row, { token, position, target }] of predicted.entries()) {
        if (row % 2 === 0) expect([token, target]).toEqual([mask, text[position]]);
        else {
          expect([token, target]).toEqual([text[position], undefined]);
          expect(position).toBe(predicted[row - 1]?.position);
        }
      }
      const places = predicted.filter((_, row) => row % 2 === 0).map(({ position }) => position);
      expect(new Set([...places, ...known.map(({ position }) => position)]).size).toBe(text.length);
      orders.add(places.join());
    }
    expect(orders.size).toBeGreaterThan(45);
  });

  it('knows the positions of a blank and fills it from left to right', () => {
    const sample = permutation.next({ before: [enc, 20], after: [24], written: [21], length: 3 }, tokens);
    expect(rowsOf(sample).map(({ token, position }) => [token, position])).toEqual([
      [enc, 0],
      [20, 1],
      [24, 5],
      [mask, 2],
      [21, 2],
      [mask, 3],
    ]);
    expect(sample.sep).toBe(3);
    expect([...sample.lossMask]).toEqual([0, 0, 0, 0, 0, 1]);
  });

  it('scores a text in its own order', () => {
    const sample = permutation.continuation?.([enc], [20, 21], tokens) as InfillingSample;
    expect(rowsOf(sample)).toEqual([
      { token: enc, position: 0, block: 0, target: undefined },
      { token: mask, position: 1, block: 0, target: 20 },
      { token: 20, position: 1, block: 0, target: undefined },
      { token: mask, position: 2, block: 0, target: 21 },
    ]);
    expect(sample.sep).toBe(1);
  });
});

/** The masks' positions in Part B order, and which blank each sample has. */
const spansOf = (sample: InfillingSample) =>
  rowsOf(sample).flatMap(({ token, position }, row) => (row >= sample.sep && token === sop ? [position] : []));
const isShort = (sample: InfillingSample) => sample.tokens.includes(mask);
const ascending = (values: readonly number[]) =>
  values.every((value, i) => i === 0 || value > (values[i - 1] as number));

describe('GLM and its ablations', () => {
  const all = [glm, glmUnshuffled, glmOnePosition].map((paradigm) =>
    Array.from({ length: 200 }, (_, seed) => trained(paradigm, seed)),
  ) as [InfillingSample[], InfillingSample[], InfillingSample[]];

  it('predicts exactly Part B; half of the samples have short spans, half a long one', () => {
    for (const samples of all) {
      for (const sample of samples) {
        expect([...sample.lossMask].every((counts, row) => counts === Number(row >= sample.sep))).toBe(true);
        expect(sample.tokens.includes(mask)).not.toBe(sample.tokens.includes(documentMask));
      }
      const short = samples.filter(isShort).length;
      expect(short).toBeGreaterThan(70);
      expect(short).toBeLessThan(130);
    }
  });

  it('shuffles the spans, unless it is the variant that does not', () => {
    const [usual, unshuffled] = all.map((samples) => samples.filter(isShort).map(spansOf)) as [number[][], number[][]];
    expect(usual.some((spans) => !ascending(spans))).toBe(true);
    expect(unshuffled.every(ascending)).toBe(true);
    expect(unshuffled.some((spans) => spans.length > 1)).toBe(true);
  });

  it('stands at its mask and counts block positions; the variant has no block positions', () => {
    for (const sample of all[0]) {
      let expected = 0;
      for (const { token, position, block } of rowsOf(sample).slice(sample.sep)) {
        expected = token === sop ? 1 : expected + 1;
        expect(block).toBe(expected);
        expect([mask, documentMask]).toContain(sample.tokens[position]);
      }
    }
    for (const sample of all[2]) {
      expect(noBlocks(sample)).toBe(true);
      for (const [row, { position }] of rowsOf(sample).entries()) {
        if (row < sample.sep) continue;
        if (isShort(sample)) expect(sample.tokens[position]).toBe(mask);
        else expect(position).toBe(row);
      }
    }
  });

  it('fills a blank at its mask, and scores a continuation at [gMASK]', () => {
    const next = glm.next({ before: [enc, 20], after: [23], written: [21], length: 9 }, tokens);
    expect(rowsOf(next)).toEqual([
      { token: enc, position: 0, block: 0, target: undefined },
      { token: 20, position: 1, block: 0, target: undefined },
      { token: mask, position: 2, block: 0, target: undefined },
      { token: 23, position: 3, block: 0, target: undefined },
      { token: sop, position: 2, block: 1, target: undefined },
      { token: 21, position: 2, block: 2, target: eop },
    ]);
    expect(next.sep).toBe(4);
    const sample = glm.continuation?.([enc, 20], [21, 22], tokens) as InfillingSample;
    expect([sample.sep, ...sample.tokens]).toEqual([3, enc, 20, documentMask, sop, 21]);
    expect(rowsOf(sample).flatMap(({ target }) => target ?? [])).toEqual([21, 22]);
  });
});

describe('encoder-decoders', () => {
  const read = (sample: InfillingSample) => [...sample.tokens.subarray(0, sample.sep)];
  const fed = (sample: InfillingSample) => [...sample.tokens.subarray(sample.sep)];
  const partBOnly = ({ lossMask, sep }: InfillingSample) =>
    lossMask.every((counts, row) => counts === Number(row >= sep));
  const inParts = ({ positions, sep }: InfillingSample) =>
    positions.every((position, row) => position === (row < sep ? row : row - sep));

  it('list what sentinels stand for (T5)', () => {
    const counts = new Set<number>();
    for (let seed = 0; seed < 100; seed++) {
      const sample = trained(t5, seed);
      expect(partBOnly(sample) && inParts(sample) && noBlocks(sample)).toBe(true);
      const listed = [...fed(sample).slice(1), eop];
      expect([...sample.targets.subarray(sample.sep)]).toEqual(listed);
      // Each sentinel of Part A, in order, gives way to what follows it in Part B.
      const restored = read(sample).flatMap((token) => {
        if (token < tokenizer.vocabSize) return [token];
        const from = listed.indexOf(token) + 1;
        return listed.slice(
          from,
          listed.findIndex((other, at) => at >= from && (other === eop || other >= tokenizer.vocabSize)),
        );
      });
      expect(restored).toEqual(text);
      const sentinels = read(sample).filter((token) => token >= tokenizer.vocabSize);
      expect(sentinels).toEqual(tokens.sentinels.slice(0, sentinels.length));
      counts.add(sentinels.length);
    }
    expect(counts.size).toBeGreaterThan(1);
  });

  it('write the whole text (BART)', () => {
    for (let seed = 0; seed < 100; seed++) {
      const sample = trained(bart, seed);
      expect(partBOnly(sample) && inParts(sample) && noBlocks(sample)).toBe(true);
      expect(fed(sample)).toEqual([sop, ...text]);
      expect([...sample.targets.subarray(sample.sep)]).toEqual([...text, eop]);
      const kept = read(sample).filter((token) => token !== mask);
      expect(kept).toHaveLength(text.length - Math.floor(0.3 * text.length));
    }
  });

  it('fill a blank between what stands around it, and score a continuation', () => {
    const blank = { before: [enc, 20], after: [23], written: [21], length: 9 };
    const [first = 0] = tokens.sentinels;
    const [ours, theirs] = [t5.next(blank, tokens), bart.next(blank, tokens)];
    expect([read(ours), fed(ours)]).toEqual([
      [enc, 20, first, 23],
      [sop, first, 21],
    ]);
    expect([read(theirs), fed(theirs)]).toEqual([
      [enc, 20, mask, 23],
      [sop, enc, 20, 21],
    ]);
    const listed = t5.continuation?.([enc], [20, 21], tokens) as InfillingSample;
    expect(rowsOf(listed).map(({ token, target }) => [token, target])).toEqual([
      [enc, undefined],
      [first, undefined],
      [sop, undefined],
      [first, 20],
      [20, 21],
      [21, undefined],
    ]);
    const written = bart.continuation?.([enc], [20, 21], tokens) as InfillingSample;
    expect(rowsOf(written).map(({ token, target }) => [token, target])).toEqual([
      [enc, undefined],
      [mask, undefined],
      [sop, undefined],
      [enc, 20],
      [20, 21],
      [21, undefined],
    ]);
  });
});

describe('all paradigms', () => {
  it('have names of their own, and a blank asks for exactly one token', () => {
    expect(new Set(labParadigms.map(({ name }) => name)).size).toBe(labParadigms.length);
    for (const { next } of labParadigms) {
      const sample = next({ before: [enc, 20], after: [23], written: [21], length: 2 }, tokens);
      expect(sample.lossMask.reduce((sum, counts) => sum + counts, 0)).toBe(1);
    }
  });

  it('score every token of a text once, in its order', () => {
    for (const { continuation } of labParadigms) {
      const sample = continuation?.([enc, 20], body, tokens);
      if (sample) expect(rowsOf(sample).flatMap(({ target }) => target ?? [])).toEqual(body);
    }
  });
});
