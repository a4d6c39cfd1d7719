/** What a scheme costs a model: bits per byte more than whole, with 95 % intervals by bootstrap over the texts. */
import { type Estimate, ratioOf } from '../../evaluation/intervals.ts';
import { createRandom } from '../../objective/random.ts';
import type { LabModel } from './lab.ts';
import type { FamilyName } from './recipes.ts';

/** Of every bootstrap: the figures of a page follow from what was measured. */
const SEED = 1;

export function bitsPerByte({ whole }: LabModel, bytes: readonly number[]): Estimate {
  return ratioOf(whole, bytes, createRandom(SEED));
}

/** What each text costs more, in bits. */
export function textCosts({ whole, schemes }: LabModel, scheme: string): number[] {
  return (schemes[scheme] as number[]).map((bits, index) => bits - (whole[index] as number));
}

export function costOf(model: LabModel, scheme: string, bytes: readonly number[]): Estimate {
  return ratioOf(textCosts(model, scheme), bytes, createRandom(SEED));
}

/** The cost of the first less that of the second, text by text; negative where the first one's is smaller. */
export function costDifference(
  [first, firstScheme]: readonly [LabModel, string],
  [second, secondScheme]: readonly [LabModel, string],
  bytes: readonly number[],
): Estimate {
  const other = textCosts(second, secondScheme);
  const differences = textCosts(first, firstScheme).map((cost, index) => cost - (other[index] as number));
  return ratioOf(differences, bytes, createRandom(SEED));
}

export function modelsOf(models: readonly LabModel[], family: FamilyName): LabModel[] {
  return models.filter((model) => model.family === family);
}

/** The models of both recipes, size by size. */
export function pairsOf(models: readonly LabModel[]): [glm: LabModel, bloom: LabModel][] {
  const bloom = modelsOf(models, 'bloom');
  return modelsOf(models, 'glm').map((glm, index) => [glm, bloom[index] as LabModel]);
}

/** -1 where the whole interval is below 0, 1 where it is above, 0 where it holds 0. */
export function signOf({ low, high }: Estimate): -1 | 0 | 1 {
  return high < 0 ? -1 : low > 0 ? 1 : 0;
}
