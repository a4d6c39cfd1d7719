/**
 * GLM-130B in SwissArmyTransformer's form, and the embedded model, which is its recipe at small scale with
 * `position_encoding_2d`. `layernorm_order` is `post` for GLM-130B's DeepNorm and `pre` for pre-LayerNorm, as in
 * SwissArmyTransformer. Tensor names are the canonical ones. Facts: sat/model/official/glm130B_model.py.
 */
import type { GlmConfig } from '../config.ts';
import type { Family } from './family.ts';

const LAYER_NORM_EPSILON = 1e-5;

export const glm130b: Family = {
  name: 'glm-130b',
  sign: '"model_class": "GLM130B"',
  recognises: (keys) => keys.raw('model_class') === 'GLM130B',
  config(keys) {
    const layers = keys.count('num_layers');
    const order = keys.choice('layernorm_order', ['post', 'pre']);
    return {
      vocabSize: keys.count('vocab_size'),
      hiddenSize: keys.count('hidden_size'),
      innerSize: keys.count('inner_hidden_size'),
      layers,
      heads: keys.count('num_attention_heads'),
      maxLength: keys.count('max_sequence_length'),
      positions: keys.flag('position_encoding_2d', false) ? 'rotary-2d' : 'rotary-1d',
      norm: order === 'post' ? 'deepnorm' : 'pre',
      residualAlpha: order === 'post' ? Math.sqrt(2 * layers) : 1,
      activation: 'geglu',
      qkvLayout: 'per-head',
      tiedEmbedding: true,
      layerNormEpsilon: keys.positive('layernorm_epsilon', LAYER_NORM_EPSILON),
      rotaryFloat16: true,
    };
  },
  canonicalName: (name) => name,
};

/** Fields of a configuration that the family's files have no key for. */
const INEXPRESSIBLE = [
  'keyValueHeads',
  'headSize',
  'rotarySize',
  'rotaryPairs',
  'rotaryTheta',
  'normKind',
  'bias',
  'causal',
  'embeddingNorm',
  'queryKeyNorm',
  'experts',
  'decoderLayers',
];

/** Whether the family's files can express a configuration. */
export function isGlm130b(config: GlmConfig): boolean {
  return (
    !INEXPRESSIBLE.some((key) => key in config) &&
    (config.norm === 'deepnorm' || config.norm === 'pre') &&
    config.residualAlpha === (config.norm === 'deepnorm' ? Math.sqrt(2 * config.layers) : 1) &&
    config.activation === 'geglu' &&
    config.qkvLayout === 'per-head' &&
    config.positions !== 'learned-2d' &&
    config.tiedEmbedding &&
    config.rotaryFloat16
  );
}

/** config.json of a model of this family, the inverse of `glm130b.config`. Throws unless `isGlm130b`. */
export function glm130bKeys(config: GlmConfig): Record<string, string | number | boolean> {
  if (!isGlm130b(config)) throw new Error(`A glm-130b checkpoint cannot express ${JSON.stringify(config)}.`);
  return {
    model_class: 'GLM130B',
    num_layers: config.layers,
    hidden_size: config.hiddenSize,
    inner_hidden_size: config.innerSize,
    vocab_size: config.vocabSize,
    num_attention_heads: config.heads,
    max_sequence_length: config.maxLength,
    layernorm_order: config.norm === 'deepnorm' ? 'post' : 'pre',
    layernorm_epsilon: config.layerNormEpsilon,
    position_encoding_2d: config.positions === 'rotary-2d',
    model_parallel_size: 1,
  };
}
