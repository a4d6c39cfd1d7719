/** How many rows of a step go through the network at once: as many as memory has room for. */
import { inWords } from '../fit/fit.ts';
import { totalTraining, trainingDemand } from '../fit/training-demand.ts';
import { type ExecutionOptions, loadAddon } from '../native.ts';
import type { Recipe } from '../training/recipes.ts';

/** A single sample may have as many rows. */
const LEAST_ROWS = 1024;
/** Of what is free: the rest stays with the editor, and with what JavaScript holds of the project. */
const SHARE = 0.8;

export interface Pass {
  microTokens: number;
  /** What training takes with it, predicted. */
  bytes: number;
}

/**
 * `planned`: what a run that is gone on with had, so that it repeats exactly. `free` in bytes. Throws where not even the
 * smallest pass has room.
 */
export function passThatFits(
  { config, optimizer, adapters, microTokens: most }: Recipe,
  { level, threads, precision }: ExecutionOptions,
  planned: number | undefined,
  free: number,
): Pass {
  const demandOf = (rows: number) =>
    totalTraining(
      trainingDemand(config, {
        precision,
        level: level || loadAddon().detectedLevel,
        threads,
        rows,
        longest: Math.min(rows, config.maxLength),
        muon: (optimizer.muon ?? 0) > 0,
        ...(adapters ? { adapterRank: adapters.rank } : {}),
      }),
    );
  let microTokens = planned ?? most;
  while (planned === undefined && microTokens > LEAST_ROWS && demandOf(microTokens) > SHARE * free) microTokens >>= 1;
  const bytes = demandOf(microTokens);
  if (bytes > SHARE * free) {
    throw new Error(
      `Training takes ${inWords(bytes)} of memory, and ${inWords(free)} are free, of which a fifth is left to other programs. Close some, or tune with --method memory, which takes little.`,
    );
  }
  return { microTokens, bytes };
}
