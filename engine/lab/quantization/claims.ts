/**
 * What the papers say of quantisation (GLM-130B, arXiv 2210.02414, section 5 and Table 10; HQQ's page), held against what
 * was measured. Of costs, a sentence says "agrees" or "disagrees" only where intervals decide it; of the weights
 * themselves it counts the sizes.
 */
import type { Estimate } from '../../evaluation/intervals.ts';
import { createRandom } from '../../objective/random.ts';
import { bitsPerByte, costDifference, costOf, modelsOf, pairsOf, signOf, textCosts } from './costs.ts';
import type { LabModel, LabResult } from './lab.ts';
import { type FittedLaw, fitWithInterval } from './power-law.ts';
import { FAMILIES, type FamilyName } from './recipes.ts';
import type { MatrixKind } from './weights.ts';

export interface Verdict {
  claim: string;
  verdict: 'agrees' | 'disagrees' | 'undecided' | 'mixed';
  found: string;
}

const ROW = 'int4 absmax by row';

export function lawOf({ models, bytes }: LabResult, family: FamilyName, scheme: string): FittedLaw | undefined {
  const sizes = modelsOf(models, family).map((model) => ({
    parameters: model.quantised,
    costs: textCosts(model, scheme),
  }));
  return fitWithInterval(sizes, bytes, createRandom(1));
}

export function verdicts(result: LabResult): Verdict[] {
  return [
    eight(result),
    ...FAMILIES.map((family) => falls(result, family)),
    recipes(result),
    ...methods(result),
    wider(result),
  ];
}

/** Relative change that is called nothing. */
const NOTHING = 0.005;

function eight({ models, bytes }: LabResult): Verdict {
  const costs = models.map((model) => {
    const whole = bitsPerByte(model, bytes).value;
    const { value, low, high } = costOf(model, 'int8 absmax by row', bytes);
    return { name: model.name, share: value / whole, low: low / whole, high: high / whole };
  });
  const worst = costs.reduce((a, b) => (Math.abs(b.share) > Math.abs(a.share) ? b : a));
  const within = costs.filter(({ low, high }) => low > -NOTHING && high < NOTHING).length;
  const lost = costs.some(({ low }) => low > NOTHING);
  return {
    claim: 'INT8 costs nothing that matters (Table 10)',
    verdict: lost ? 'disagrees' : within === costs.length ? 'agrees' : 'undecided',
    found: `the largest change by row is ${(100 * worst.share).toFixed(3)} % of the bits per byte (${worst.name}); the intervals of ${within} of ${costs.length} models lie within ±${100 * NOTHING} %`,
  };
}

function falls(result: LabResult, family: FamilyName): Verdict {
  const law = lawOf(result, family, ROW);
  const sign = law ? signOf(law.exponent) : 0;
  return {
    claim: `What INT4 costs falls with size, ${family} recipe (section 5)`,
    verdict: sign > 0 ? 'agrees' : sign < 0 ? 'disagrees' : 'undecided',
    found: law
      ? `absmax by row costs like parameters^${(-law.exponent.value).toFixed(2)} (exponent ${(-law.exponent.high).toFixed(2)} to ${(-law.exponent.low).toFixed(2)})`
      : 'no power law: not every size loses something that can be told from nothing',
  };
}

function recipes({ models, bytes }: LabResult): Verdict {
  const found = pairsOf(models).map(([glm, bloom]) => costDifference([glm, ROW], [bloom, ROW], bytes));
  return {
    claim: 'GLM’s weights stand INT4 better than BLOOM’s (section 5, absmax by row)',
    ...counted(found, 'sizes', 'the glm recipe loses less', 'it loses more'),
  };
}

function methods({ models, bytes }: LabResult): Verdict[] {
  const compare = (first: string, second: string) =>
    models.map((model) => costDifference([model, first], [model, second], bytes));
  return [
    {
      claim: 'With INT4 by row zero-point loses less than absmax (Table 10, four of five GLMs)',
      ...counted(compare('int4 zero-point by row', ROW), 'models', 'zero-point loses less', 'it loses more'),
    },
    {
      claim: 'HQQ loses less than plain zero-point (its authors; INT4 by 64)',
      ...counted(compare('int4 hqq by 64', 'int4 zero-point by 64'), 'models', 'HQQ loses less', 'it loses more'),
    },
    {
      claim: 'Smaller groups lose less (INT4 absmax by 32 against by row)',
      ...counted(compare('int4 absmax by 32', ROW), 'models', 'groups of 32 lose less', 'they lose more'),
    },
  ];
}

/** Differences that the claim expects below 0. */
function counted(
  found: readonly Estimate[],
  what: string,
  less: string,
  more: string,
): Pick<Verdict, 'verdict' | 'found'> {
  const signs = found.map(signOf);
  const [below, above] = [-1, 1].map((sign) => signs.filter((own) => own === sign).length) as [number, number];
  const half = found.length / 2;
  const decided = below > half ? 'agrees' : above > half ? 'disagrees' : 'undecided';
  const verdict = above > 0 && below > 0 ? 'mixed' : decided;
  return {
    verdict,
    found: `of ${found.length} ${what}, ${less} in ${below}, ${more} in ${above}, and the interval holds 0 in ${found.length - below - above}`,
  };
}

const NAMED: readonly MatrixKind[] = ['attention.dense', 'dense_4h_to_h'];

function wider({ models }: LabResult): Verdict {
  const pairs = pairsOf(models);
  const parts = NAMED.flatMap((kind) =>
    (['rowOutermost', 'kurtosis'] as const).map((measure) => {
      const of = (model: LabModel) => model.spreads.find((spread) => spread.kind === kind)?.[measure] ?? Number.NaN;
      const count = pairs.filter(([glm, bloom]) => of(bloom) > of(glm)).length;
      const name = measure === 'kurtosis' ? 'kurtosis' : 'largest weight of a row in its root mean squares';
      return { count, text: `${kind}, ${name}: ${count} of ${pairs.length}` };
    }),
  );
  const all = parts.reduce((sum, { count }) => sum + count, 0);
  return {
    claim: 'BLOOM’s attention output and second feed-forward matrix are spread wider (Figure 5)',
    verdict: all === parts.length * pairs.length ? 'agrees' : all === 0 ? 'disagrees' : 'mixed',
    found: `sizes at which the bloom recipe’s is greater: ${parts.map(({ text }) => text).join('; ')}`,
  };
}
