/** Memory before training: as many rows at once as have room, and a refusal that says what to do. */
import { expect, it } from 'vitest';
import { totalTraining, trainingDemand } from '../../../engine/fit/training-demand.ts';
import { cursorConfig, RECIPES, type Recipe } from '../../../engine/training/recipes.ts';
import { passThatFits } from '../../../engine/tuning/pass.ts';

const config = cursorConfig({ layers: 8, hiddenSize: 192, innerSize: 512, heads: 3 }, 'pre');
const recipe: Recipe = {
  ...(RECIPES['cursor-5m'] as Recipe),
  config,
  microTokens: 4096,
  adapters: { rank: 16, scale: 2 },
};
const execution = { level: 'avx2', threads: 1, precision: 'bfloat16' as const };
const demandOf = (rows: number) =>
  totalTraining(
    trainingDemand(config, { ...execution, rows, longest: Math.min(rows, 1024), adapterRank: 16, muon: true }),
  );

it('is whole where there is room, smaller where there is less', () => {
  expect(passThatFits(recipe, execution, undefined, 2e9)).toEqual({ microTokens: 4096, bytes: demandOf(4096) });
  for (const rows of [2048, 1024]) {
    expect(demandOf(rows)).toBeLessThan(demandOf(2 * rows));
    const free = demandOf(rows) / 0.8 + 1;
    expect(passThatFits(recipe, execution, undefined, free)).toEqual({ microTokens: rows, bytes: demandOf(rows) });
  }
});

it('is refused before anything is computed where not even the smallest has room', () => {
  expect(() => passThatFits(recipe, execution, undefined, demandOf(1024))).toThrow(
    /^Training takes \d+ MB of memory, and \d+ MB are free, .*--method memory/,
  );
});

it('stays what it was in a run that is gone on with', () => {
  expect(passThatFits(recipe, execution, 2048, 2e9).microTokens).toBe(2048);
  expect(() => passThatFits(recipe, execution, 4096, demandOf(2048))).toThrow('Training takes');
});
