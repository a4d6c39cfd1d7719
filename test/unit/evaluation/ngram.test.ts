import { describe, expect, it } from 'vitest';
import { type Contexts, contextsOf, timesOf } from '../../../engine/evaluation/ngram/contexts.ts';
import { distributionOf, predictAfter, probabilityOf } from '../../../engine/evaluation/ngram/witten-bell.ts';
import { createRandom, type Random } from '../../../engine/objective/random.ts';

/** Tokens below `vocabulary` with a border, `vocabulary` itself, now and then; few tokens repeat themselves soon. */
function randomText(random: Random, length: number, vocabulary: number): Uint16Array {
  return Uint16Array.from({ length }, () => (random.below(20) === 0 ? vocabulary : random.below(vocabulary)));
}

/** What follows `context` in `text`, looked for at every place. */
function followersByHand(text: Uint16Array, context: readonly number[], vocabulary: number): Map<number, number> {
  const found = new Map<number, number>();
  for (let place = context.length; place < text.length; place++) {
    const token = text[place] as number;
    if (token === vocabulary || !context.every((own, i) => own === text[place - context.length + i])) continue;
    found.set(token, (found.get(token) ?? 0) + 1);
  }
  return found;
}

describe('counts of what follows', () => {
  it('are those of a search through the whole text, for contexts of every length', () => {
    const random = createRandom(1);
    for (const vocabulary of [2, 3, 8]) {
      const text = randomText(random, 600, vocabulary);
      const contexts = contextsOf(text, vocabulary);
      for (let query = 0; query < 200; query++) {
        const history = Array.from({ length: random.below(9) }, () => random.below(vocabulary));
        const longest = random.below(8);
        const found = contexts.after(history, longest);
        for (let length = 0; length <= longest + 1; length++) {
          const context = length > history.length ? [] : history.slice(history.length - length);
          const byHand = followersByHand(text, context, vocabulary);
          const { total, tokens, counts } = found[length] ?? { total: 0, tokens: [], counts: [] };
          if (length > Math.min(longest, history.length) || byHand.size === 0) {
            expect(found.length).toBeLessThanOrEqual(length);
            continue;
          }
          expect(new Map(Array.from(tokens, (token, i) => [token, counts[i] as number]))).toEqual(byHand);
          expect(total).toBe([...byHand.values()].reduce((sum, times) => sum + times, 0));
        }
      }
    }
  });

  it('do not reach over borders, which follow nothing', () => {
    const contexts = contextsOf(Uint16Array.of(0, 1, 2, 1, 2, 0), 2);
    expect(contexts.after([1], 1).length).toBe(1);
    expect(contexts.after([2], 1).length).toBe(1);
    expect(Array.from(contexts.after([], 1)[0]?.tokens ?? [])).toEqual([0, 1]);
    expect(contextsOf(new Uint16Array(), 2).after([1], 1)).toEqual([]);
    expect(() => contextsOf(Uint16Array.of(3), 2)).toThrow(RangeError);
  });
});

describe('Witten and Bell’s interpolation', () => {
  const text = contextsOf(Uint16Array.of(0, 1, 0, 2, 0, 1), 3);

  it('gives what is worked out by hand', () => {
    // Alone 0 is seen 3 times, 1 twice, 2 once: (3 + 3/3) / 9, (2 + 3/3) / 9, (1 + 3/3) / 9.
    expect(Array.from(distributionOf(predictAfter([text], [], 6, 3)))).toEqual([4 / 9, 3 / 9, 2 / 9]);
    // After 0 come 1, twice, and 2: (0 + 2 * 4/9) / 5, (2 + 2 * 3/9) / 5, (1 + 2 * 2/9) / 5.
    const after = distributionOf(predictAfter([text], [0], 6, 3));
    for (const [token, expected] of [8 / 45, 24 / 45, 13 / 45].entries())
      expect(after[token]).toBeCloseTo(expected, 12);
    // Bigrams look no further back than one token; after 1 only 0 came, once: (1 + 1 * 4/9) / 2.
    expect(distributionOf(predictAfter([text], [0, 1], 2, 3))[0]).toBeCloseTo(13 / 18, 12);
    // After 0 and 1 again only 0: (1 + 1 * 13/18) / 2.
    expect(distributionOf(predictAfter([text], [0, 1], 3, 3))[0]).toBeCloseTo(31 / 36, 12);
  });

  it('mixes a second text in at each length, after the first', () => {
    // Of the document alone: 2 seen three times, (4/9 * 1 + 0) / 4 and so on; then 0 by the first text, 2 by the document.
    const document = contextsOf(Uint16Array.of(2, 2, 2), 3);
    const mixed = distributionOf(predictAfter([text, document], [], 6, 3));
    for (const [token, expected] of [1 / 9, 1 / 12, 29 / 36].entries()) expect(mixed[token]).toBeCloseTo(expected, 12);
  });

  it('sums to one over the vocabulary, and is the same asked token by token', () => {
    const random = createRandom(3);
    const vocabulary = 40;
    const texts = [3000, 200].map((length) => contextsOf(randomText(random, length, vocabulary), vocabulary));
    const ways: Contexts[][] = [texts, texts.slice(1), texts.slice(0, 1), []];
    for (let query = 0; query < 100; query++) {
      const history = Array.from({ length: random.below(7) }, () => random.below(vocabulary));
      for (const way of ways) {
        const prediction = predictAfter(way, history, 1 + random.below(6), vocabulary);
        const distribution = distributionOf(prediction);
        expect(distribution.reduce((sum, x) => sum + x, 0)).toBeCloseTo(1, 12);
        for (const [token, x] of distribution.entries()) expect(probabilityOf(prediction, token)).toBeCloseTo(x, 14);
      }
    }
  });

  it('prefers what the document repeats to what is usual elsewhere', () => {
    const usual = contextsOf(
      Uint16Array.from({ length: 4000 }, (_, i) => [0, 1][i % 2] as number),
      3,
    );
    const document = contextsOf(Uint16Array.of(0, 2, 0, 2, 0, 2), 3);
    const best = (texts: Contexts[]) => {
      const distribution = distributionOf(predictAfter(texts, [0], 6, 3));
      return distribution.indexOf(Math.max(...distribution));
    };
    expect(best([usual])).toBe(1);
    expect(best([usual, document])).toBe(2);
    expect(timesOf(usual.after([0], 1)[1] as never, 1)).toBe(2000);
  });
});
