/**
 * GLM-4.5 and GLM-4.5-Air as transformers' `glm4_moe` spells it: attention as in `glm` but turned by halves, with norms of
 * queries and keys in the large model; routed experts in all layers but the first. The extra layer that predicts a second
 * token is left out. Facts: models/glm4_moe of transformers.
 */
import type { GlmConfig } from '../config.ts';
import type { Family } from './family.ts';
import { transformersConfig, transformersName } from './glm-hf.ts';

/** Default of transformers' configuration class. */
const NORM_EPSILON = 1e-5;

export const glm4MoeHf: Family = {
  name: 'glm4-moe-hf',
  sign: '"model_type": "glm4_moe"',
  recognises: (keys) => keys.raw('model_type') === 'glm4_moe',
  config(keys): GlmConfig {
    const innerSize = keys.count('moe_intermediate_size');
    return {
      ...transformersConfig(keys, 'pre'),
      layerNormEpsilon: keys.positive('rms_norm_eps', NORM_EPSILON),
      rotaryPairs: 'halves',
      ...(keys.flag('use_qk_norm', false) ? { queryKeyNorm: true } : {}),
      experts: {
        count: keys.count('n_routed_experts'),
        perToken: keys.count('num_experts_per_tok'),
        innerSize,
        sharedSize: innerSize * keys.count('n_shared_experts'),
        denseLayers: keys.count('first_k_dense_replace', 0),
        groups: keys.count('n_group'),
        groupsUsed: keys.count('topk_group'),
        normalized: keys.flag('norm_topk_prob', true),
        scale: keys.positive('routed_scaling_factor', 1),
      },
    };
  },
  ignores(keys) {
    const first = keys.count('num_hidden_layers');
    const end = first + (keys.has('num_nextn_predict_layers') ? keys.count('num_nextn_predict_layers', 0) : 0);
    return (name) => {
      const layer = Number(/^model\.layers\.(\d+)\./.exec(name)?.[1] ?? -1);
      return layer >= first && layer < end;
    };
  },
  canonicalName(name) {
    const own = transformersName(name);
    if (typeof own !== 'string') return own;
    const gated = /\.(gate|up)_proj\./.exec(own);
    if (gated) return { name: own.replace(gated[0], '.dense_h_to_4h.'), part: gated[1] as 'gate' | 'up' };
    return own
      .replace('.down_proj.', '.dense_4h_to_h.')
      .replace('.self_attn.q_norm.', '.attention.query_layernorm.')
      .replace('.self_attn.k_norm.', '.attention.key_layernorm.');
  },
};
