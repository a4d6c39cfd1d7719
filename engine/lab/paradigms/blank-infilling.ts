/** GLM (Du et al. 2022) with its ablations: spans in the order of the text, and one position for each token instead of two. */
import {
  type BlankKind,
  blankInfilling,
  type InfillingSample,
  type SpanPositions,
  spanPositions,
  suffixGeneration,
} from '../../objective/blank-infilling.ts';
import { documentBlank, tokenSpans } from '../../objective/spans.ts';
import { type LabParadigm, lastRowOnly } from './paradigm.ts';

interface Variant {
  shuffled: boolean;
  positions: 'two' | 'one';
}

/** GLM-Doc: half of the samples have short spans, half one long one. */
const SHORT_SPANS = 0.5;

function blankInfillingParadigm({ shuffled, positions }: Variant): Omit<LabParadigm, 'name' | 'title' | 'note'> {
  const row = (kind: BlankKind): SpanPositions => spanPositions(positions === 'two' ? 'rotary-2d' : 'rotary-1d', kind);
  const finished = (sample: InfillingSample): InfillingSample =>
    positions === 'two' ? sample : { ...sample, blockPositions: new Int32Array(sample.tokens.length) };
  return {
    train(text, tokens, random) {
      const short = { mask: tokens.mask, sop: tokens.sop, eop: tokens.eop };
      const long = { ...short, mask: tokens.documentMask };
      if (random.float() < SHORT_SPANS) {
        const spans = tokenSpans(random, text, tokens);
        if (!spans || spans.length === 0) return undefined;
        const order = shuffled ? spans : spans.sort((a, b) => a.start - b.start);
        return finished(blankInfilling(text, order, short, row('token')));
      }
      const blank = documentBlank(random, text, tokens);
      if (!blank) return undefined;
      return finished(
        blank.form === 'suffix'
          ? suffixGeneration(text, blank.division, long, { positions: row('document') })
          : blankInfilling(text, blank.spans, long, row('document')),
      );
    },
    blankEnd: 'eop',
    next({ before, after, written }, { mask, sop, eop }) {
      const span = { start: before.length, end: before.length + written.length };
      const ids = { mask, sop, eop };
      return finished(lastRowOnly(blankInfilling([...before, ...written, ...after], [span], ids, row('token'))));
    },
    continuation(context, text, { documentMask, sop, eop }) {
      const ids = { mask: documentMask, sop, eop };
      return finished(suffixGeneration([...context, ...text], context.length, ids, { positions: row('document') }));
    },
  };
}

export const glm: LabParadigm = {
  name: 'glm',
  title: 'GLM',
  note: 'Du et al. 2022: half of the samples have 15 % of their text in spans of about three tokens, shuffled, each at its `[MASK]`; half have one span of at least half of the text at `[gMASK]`, which give most of the tokens that count. A blank is filled at its `[MASK]` until `eop`, also one that is longer than the spans of training.',
  ...blankInfillingParadigm({ shuffled: true, positions: 'two' }),
};

export const glmUnshuffled: LabParadigm = {
  name: 'glm-unshuffled',
  title: 'GLM, spans not shuffled',
  note: 'As GLM, but spans are generated in the order of the text.',
  ...blankInfillingParadigm({ shuffled: false, positions: 'two' }),
};

export const glmOnePosition: LabParadigm = {
  name: 'glm-one-position',
  title: 'GLM, one position',
  note: 'As GLM, but without block positions, in GLM-130B’s manner: the tokens of a short span all stand at their mask, those of a long one count on from Part A.',
  ...blankInfillingParadigm({ shuffled: true, positions: 'one' }),
};
