/**
 * GLM-4-9B as transformers' `glm` spells it: the architecture of `chatglm2` with queries, keys and values stored apart.
 * `gate_up_proj` holds the gate's rows, then the value's, as `dense_h_to_4h` does. Facts: models/glm of transformers.
 */
import type { GlmConfig } from '../config.ts';
import type { ConfigKeys } from './config-keys.ts';
import { type Family, PARTS, type Part } from './family.ts';

/** Defaults of transformers' configuration classes, for files that leave a key out. */
const NORM_EPSILON = 1.5625e-7;
const ROTARY_SHARE = 0.5;
const THETA = 10000;

export const glmHf: Family = {
  name: 'glm-hf',
  sign: '"model_type": "glm" with "num_key_value_heads"',
  recognises: (keys) => keys.raw('model_type') === 'glm' && keys.has('num_key_value_heads'),
  config: (keys) => transformersConfig(keys, 'pre'),
  canonicalName: transformersName,
};

/** The keys that `glm` and `glm4` share. */
export function transformersConfig(keys: ConfigKeys, norm: GlmConfig['norm']): GlmConfig {
  keys.only('hidden_act', 'silu');
  keys.only('rope_scaling', null);
  keys.only('rope_parameters', null);
  keys.only('quantization_config', null);
  const headSize = keys.has('head_dim')
    ? keys.count('head_dim')
    : keys.count('hidden_size') / keys.count('num_attention_heads');
  return {
    vocabSize: keys.count('vocab_size'),
    hiddenSize: keys.count('hidden_size'),
    innerSize: keys.count('intermediate_size'),
    layers: keys.count('num_hidden_layers'),
    heads: keys.count('num_attention_heads'),
    headSize,
    keyValueHeads: keys.count('num_key_value_heads'),
    maxLength: keys.count('max_position_embeddings'),
    positions: 'rotary-1d',
    rotarySize: headSize * keys.positive('partial_rotary_factor', ROTARY_SHARE),
    rotaryPairs: 'neighbours',
    rotaryTheta: keys.positive('rope_theta', THETA),
    rotaryFloat16: false,
    norm,
    normKind: 'rms-norm',
    residualAlpha: 1,
    layerNormEpsilon: keys.positive('rms_norm_eps', NORM_EPSILON),
    activation: 'swiglu',
    qkvLayout: 'thirds',
    bias: keys.flag('attention_bias', false) ? 'qkv' : 'none',
    tiedEmbedding: keys.flag('tie_word_embeddings', false),
    causal: true,
  };
}

const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^model\.embed_tokens\./, 'transformer.word_embeddings.'],
  [/^model\.norm\./, 'transformer.final_layernorm.'],
  [/^model\.layers\./, 'transformer.layers.'],
  [/\.self_attn\.o_proj\./, '.attention.dense.'],
  [/\.mlp\.gate_up_proj\./, '.mlp.dense_h_to_4h.'],
  [/\.mlp\.down_proj\./, '.mlp.dense_4h_to_h.'],
];

/** Canonical name of a tensor of `glm` and `glm4`. */
export function transformersName(name: string): string | { name: string; part: Part } {
  const canonical = NAMES.reduce((so, [from, to]) => so.replace(from, to), name);
  const separate = /\.self_attn\.([qkv])_proj\./.exec(canonical);
  if (!separate) return canonical;
  const part = PARTS['qkv'.indexOf(separate[1] as string)] as Part;
  return { name: canonical.replace(separate[0], '.attention.query_key_value.'), part };
}
