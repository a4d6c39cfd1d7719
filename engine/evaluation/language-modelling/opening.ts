/** A context of tokens with a `[gMASK]` after it, read by a model; causal models go on after it. */

import type { Model, Passage } from '../../infill/fill.ts';
import { type OpenBlank, openSpan, promptRows } from '../../infill/open-blank.ts';
import { headerTokens } from '../../infill/passage.ts';
import { logProbabilityOf } from '../../infill/sampling.ts';
import { partA, spanPositions } from '../../objective/blank-infilling.ts';

/** Tokens that go before any text: `[CLS]` and the header, or what a causal model's text begins with. */
export function textPrefix({ tokenizer, prompt }: Model, path: string): number[] {
  const passage: Passage = {
    path,
    languageId: '',
    before: '',
    after: '',
    forced: '',
    neighbours: [],
    kind: 'document',
  };
  if (prompt) return prompt.infills ? [] : prompt.tokens(passage, 64);
  const { enc } = tokenizer.special;
  return [...(enc === undefined ? [] : [enc]), ...headerTokens(tokenizer, path)];
}

/** `room`: most tokens that will be fed. A causal model is shown the same tokens and no mask. */
export async function openContext(
  model: Model,
  context: readonly number[],
  room: number,
  signal?: AbortSignal,
): Promise<OpenBlank> {
  const { runtime, tokenizer } = model;
  const at = { start: context.length, end: context.length };
  const { rows, ...place } = model.prompt
    ? promptRows(causalContext(context, tokenizer.special.eos))
    : {
        rows: partA(context, [at], tokenizer.special.documentMask),
        mask: context.length,
        positions: spanPositions(runtime.config.positions, 'document'),
        start: tokenizer.special.sop,
      };
  const session = runtime.open(rows.tokens.length + room + 1);
  try {
    await session.read(rows, signal);
  } catch (error) {
    session.dispose();
    throw error;
  }
  const timings = { tokenize: 0, read: 0 };
  return openSpan(model, session, { partA: rows.tokens.length, places: room + 1, caches: [], timings, ...place });
}

/** A prompt has at least two tokens: the last one is fed with what follows. */
function causalContext(context: readonly number[], eos: number): number[] {
  return context.length > 1 ? [...context] : [eos, ...context];
}

/** Logits of so many rows are held at once. */
const CHUNK = 64;

/** Natural logarithms of the probabilities of `tokens`, each after those before it; the last one is not fed. */
export async function logProbabilitiesOf(
  blank: OpenBlank,
  tokens: readonly number[],
  signal?: AbortSignal,
): Promise<number[]> {
  const fed = tokens.length - 1;
  for (let end = Math.min(CHUNK, fed); ; end = Math.min(end + CHUNK, fed)) {
    const { logits, logProbabilities } = await blank.feed(tokens.slice(0, end), signal);
    if (end === fed) return [...logProbabilities, logProbabilityOf(logits, tokens[fed] as number)];
  }
}
