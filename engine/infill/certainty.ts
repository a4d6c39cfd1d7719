/**
 * How far the model is sure of what it wrote: the running product of its own probabilities. A token that the user began
 * counts with its share among those that agree with what was typed.
 */
import type { Fill, FilledToken } from './fill.ts';

/** Natural logarithm of the probability that a token had where it was chosen. */
export function chosenLogProbability({ logShare, logProbability }: FilledToken): number {
  return logShare ?? logProbability;
}

const WORD_AT_START = /^[\p{L}\p{N}_$]/u;
const WORD_AT_END = /[\p{L}\p{N}_$]+$/u;

export interface SureBeginning {
  text: string;
  /** That it is right, by the model's own account; 1 when the tokens are not known. */
  probability: number;
  /** Whether it is less than all of the fill. */
  cut: boolean;
}

/**
 * The longest beginning of a fill, in whole words, that is right with a probability of at least `least` by the model's own
 * account; all of it where its end, `eop` or a line break, is as probable. All of it too when the tokens are not known,
 * e.g. from a server elsewhere.
 */
export function sureBeginning({ text, tokens }: Pick<Fill, 'text' | 'tokens'>, least: number): SureBeginning {
  let [sum, sure] = [0, 0];
  for (const token of tokens) {
    if (token.forced) continue;
    const before = sum;
    sum += chosenLogProbability(token);
    if (Math.exp(sum) < least) return { text: wholeWords(text, sure), probability: Math.exp(before), cut: true };
    sure = token.end ?? sure;
  }
  return { text, probability: Math.exp(sum), cut: false };
}

/** The first `length` characters without a word that goes on after them, and without white space at the end. */
function wholeWords(text: string, length: number): string {
  const kept = text.slice(0, length);
  const splits = WORD_AT_START.test(text.slice(length)) && WORD_AT_END.test(kept);
  return (splits ? kept.replace(WORD_AT_END, '') : kept).trimEnd();
}
