/** From left to right: GPT (Radford et al. 2018), and the prefix LM (Raffel et al. 2020, section 3.2; UniLM, Dong et al. 2019). */
import type { InfillingSample } from '../../objective/blank-infilling.ts';
import { leftToRight } from '../../objective/fill-in-the-middle.ts';
import { separatorOf } from '../../objective/paradigms.ts';
import { type LabParadigm, lastRowOnly } from './paradigm.ts';

export const autoregressive: LabParadigm = {
  name: 'autoregressive',
  title: 'Autoregressive (GPT)',
  note: 'Radford et al. 2018: every token is predicted from those before it. A blank is filled from what stands before it alone.',
  // So that fine-tuning reads from left to right too.
  config: { causal: true },
  train: (text) => (text.length < 2 ? undefined : leftToRight(text)),
  blankEnd: 'line-break',
  next: ({ before, written }) => nextToken([...before, ...written]),
  continuation: (context, text) => afterContext(context, text, 'gpt'),
};

export const prefixLm: LabParadigm = {
  name: 'prefix-lm',
  title: 'Prefix LM (UniLM)',
  note: 'The sequence-to-sequence mask of Dong et al. 2019 in the form of Raffel et al. 2020: a prefix of uniform length sees itself in both directions, the rest is predicted from left to right. UniLM’s other two masks, its masked tokens as targets and its segment embeddings are left out. A blank is filled from what stands before it alone.',
  train(text, _tokens, random) {
    if (text.length < 3) return undefined;
    const prefix = 1 + random.below(text.length - 2);
    return afterContext(text.slice(0, prefix), text.slice(prefix), 'prefix-lm');
  },
  blankEnd: 'line-break',
  next({ before, written }) {
    const sample = nextToken([...before, ...written]);
    return { ...sample, sep: separatorOf('prefix-lm', { rows: 0, partA: 0, prefix: before.length }) };
  },
  continuation: (context, text) => afterContext(context, text, 'prefix-lm'),
};

/** What stands behind the text is asked for; `leftToRight` wants a target there. */
function nextToken(text: readonly number[]): InfillingSample {
  return lastRowOnly(leftToRight([...text, text.at(-1) as number]));
}

/** The context's own tokens do not count. */
function afterContext(
  context: readonly number[],
  text: readonly number[],
  paradigm: 'gpt' | 'prefix-lm',
): InfillingSample {
  const sample = leftToRight([...context, ...text]);
  sample.lossMask.fill(0, 0, context.length - 1);
  const sep = separatorOf(paradigm, { rows: sample.tokens.length, partA: 0, prefix: context.length });
  return { ...sample, sep };
}
