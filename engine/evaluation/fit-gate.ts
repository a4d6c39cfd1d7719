/** The weights of a text's trust (engine/infill/cache-gate.ts), from spans that are known. */
import { gateTrust } from '../infill/cache-gate.ts';
import type { VotedToken } from './follow-span.ts';

const STEPS = 1500;
const RATE = 0.03;
const DECAY = 1e-4;

/**
 * Maximizes the weighted mean log probability of the mixture by Adam over all tokens at once. Throws where there is none.
 */
export function fitGate(voted: readonly VotedToken[]): number[] {
  const size = voted[0]?.inputs.length;
  if (size === undefined) throw new Error('No token of these spans has votes to be trusted.');
  const total = voted.reduce((sum, { weight }) => sum + weight, 0);
  const gate = new Array<number>(size).fill(0);
  const [first, second] = [gate.slice(), gate.slice()];
  for (let step = 1; step <= STEPS; step++) {
    const gradient = gate.map((weight) => -DECAY * weight);
    for (const { inputs, own, share, weight } of voted) {
      const trust = gateTrust(inputs, gate);
      const gain = (share - own) / ((1 - trust) * own + trust * share + 1e-9);
      const slope = (gain * trust * (1 - trust) * weight) / total;
      for (const [i, input] of inputs.entries()) gradient[i] = (gradient[i] as number) + slope * input;
    }
    for (const [i, slope] of gradient.entries()) {
      first[i] = 0.9 * (first[i] as number) + 0.1 * slope;
      second[i] = 0.999 * (second[i] as number) + 0.001 * slope * slope;
      const [mean, square] = [(first[i] as number) / (1 - 0.9 ** step), (second[i] as number) / (1 - 0.999 ** step)];
      gate[i] = (gate[i] as number) + (RATE * mean) / (Math.sqrt(square) + 1e-8);
    }
  }
  return gate;
}
