/**
 * How well a model predicts texts: the sum of losses over windows (windows.ts), by the texts' UTF-8 bytes or by their
 * words. GLM-130B, tasks/language-modeling/pile.py and evaluation/metrics.py.
 */
import type { Model } from '../../infill/fill.ts';
import { logProbabilitiesOf, openContext, textPrefix } from './opening.ts';
import { type WindowSizes, windowsOf } from './windows.ts';

export interface EvaluatedText {
  /** What the text belongs to, e.g. a part of the Pile; figures are given for each group. */
  group: string;
  /** For the header of models that have one. */
  path: string;
  text: string;
  /** Its length in the file's own words, where perplexity is asked for. */
  words?: number;
}

export interface TextLoss extends Omit<EvaluatedText, 'text'> {
  bytes: number;
  /** Tokens that were predicted: all but the first. */
  tokens: number;
  /** Sum, in nats. */
  loss: number;
}

export interface TextOptions {
  sizes: WindowSizes;
  oneWay: boolean;
  onProgress?: (done: number, all: number) => void;
  signal?: AbortSignal;
}

/** The paper's windows, or as long as the model allows with the same shares. */
export function windowSizes(maxLength: number, step: number, paperLength = 2048): WindowSizes {
  const length = Math.min(paperLength, maxLength);
  return { length, step: Math.round((step * length) / paperLength) };
}

export async function textLosses(
  model: Model,
  texts: readonly EvaluatedText[],
  { sizes, oneWay, onProgress, signal }: TextOptions,
): Promise<TextLoss[]> {
  const losses: TextLoss[] = [];
  for (const { text, ...of } of texts) {
    onProgress?.(losses.length, texts.length);
    const tokens = model.tokenizer.encode(text);
    const prefix = textPrefix(model, of.path);
    const own = { ...sizes, length: sizes.length - prefix.length };
    if (own.length <= sizes.step)
      throw new RangeError(`The header of ${of.path} leaves no room for text: it has ${prefix.length} tokens.`);
    let loss = 0;
    let count = 0;
    for (const { context, predicted, scored } of windowsOf(tokens, own, oneWay)) {
      const blank = await openContext(model, [...prefix, ...context], predicted.length - 1, signal);
      try {
        const all = await logProbabilitiesOf(blank, predicted, signal);
        loss -= all.slice(predicted.length - scored).reduce((sum, x) => sum + x, 0);
        count += scored;
      } finally {
        blank.dispose();
      }
    }
    losses.push({ ...of, bytes: Buffer.byteLength(text), tokens: count, loss });
  }
  return losses;
}
