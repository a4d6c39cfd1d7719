import { describe, expect, test } from 'vitest';
import { createRandom } from '../../../engine/objective/random.ts';
import { type LearntMerge, learnMerges } from '../../../engine/tokenizer/train-bpe.ts';

/** The same algorithm without any bookkeeping: counts every pair anew for every merge. */
function learnNaively(pieceCounts: ReadonlyMap<string, number>, mergeCount: number): LearntMerge[] {
  let words = [...pieceCounts].map(([piece, count]) => ({ tokens: [...new TextEncoder().encode(piece)], count }));
  const merges: LearntMerge[] = [];
  while (merges.length < mergeCount) {
    const counts = new Map<number, number>();
    for (const { tokens, count } of words) {
      for (let i = 0; i + 1 < tokens.length; i++) {
        const key = (tokens[i] as number) * 65536 + (tokens[i + 1] as number);
        counts.set(key, (counts.get(key) ?? 0) + count);
      }
    }
    const [best] = [...counts].sort(([a, m], [b, n]) => n - m || a - b);
    if (best === undefined || best[1] < 2) break;
    const [left, right] = [Math.floor(best[0] / 65536), best[0] % 65536];
    words = words.map(({ tokens, count }) => {
      const merged: number[] = [];
      for (let i = 0; i < tokens.length; i++) {
        if (tokens[i] === left && tokens[i + 1] === right) {
          merged.push(256 + merges.length);
          i++;
        } else merged.push(tokens[i] as number);
      }
      return { tokens: merged, count };
    });
    merges.push({ left, right, count: best[1] });
  }
  return merges;
}

describe('learning merges', () => {
  test('takes the most frequent pair first and builds on it', () => {
    const merges = learnMerges(new Map(Object.entries({ low: 5, lower: 2, newest: 6, widest: 3 })), 3);
    const letter = (char: string) => char.charCodeAt(0);
    expect(merges).toEqual([
      { left: letter('e'), right: letter('s'), count: 9 },
      { left: 256, right: letter('t'), count: 9 },
      { left: letter('l'), right: letter('o'), count: 7 },
    ]);
  });

  test('agrees with counting anew for every merge, overlapping runs included', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = createRandom(seed);
      const counts = new Map<string, number>();
      for (let i = 0; i < 60; i++) {
        const piece = Array.from({ length: 1 + random.below(9) }, () => 'aab=é'.charAt(random.below(5))).join('');
        counts.set(piece, 1 + random.below(9));
      }
      expect(learnMerges(counts, 80)).toEqual(learnNaively(counts, 80));
    }
  });

  test('does not depend on the order of the counts', () => {
    const entries = Object.entries({ aaaa: 3, abab: 3, baba: 3, bbbb: 3, ab: 2 });
    expect(learnMerges(new Map(entries.toReversed()), 20)).toEqual(learnMerges(new Map(entries), 20));
  });

  test('ends when no pair occurs twice', () => {
    expect(learnMerges(new Map([['abc', 1]]), 10)).toEqual([]);
  });

  test('makes no token longer than 48 bytes', () => {
    const merges = learnMerges(new Map([['-'.repeat(64), 100]]), 100);
    const lengths: number[] = new Array(256).fill(1);
    for (const { left, right } of merges) lengths.push((lengths[left] as number) + (lengths[right] as number));
    expect(Math.max(...lengths)).toBeLessThanOrEqual(48);
    expect(lengths).toContain(32);
  });
});
