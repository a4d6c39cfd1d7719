/**
 * ChatGLM2-6B, ChatGLM3-6B, CodeGeeX2-6B, GLM-4-9B and CodeGeeX4 in the layout of their own (remote) code. They are one
 * architecture: causal, RMSNorm, SwiGLU, few key/value heads, the first half of each head turned in neighbouring pairs;
 * the releases differ in the values of the keys alone (`rope_ratio`, `layernorm_epsilon`, `multi_query_group_num`).
 */
import { type Family, quantizationBits } from './family.ts';

const THETA = 10000;
const LAYER_NORM_EPSILON = 1e-5;

export const chatglm2: Family = {
  name: 'chatglm2',
  sign: '"model_type": "chatglm" with "ffn_hidden_size"',
  recognises: (keys) => keys.raw('model_type') === 'chatglm' && keys.has('ffn_hidden_size'),
  config(keys) {
    keys.only('rmsnorm', true);
    keys.only('post_layer_norm', true);
    keys.only('apply_residual_connection_post_layernorm', false);
    keys.only('original_rope', true);
    keys.only('tie_word_embeddings', false);
    if (keys.has('pre_seq_len')) keys.only('pre_seq_len', null);
    const hiddenSize = keys.count('hidden_size');
    const heads = keys.count('num_attention_heads');
    const headSize = keys.count('kv_channels');
    const biased = keys.flag('add_bias_linear', false);
    const qkvBiased = keys.flag('add_qkv_bias', false);
    return {
      vocabSize: keys.count('padded_vocab_size'),
      hiddenSize,
      innerSize: keys.count('ffn_hidden_size'),
      layers: keys.count('num_layers'),
      heads,
      headSize,
      keyValueHeads: keys.flag('multi_query_attention', false) ? keys.count('multi_query_group_num') : heads,
      maxLength: keys.count('seq_length'),
      positions: 'rotary-1d',
      rotarySize: headSize / 2,
      rotaryPairs: 'neighbours',
      rotaryTheta: THETA * keys.positive('rope_ratio', 1),
      rotaryFloat16: false,
      norm: 'pre',
      normKind: 'rms-norm',
      residualAlpha: 1,
      layerNormEpsilon: keys.positive('layernorm_epsilon', LAYER_NORM_EPSILON),
      activation: 'swiglu',
      qkvLayout: 'thirds',
      bias: biased ? 'all' : qkvBiased ? 'qkv' : 'none',
      tiedEmbedding: false,
      causal: true,
    };
  },
  release(keys) {
    // <|endoftext|>, <|user|> and <|observation|> end an answer; before GLM-4 it was </s> alone.
    if (Array.isArray(keys.raw('eos_token_id'))) return 'glm-4';
    if (keys.has('interleaved_qkv')) return 'codegeex2';
    const name = String(keys.raw('_name_or_path') ?? '');
    // Their keys are the same; ChatGLM2-6B was published with an earlier version of transformers.
    const earlier = /^4\.2\d\./.test(String(keys.raw('transformers_version')));
    return /chatglm2/i.test(name) || (earlier && !/chatglm3/i.test(name)) ? 'chatglm2' : 'chatglm3';
  },
  bits: quantizationBits,
  canonicalName(name) {
    if (name === 'transformer.output_layer.weight') return 'lm_head.weight';
    return name
      .replace(/^transformer\.embedding\./, 'transformer.')
      .replace(/^transformer\.encoder\./, 'transformer.')
      .replace('.self_attention.', '.attention.');
  },
};
