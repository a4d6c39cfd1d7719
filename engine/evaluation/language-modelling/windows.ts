/**
 * A text in windows, as GLM-130B's evaluation cuts it (evaluation/dataset.py, `LanguageModelTaskDataset`): windows of
 * `length` - 1 tokens that begin `step` tokens apart. Of the first all but one token are predicted, of the others the last
 * `step`, after the rest as context that is seen in both directions.
 */

export interface WindowSizes {
  /** Most tokens of a window together with its mask; 2,048 in the paper. */
  length: number;
  /** Tokens that each window after the first predicts: 1,024 for the Pile, 256 for WikiText. */
  step: number;
}

export interface Window {
  /** Seen as a whole. */
  context: number[];
  /** Predicted one after another. */
  predicted: number[];
}

/** `oneWay` shows the first token alone and scores the same tokens, so that no context is seen in both directions. */
export function* windowsOf(
  tokens: readonly number[],
  { length, step }: WindowSizes,
  oneWay: boolean,
): Generator<Window & { scored: number }> {
  const count = Math.ceil(Math.max(tokens.length - (length - 1), 0) / step) + 1;
  for (let index = 0; index < count; index++) {
    const own = tokens.slice(index * step, index * step + length - 1);
    const shown = index === 0 ? 1 : Math.max(1, length - 1 - step);
    const scored = Math.max(0, own.length - shown);
    if (scored === 0) continue;
    const context = oneWay ? 1 : shown;
    yield { context: own.slice(0, context), predicted: own.slice(context), scored };
  }
}
