/** The gradient's norm, in the parts in which training goes wrong: the embedding first, then single layers. */
import { type GlmConfig, tensorShapes } from '../model/config.ts';

export interface GradientNorms {
  /** Of the embedding and the position tables. */
  embedding: number;
  /** Of each layer, the lowest first. */
  layers: number[];
  /** Of the final norm, an embedding norm, and the output matrix where it is not the embedding. */
  rest: number;
}

/** Groups the norms of all tensors, in the order of `tensorShapes`, of gradients of `scale` times the loss. */
export function groupNorms(config: GlmConfig, norms: ArrayLike<number>, scale = 1): GradientNorms {
  let [embedding, rest] = [0, 0];
  const layers = new Array<number>(config.layers).fill(0);
  for (const [index, { name }] of tensorShapes(config).entries()) {
    const square = ((norms[index] as number) / scale) ** 2;
    const layer = /\.layers\.(\d+)\./.exec(name)?.[1];
    if (layer !== undefined) layers[Number(layer)] = (layers[Number(layer)] as number) + square;
    else if (/embeddings\.weight$/.test(name)) embedding += square;
    else rest += square;
  }
  return { embedding: Math.sqrt(embedding), layers: layers.map(Math.sqrt), rest: Math.sqrt(rest) };
}

/** For a log: four digits say all, and a hundred layers stay short. */
export function roundedNorms({ embedding, layers, rest }: GradientNorms): GradientNorms {
  const round = (norm: number) => Number(norm.toPrecision(4));
  return { embedding: round(embedding), layers: layers.map(round), rest: round(rest) };
}

export function wholeNorm({ embedding, layers, rest }: GradientNorms): number {
  return Math.hypot(embedding, ...layers, rest);
}
