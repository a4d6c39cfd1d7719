/**
 * Models of the trainer's own that no published family's files can express: config.json holds the fields of `GlmConfig`
 * by their own names, the weights have the canonical ones.
 */
import type { GlmConfig } from '../config.ts';
import type { Family } from './family.ts';

const MODEL_TYPE = 'cloze';

export const cloze: Family = {
  name: MODEL_TYPE,
  sign: '"model_type": "cloze"',
  recognises: (keys) => keys.raw('model_type') === MODEL_TYPE,
  config(keys) {
    const layers = keys.count('layers');
    const config: GlmConfig = {
      vocabSize: keys.count('vocabSize'),
      hiddenSize: keys.count('hiddenSize'),
      innerSize: keys.count('innerSize'),
      layers,
      heads: keys.count('heads'),
      maxLength: keys.count('maxLength'),
      positions: keys.choice('positions', ['rotary-2d', 'rotary-1d', 'learned-2d']),
      norm: keys.choice('norm', ['pre', 'deepnorm', 'post', 'sandwich']),
      residualAlpha: keys.positive('residualAlpha', Math.sqrt(2 * layers)),
      activation: keys.choice('activation', ['geglu', 'gelu', 'gelu-tanh', 'swiglu']),
      qkvLayout: keys.choice('qkvLayout', ['per-head', 'thirds']),
      tiedEmbedding: keys.flag('tiedEmbedding', true),
      layerNormEpsilon: keys.positive('layerNormEpsilon', 1e-5),
      rotaryFloat16: keys.flag('rotaryFloat16', false),
    };
    if (keys.has('normKind')) config.normKind = keys.choice('normKind', ['layer-norm', 'rms-norm']);
    if (keys.has('bias')) config.bias = keys.choice('bias', ['all', 'qkv', 'none']);
    if (keys.has('rotarySize')) config.rotarySize = keys.count('rotarySize');
    if (keys.has('rotaryPairs')) config.rotaryPairs = keys.choice('rotaryPairs', ['halves', 'neighbours']);
    if (keys.has('rotaryTheta')) config.rotaryTheta = keys.positive('rotaryTheta', 10000);
    if (keys.has('causal')) config.causal = keys.flag('causal', false);
    if (keys.has('decoderLayers')) config.decoderLayers = keys.count('decoderLayers');
    if (keys.has('embeddingNorm')) config.embeddingNorm = keys.flag('embeddingNorm', false);
    return config;
  },
  canonicalName: (name) => name,
};

/** config.json of any model that can be trained, the inverse of `cloze.config`. */
export function clozeKeys(config: GlmConfig): Record<string, string | number | boolean> {
  const { experts, ...keys } = config;
  if (experts) throw new Error('A model with experts has no form of its own; it cannot be trained here.');
  return { model_type: MODEL_TYPE, ...keys };
}
