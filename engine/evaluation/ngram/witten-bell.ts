/**
 * Probabilities from counts, by Witten and Bell's interpolation: a context that was followed c times, by T different tokens,
 * gives the share T / (c + T) to what the next shorter one says; the empty context gives its share to the uniform distribution
 * (Witten and Bell, IEEE Trans. Inf. Theory 1991; as interpolation: Chen and Goodman, 1999, section 2.6).
 *
 * Of several texts each is asked at every length, the more local one last: so a document is a cache (Kuhn and De Mori, 1990)
 * that is trusted the more the oftener it has this very context, as in Tu, Su and Devanbu, "On the localness of software"
 * (2014), whose share for a context seen n times, n / (n + 1), this is where all its followers are one token.
 */
import { type Contexts, type Followers, timesOf } from './contexts.ts';

/** `followers`: what each text says after ever longer contexts, in the order in which they are mixed. */
export interface Prediction {
  followers: readonly Followers[];
  vocabulary: number;
}

/** `texts`: the more local the later. `order`: of the n-grams, one more than the tokens of the longest context. */
export function predictAfter(
  texts: readonly Contexts[],
  history: ArrayLike<number>,
  order: number,
  vocabulary: number,
): Prediction {
  const found = texts.map((text) => text.after(history, order - 1));
  const followers: Followers[] = [];
  for (let length = 0; length < order; length++) followers.push(...found.flatMap((lengths) => lengths[length] ?? []));
  return { followers, vocabulary };
}

/** Probabilities [vocabulary] of all tokens. */
export function distributionOf({ followers, vocabulary }: Prediction): Float64Array {
  // What is kept of the shorter contexts shrinks everything so far by the same factor: it is kept apart until the end.
  const scaled = new Float64Array(vocabulary).fill(1 / vocabulary);
  let scale = 1;
  for (const { total, tokens, counts } of followers) {
    const all = total + tokens.length;
    scale *= tokens.length / all;
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i] as number;
      scaled[token] = (scaled[token] as number) + (counts[i] as number) / all / scale;
    }
  }
  for (let token = 0; token < vocabulary; token++) scaled[token] = (scaled[token] as number) * scale;
  return scaled;
}

/** The same of one token. */
export function probabilityOf({ followers, vocabulary }: Prediction, token: number): number {
  let probability = 1 / vocabulary;
  for (const found of followers) {
    const kinds = found.tokens.length;
    probability = (timesOf(found, token) + kinds * probability) / (found.total + kinds);
  }
  return probability;
}
