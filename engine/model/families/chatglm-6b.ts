/**
 * The first ChatGLM-6B. DeepNorm with alpha = sqrt(2 * 28) whatever the depth, because its block never receives the
 * configured number of layers; a plain tanh GELU under the name GLU; the head stored beside the embedding.
 */
import { type Family, quantizationBits } from './family.ts';

const PUBLISHED_LAYERS = 28;
const LAYER_NORM_EPSILON = 1e-5;

export const chatglm6b: Family = {
  name: 'chatglm-6b',
  sign: '"model_type": "chatglm" with "inner_hidden_size"',
  // ChatGLM2 and later share the model_type but spell the width ffn_hidden_size.
  recognises: (keys) => keys.raw('model_type') === 'chatglm' && keys.has('inner_hidden_size'),
  config(keys) {
    if (keys.has('pre_seq_len')) keys.only('pre_seq_len', null);
    return {
      vocabSize: keys.count('vocab_size'),
      hiddenSize: keys.count('hidden_size'),
      innerSize: keys.count('inner_hidden_size'),
      layers: keys.count('num_layers'),
      heads: keys.count('num_attention_heads'),
      maxLength: keys.count('max_sequence_length'),
      positions: keys.flag('position_encoding_2d', true) ? 'rotary-2d' : 'rotary-1d',
      norm: 'deepnorm',
      residualAlpha: Math.sqrt(2 * PUBLISHED_LAYERS),
      activation: 'gelu-tanh',
      qkvLayout: 'per-head',
      tiedEmbedding: false,
      layerNormEpsilon: keys.positive('layernorm_epsilon', LAYER_NORM_EPSILON),
      rotaryFloat16: true,
    };
  },
  bits: quantizationBits,
  canonicalName: (name) => name,
};
