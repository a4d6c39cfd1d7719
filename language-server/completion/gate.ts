/**
 * How sure the model must be for what it wrote to be shown, by what became of earlier suggestions: counts of those taken
 * and those left, in bins of the probability that the model gave them. Pure; nothing of any text is in it.
 */

export interface Bin {
  taken: number;
  left: number;
}

/** Bins of equal width over the probabilities 0 to 1. */
export const BINS = 20;
const STEP = 1 / BINS;

/** Outcomes before which the setting alone decides. */
export const LEAST_EVIDENCE = 40;
/** Steps by which the threshold may leave the setting, in either direction. */
const MOST_STEPS = 4;
/** A bin of which less is taken is not worth a look; one of which more is taken hints at others that would be, below it. */
const TOO_FEW = 0.15;
const PLENTY = 0.5;
/** A Beta prior between the two, worth so many outcomes: few of them move nothing. */
const PRIOR = { taken: 6, left: 14 };
/** Outcomes after which all counts are halved, so that older ones count less and a closed bin gets another chance. */
const HALVED_AFTER = 400;

export function noOutcomes(): Bin[] {
  return Array.from({ length: BINS }, () => ({ taken: 0, left: 0 }));
}

/** Counts one more outcome of a suggestion with this probability. */
export function withOutcome(bins: readonly Bin[], probability: number, taken: boolean): Bin[] {
  const at = binOf(probability);
  return bins.map((bin, index) =>
    index !== at ? bin : taken ? { ...bin, taken: bin.taken + 1 } : { ...bin, left: bin.left + 1 },
  );
}

/** Halves all counts when there are many. */
export function aged(bins: readonly Bin[]): readonly Bin[] {
  if (evidence(bins) < HALVED_AFTER) return bins;
  return bins.map(({ taken, left }) => ({ taken: Math.floor(taken / 2), left: Math.floor(left / 2) }));
}

export function sumOf(bins: readonly Bin[], others: readonly Bin[]): Bin[] {
  return bins.map(({ taken, left }, index) => {
    const other = others[index];
    return { taken: taken + (other?.taken ?? 0), left: left + (other?.left ?? 0) };
  });
}

/** All outcomes. */
export function evidence(bins: readonly Bin[]): number {
  return bins.reduce((sum, { taken, left }) => sum + taken + left, 0);
}

/** The threshold to use in place of the setting, 0 to 1: at most 0.2 away from it. 0 and 1 are taken at their word. */
export function learnedThreshold(setting: number, bins: readonly Bin[]): number {
  if (setting <= 0 || setting >= 1 || evidence(bins) < LEAST_EVIDENCE) return setting;
  const at = (steps: number) => setting + steps * STEP;
  const share = (steps: number) => takenShare(bins[binOf(at(steps))]);
  let steps = 0;
  while (steps < MOST_STEPS && at(steps + 1) < 1 && share(steps) < TOO_FEW) steps++;
  if (steps > 0) return at(steps);
  while (steps > -MOST_STEPS && at(steps - 1) > 0 && share(steps) > PLENTY && share(steps - 1) >= TOO_FEW) steps--;
  return at(steps);
}

/** Mean of the Beta posterior: (taken + a) / (taken + left + a + b). */
function takenShare({ taken, left }: Bin = { taken: 0, left: 0 }): number {
  return (taken + PRIOR.taken) / (taken + left + PRIOR.taken + PRIOR.left);
}

function binOf(probability: number): number {
  // A hair more: 0.55 is eleven steps of 0.05, and not the bin below for the sake of rounding.
  return Math.max(0, Math.min(BINS - 1, Math.floor(probability * BINS + 1e-9)));
}
