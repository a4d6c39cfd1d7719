/**
 * GLM 2021 (glm-large, glm-2b, glm-10b, …) as its Hugging Face files spell it: learned positions in two tables, pre-
 * LayerNorm, exact (erf) GELU, four times the width inside, logits from the embedding. `save_pretrained` prefixes names
 * with `glm.`, the original conversion does not.
 */
import type { Family } from './family.ts';

const LAYER_NORM_EPSILON = 1e-5;

export const glm2021: Family = {
  name: 'glm-2021',
  sign: '"model_type": "glm" with "block_position_encoding"',
  // The later GLM-4 port has the same model_type, but no block positions.
  recognises: (keys) => keys.raw('model_type') === 'glm' && keys.has('block_position_encoding'),
  config(keys) {
    keys.only('block_position_encoding', true);
    keys.only('relative_encoding', false);
    keys.only('output_predict', true);
    const hiddenSize = keys.count('hidden_size');
    return {
      vocabSize: keys.count('vocab_size'),
      hiddenSize,
      innerSize: 4 * hiddenSize,
      layers: keys.count('num_layers'),
      heads: keys.count('num_attention_heads'),
      maxLength: keys.count('max_sequence_length'),
      positions: 'learned-2d',
      norm: 'pre',
      residualAlpha: 1,
      activation: 'gelu',
      qkvLayout: 'thirds',
      tiedEmbedding: true,
      layerNormEpsilon: LAYER_NORM_EPSILON,
      rotaryFloat16: false,
    };
  },
  canonicalName(name) {
    const bare = name.startsWith('glm.') ? name.slice('glm.'.length) : name;
    return bare === 'word_embeddings.weight' ? `transformer.${bare}` : bare;
  },
};
