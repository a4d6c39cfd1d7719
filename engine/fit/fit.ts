/** Whether a model has room, said before it is loaded. */
import { type Demand, totalDemand } from './demand.ts';

/** Tokens of context that a model is loaded for when nobody says otherwise: a completion's, with room for its span. */
export const USUAL_CONTEXT = 1024;

/** One way of running a model. */
export interface Way {
  /** As the user knows it, e.g. `native int8`. */
  name: string;
  demand: Demand;
  /** What to do to have it, where choosing it is not enough. */
  how?: string;
}

export function fits(demand: Demand, available: number): boolean {
  return totalDemand(demand) <= available;
}

/** Throws where there is no room, with what would fit. `available` in bytes; `context` in tokens. */
export function refuseWhatDoesNotFit(
  model: string,
  chosen: Way,
  others: readonly Way[],
  { available, context }: { available: number; context: number },
): void {
  if (fits(chosen.demand, available)) return;
  const { weights, cache, workSpace } = chosen.demand;
  const fitting = others.filter(({ demand }) => fits(demand, available));
  const would =
    fitting.length > 0
      ? `What would fit: ${fitting.map(({ name, demand, how }) => `${name} with ${inWords(totalDemand(demand))}${how ? ` (${how})` : ''}`).join('; ')}.`
      : 'Nothing of this model would fit. Choose a smaller model, close other programs, or use a server that has it.';
  throw new Error(
    `${model} does not fit as ${chosen.name}: it needs ${inWords(totalDemand(chosen.demand))} (weights ${inWords(weights)}, ` +
      `${context} tokens of context ${inWords(cache)}, work space ${inWords(workSpace)}), but ${inWords(available)} of memory ` +
      `are free. Nothing was loaded. ${would}`,
  );
}

/** Bytes in words, with decimal units: 1.2 GB. */
export function inWords(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
}
