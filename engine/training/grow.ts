/**
 * A run's first weights from a trained model of the same width, as deep or deeper. Each layer is followed by copies of
 * itself whose output projections are zero, so that the deeper model computes what the shallower one does (block
 * expansion of LLaMA Pro, arXiv 2401.02415). That is so only where a layer adds to its input: with pre-LayerNorm.
 */
import { floatsOf } from '../checkpoint/safetensors.ts';
import { type GlmConfig, tensorShapes } from '../model/config.ts';
import type { ModelFolder } from '../model/load.ts';

/** Yields every tensor of `tensorShapes(config)`. Throws when the models do not fit together. */
export async function* grownTensors(
  source: ModelFolder,
  config: GlmConfig,
): AsyncGenerator<{ name: string; values: Float32Array }, void, undefined> {
  const copies = checkGrowth(source, config);
  for await (const { name, dtype, data } of source.tensors()) {
    const values = floatsOf(data, dtype);
    const layer = /^transformer\.layers\.(\d+)\./.exec(name)?.[1];
    if (layer === undefined) {
      yield { name, values };
      continue;
    }
    for (let copy = 0; copy < copies; copy++) {
      const target = name.replace(/\d+/, String(Number(layer) * copies + copy));
      const silent = copy > 0 && /\.(attention\.dense|mlp\.dense_4h_to_h)\./.test(name);
      yield { name: target, values: silent ? new Float32Array(values.length) : values };
    }
  }
}

/** How many layers each of the source's becomes. */
function checkGrowth(source: ModelFolder, config: GlmConfig): number {
  const copies = config.layers / source.config.layers;
  const shallow = { ...config, layers: source.config.layers };
  const shapes = (of: GlmConfig) => JSON.stringify([of.norm, of.activation, of.positions, of.heads, tensorShapes(of)]);
  if (!Number.isInteger(copies) || shapes(shallow) !== shapes(source.config)) {
    throw new Error(
      `${source.path} cannot begin a run of ${config.layers} layers, hidden size ${config.hiddenSize}, ${config.heads} heads, norm ${config.norm}: it has ${source.config.layers} layers, hidden size ${source.config.hiddenSize}, ${source.config.heads} heads, norm ${source.config.norm}. Only the number of layers may differ, by a whole factor.`,
    );
  }
  if (copies > 1 && config.norm !== 'pre') {
    throw new Error(`A model can grow deeper only with pre-LayerNorm; the recipe's norm is ${config.norm}.`);
  }
  return copies;
}
