/** What the papers say of these ways of pre-training, each as two of them and one figure; the lab says whether it holds here. */
import { type Estimate, meanOfRuns } from '../../evaluation/intervals.ts';
import type { LabBlankKind } from './held-out.ts';
import type { LabRun } from './lab.ts';
import type { UnderstandingMethod } from './measure.ts';

export interface Claim {
  text: string;
  source: string;
  better: string;
  worse: string;
  figure: Figure;
}

/** `head` and `cloze` are mean accuracies over the tasks, learnt in these ways. Of bits, less is better. */
export type Figure = LabBlankKind | 'texts' | 'descriptions' | UnderstandingMethod;

export const claims: readonly Claim[] = [
  {
    text: 'A blank is filled better by what stands on both sides of it than by its left side alone',
    source: 'Du et al. 2022',
    better: 'glm',
    worse: 'autoregressive',
    figure: 'rest of line',
  },
  {
    text: 'Spans in any order make blank infilling better: blanks',
    source: 'Du et al. 2022, abstract',
    better: 'glm',
    worse: 'glm-unshuffled',
    figure: 'short span',
  },
  {
    text: 'Spans in any order make blank infilling better: understanding',
    source: 'Du et al. 2022, abstract',
    better: 'glm',
    worse: 'glm-unshuffled',
    figure: 'cloze',
  },
  {
    text: 'Two positions make blank infilling better: blanks',
    source: 'Du et al. 2022, abstract',
    better: 'glm',
    worse: 'glm-one-position',
    figure: 'short span',
  },
  {
    text: 'Two positions make blank infilling better: understanding',
    source: 'Du et al. 2022, abstract',
    better: 'glm',
    worse: 'glm-one-position',
    figure: 'cloze',
  },
  {
    text: 'At equal size a left-to-right model writes better from nothing than GLM, which learns two things at once',
    source: 'Du et al. 2022',
    better: 'autoregressive',
    worse: 'glm',
    figure: 'texts',
  },
  {
    text: 'What is given is read better in both directions: a prefix LM writes better after it than GPT',
    source: 'Dong et al. 2019',
    better: 'prefix-lm',
    worse: 'autoregressive',
    figure: 'descriptions',
  },
  {
    text: 'Reading in both directions understands better than reading from left to right',
    source: 'Devlin et al. 2019',
    better: 'autoencoding',
    worse: 'autoregressive',
    figure: 'head',
  },
  {
    text: 'GLM, asked by blanks, understands better than BERT, asked by masks',
    source: 'Du et al. 2022, on SuperGLUE',
    better: 'glm',
    worse: 'autoencoding',
    figure: 'cloze',
  },
  {
    text: 'An encoder-decoder that restores spans understands better than a prefix LM',
    source: 'Raffel et al. 2020, section 3.2.4',
    better: 't5',
    worse: 'prefix-lm',
    figure: 'head',
  },
  {
    text: 'GLM understands better than an encoder-decoder that restores spans',
    source: 'Du et al. 2022, on SuperGLUE',
    better: 'glm',
    worse: 't5',
    figure: 'cloze',
  },
  {
    text: 'Permutation understands better than masks',
    source: 'Yang et al. 2019',
    better: 'permutation',
    worse: 'autoencoding',
    figure: 'head',
  },
];

export interface Verdict {
  claim: Claim;
  /** By how much the first is better than the second, over pairs of runs with one seed. */
  lead: Estimate;
  verdict: 'agrees' | 'disagrees' | 'cannot be told';
}

/** Claims about paradigms that have runs of the same seeds. */
export function judgeClaims(runs: readonly LabRun[]): Verdict[] {
  return claims.flatMap((claim) => {
    const leads = runs.flatMap((run) => {
      if (run.paradigm !== claim.better) return [];
      const other = runs.find(({ paradigm, seed }) => paradigm === claim.worse && seed === run.seed);
      const [ours, theirs] = [figureOf(run, claim.figure), other ? figureOf(other, claim.figure) : null];
      if (ours === null || theirs === null) return [];
      return [isLoss(claim.figure) ? theirs - ours : ours - theirs];
    });
    if (leads.length === 0) return [];
    const lead = meanOfRuns(leads);
    const verdict = lead.low > 0 ? 'agrees' : lead.high < 0 ? 'disagrees' : 'cannot be told';
    return [{ claim, lead, verdict }];
  });
}

export function isLoss(figure: Figure): boolean {
  return figure === 'texts' || figure === 'descriptions';
}

/** Null where the paradigm cannot be asked. Blanks: edit similarity, which tells more than exact match at small size. */
export function figureOf({ measured }: LabRun, figure: Figure): number | null {
  switch (figure) {
    case 'texts':
    case 'descriptions':
      return measured[figure];
    case 'head':
    case 'cloze': {
      const all = measured.understanding.map((task) => task[figure]);
      const known = all.filter((accuracy) => accuracy !== null);
      return known.length === 0 || known.length < all.length ? null : known.reduce((sum, x) => sum + x, 0) / all.length;
    }
    default:
      return measured.blanks.find(({ kind }) => kind === figure)?.similarity ?? null;
  }
}
