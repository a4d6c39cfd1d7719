/**
 * How our own causal models are asked: the layout of blank infilling without its mask, moved as in training
 * (objective/fill-in-the-middle.ts).
 */
import { type FimOrder, fimContext, fimIds } from '../objective/fill-in-the-middle.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { CausalPrompt } from './fill.ts';
import { passageTokens } from './passage.ts';

/** Tokens of fill-in-the-middle that the layout does not count: three, where it leaves room for one mask. */
const BESIDE_LAYOUT = 2;

export function fimPrompt(tokenizer: Tokenizer, order: FimOrder = 'psm'): CausalPrompt {
  const ids = fimIds(tokenizer.special);
  return {
    infills: true,
    tokens(passage, budget) {
      const { text, blank } = passageTokens(tokenizer, passage, budget - BESIDE_LAYOUT);
      return fimContext(text.slice(0, blank), text.slice(blank), ids, order);
    },
  };
}
