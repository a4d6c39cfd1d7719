/** BERT (Devlin et al. 2019) with RoBERTa's dynamic masks (Liu et al. 2019): every sample is masked anew. */
import type { InfillingSample } from '../../objective/blank-infilling.ts';
import { separatorOf } from '../../objective/paradigms.ts';
import { hideable, type LabParadigm, type LabTokens } from './paradigm.ts';

/** Share of the tokens that are predicted, and what stands in their place: a mask, any token, themselves. */
const PREDICTED = 0.15;
const MASKED = 0.8;
const REPLACED = 0.1;

export const autoencoding: LabParadigm = {
  name: 'autoencoding',
  title: 'Autoencoding (BERT, RoBERTa)',
  note: 'Devlin et al. 2019: 15 % of the tokens are predicted, of which 80 % are masked, 10 % replaced by any token and 10 % left; drawn anew for every sample (RoBERTa, Liu et al. 2019). Single tokens, not whole words; no next-sentence prediction. A blank is filled from left to right, one mask at a time.',
  train(text, tokens, random) {
    const places = random.shuffle(hideable(text, tokens));
    if (places.length === 0) return undefined;
    const chosen = places.slice(0, Math.max(1, Math.round(PREDICTED * places.length)));
    const seen = [...text];
    for (const place of chosen) {
      const kind = random.float();
      if (kind < MASKED) seen[place] = tokens.mask;
      else if (kind < MASKED + REPLACED) seen[place] = tokens.anyToken(random);
    }
    return bothWays(seen, text, chosen);
  },
  blankEnd: 'told',
  next({ before, after, written, length }, tokens: LabTokens) {
    const masks = Array.from({ length: length - written.length }, () => tokens.mask);
    const seen = [...before, ...written, ...masks, ...after];
    return bothWays(seen, seen, [before.length + written.length]);
  },
};

/** All rows see one another; those at `places` predict what the text has there. */
function bothWays(seen: readonly number[], text: readonly number[], places: readonly number[]): InfillingSample {
  const rows = seen.length;
  const lossMask = new Uint8Array(rows);
  for (const place of places) lossMask[place] = 1;
  return {
    tokens: Int32Array.from(seen),
    targets: Int32Array.from(text),
    lossMask,
    positions: Int32Array.from(seen, (_, row) => row),
    blockPositions: new Int32Array(rows),
    sep: separatorOf('bert', { rows, partA: rows, prefix: 0 }),
  };
}
