/** A second stack that writes what is missing, and sees the first by cross-attention alone: T5 and BART. */
import type { GlmConfig } from '../../model/config.ts';
import type { InfillingSample, Span } from '../../objective/blank-infilling.ts';
import { encodedAndDecoded, spanCorruption, textInfilling } from '../../objective/encoder-decoder.ts';
import { textInfillingSpans, tokenSpans } from '../../objective/spans.ts';
import { type LabParadigm, lastRowOnly, SENTINELS } from './paradigm.ts';

/** Widths of feed-forward layers are multiples of it. */
const STEP = 8;

/**
 * Half of the layers in each stack, and in place of the 4 C^2 parameters of each cross-attention a narrower feed-forward
 * layer (3 C F with its gate). Throws RangeError for a model of one layer.
 */
function twoStacks({ layers, hiddenSize: C, innerSize }: GlmConfig): Partial<GlmConfig> {
  const decoderLayers = Math.floor(layers / 2);
  if (decoderLayers === 0) throw new RangeError('An encoder-decoder needs a layer in each of its two stacks.');
  const narrower = (4 * C * decoderLayers) / (3 * layers);
  return { decoderLayers, innerSize: STEP * Math.round((innerSize - narrower) / STEP) };
}

export const t5: LabParadigm = {
  name: 't5',
  title: 'Encoder-decoder, spans (T5)',
  note: 'Raffel et al. 2020: 15 % of the text in spans of about three tokens, drawn as GLM’s; a sentinel of its own stands for each, and the decoder lists sentinels and spans. Rotary instead of relative positions, GeGLU as in T5 1.1; none of the supervised tasks. A blank is filled after its sentinel until `eop`, which stands for the last sentinel.',
  config: (usual) => ({ ...twoStacks(usual), vocabSize: usual.vocabSize + SENTINELS }),
  train(text, tokens, random) {
    const spans = tokenSpans(random, text, tokens);
    if (!spans || spans.length === 0 || spans.length > tokens.sentinels.length) return undefined;
    return spanCorruption(text, spans, tokens);
  },
  blankEnd: 'eop',
  next: ({ before, after, written }, tokens) =>
    lastRowOnly(spanCorruption([...before, ...written, ...after], [behind(before, written)], tokens)),
  continuation(context, text, tokens) {
    const sample = spanCorruption([...context, ...text], [behind(context, text)], tokens);
    return textAlone(sample, text);
  },
};

export const bart: LabParadigm = {
  name: 'bart',
  title: 'Encoder-decoder, infilling (BART)',
  note: 'Lewis et al. 2020: 30 % of the text in spans of Poisson lengths, each a single mask, and masks where nothing is missing; the decoder writes the whole text. Sentences are not shuffled. A blank is filled after the text before it is given to the decoder; as nothing but the text after it says where it ends, its length is told.',
  config: twoStacks,
  train(text, tokens, random) {
    const spans = textInfillingSpans(random, text.length);
    return spans.length === 0 ? undefined : textInfilling(text, spans, tokens);
  },
  blankEnd: 'told',
  next: ({ before, after, written }, { mask, sop, eop }) =>
    lastRowOnly(encodedAndDecoded([...before, mask, ...after], [sop, ...before, ...written, eop])),
  continuation(context, text, tokens) {
    const sample = textInfilling([...context, ...text], [behind(context, text)], tokens);
    return textAlone(sample, text);
  },
};

function behind(before: readonly number[], span: readonly number[]): Span {
  return { start: before.length, end: before.length + span.length };
}

/** The text ends Part B, before `eop`; nothing else counts. */
function textAlone(sample: InfillingSample, text: readonly number[]): InfillingSample {
  const rows = sample.tokens.length;
  const lossMask = new Uint8Array(rows).fill(1, rows - 1 - text.length, rows - 1);
  return { ...sample, lossMask };
}
