/**
 * One description of every member of the GLM family. The native runtime, the trainer, the graph builder and the
 * memory predictor all read this and nothing else; `families/` maps each checkpoint's own config keys onto it.
 *
 * Shape letters used throughout the engine: T tokens, C hidden size, H heads, D head size, F feed-forward size,
 * V vocabulary, L layers.
 */
export interface GlmConfig {
  /** V: rows of the embedding, padding included. */
  vocabSize: number;
  /** C */
  hiddenSize: number;
  /** F: width of the feed-forward layer after gating (with GeGLU and SwiGLU `dense_h_to_4h` has 2F rows). */
  innerSize: number;
  /** L */
  layers: number;
  /** H; D = C / H unless `headSize` says otherwise. */
  heads: number;
  /** Largest number of tokens in one sequence, Part A and Part B together. */
  maxLength: number;
  /**
   * `rotary-1d`: the position row alone (GLM-130B; ChatGLM2 and later). `rotary-2d`: ChatGLM-6B, the first half of each head is turned by
   * the position, the second half by the block position. `learned-2d`: GLM 2021, two tables added to the embedding.
   */
  positions: 'rotary-1d' | 'rotary-2d' | 'learned-2d';
  /**
   * `deepnorm`: the residual carries alpha times the LayerNorm output (GLM-130B). `pre`: a norm before attention and
   * feed-forward layer (GLM 2021, ChatGLM2). `sandwich`: as `pre`, and a norm on what each of them adds (CogView,
   * GLM-4-0414). `post`: as `deepnorm` with alpha 1, which is BERT's arrangement seen from half a layer further on.
   */
  norm: 'deepnorm' | 'pre' | 'sandwich' | 'post';
  /** DeepNorm alpha, sqrt(2 L) in GLM-130B; ignored by the others. */
  residualAlpha: number;
  /** `geglu`: value * GELU(gate), value first (GLM-130B). `swiglu`: SiLU(gate) * value, gate first (ChatGLM2). */
  activation: 'gelu' | 'gelu-tanh' | 'geglu' | 'swiglu';
  /**
   * Rows of the fused projection: [q k v] of head 0, then of head 1 … (`per-head`), or all Q, all K, all V (`thirds`;
   * with fewer key/value heads than heads the thirds are not equal).
   */
  qkvLayout: 'per-head' | 'thirds';
  tiedEmbedding: boolean;
  layerNormEpsilon: number;
  /** Round the rotary inverse frequencies to float16 before use, as the released 130B and ChatGLM-6B code does. */
  rotaryFloat16: boolean;
  /** Heads of keys and values, a divisor of H: query head h reads head floor(h * keyValueHeads / H). Default H. */
  keyValueHeads?: number;
  /** D, where it is not C / H. */
  headSize?: number;
  /** Leading dimensions of each head that are turned. Default D. */
  rotarySize?: number;
  /** Which dimensions turn together: i and i + half of the turned ones (the default), or 2 i and 2 i + 1. */
  rotaryPairs?: 'halves' | 'neighbours';
  /** Base of the rotary frequencies. Default 10000. */
  rotaryTheta?: number;
  /** `rms-norm` has no bias and takes no mean away; `layerNormEpsilon` is its epsilon too. Default `layer-norm`. */
  normKind?: 'layer-norm' | 'rms-norm';
  /** Which linear layers have a bias: `all` (the default), the fused projection alone, or none. */
  bias?: 'all' | 'qkv' | 'none';
  /** No token sees a later one, in Part A neither: ChatGLM2 and later. Default false. */
  causal?: boolean;
  /** A norm on what is looked up, position tables included, before the first layer (BLOOM, arXiv 2211.05100). */
  embeddingNorm?: boolean;
  /** RMSNorm of each head's queries and keys before they are turned, one gain of D for all heads. Default false. */
  queryKeyNorm?: boolean;
  /** Default: every layer is dense. */
  experts?: Experts;
  /**
   * The last of the `layers`, which then are a decoder (T5, arXiv 1910.10683; BART, arXiv 1910.13461): Part A goes through
   * the others alone, the encoder, and Part B through these alone, whose rows see those before them in Part B and, by
   * cross-attention, what the encoder makes of Part A. Embedding and head are shared. Default: one stack for both parts.
   */
  decoderLayers?: number;
}

/**
 * Routed experts in place of the feed-forward layer (GLM-4.5): each token goes through the `perToken` experts with the
 * largest sigmoid score plus correction bias, weighted by their scores, and through one that all tokens share.
 */
export interface Experts {
  count: number;
  perToken: number;
  /** F of an expert, and of the shared one. */
  innerSize: number;
  sharedSize: number;
  /** Layers before the first with experts. */
  denseLayers: number;
  /** Experts are chosen from the `groupsUsed` groups whose two best add up to most. */
  groups: number;
  groupsUsed: number;
  /** Whether the chosen ones' scores are divided by their sum. */
  normalized: boolean;
  /** What their sum is multiplied by. */
  scale: number;
}

/** Rows of queries, and of keys (as many as of values), in the fused projection. */
export function attentionWidths(config: GlmConfig): { query: number; key: number } {
  const { hiddenSize, heads, keyValueHeads = heads, headSize = hiddenSize / heads } = config;
  return { query: heads * headSize, key: keyValueHeads * headSize };
}

/** Whether a layer is one of an encoder-decoder's decoder. */
export function isDecoder({ layers, decoderLayers = 0 }: GlmConfig, layer: number): boolean {
  return layer >= layers - decoderLayers;
}

export interface GlmTensorShape {
  name: string;
  shape: number[];
}

/**
 * Canonical tensor names (SwissArmyTransformer's, which GLM-130B and the embedded model use; the two further norms of a
 * sandwich are called as in transformers' `glm4`) with their shapes. Of a layer with experts, `mlp.gate` holds the
 * router, `mlp.shared_experts` and `mlp.experts.N` the two projections of each. In a decoder layer
 * `post_attention_layernorm` is the norm before cross-attention and `post_cross_attention_layernorm` the one before the
 * feed-forward layer; the rows of `cross_attention.key_value` are all keys, then all values.
 */
export function tensorShapes(config: GlmConfig): GlmTensorShape[] {
  const { vocabSize: V, hiddenSize: C, activation, bias = 'all', experts } = config;
  const { query, key } = attentionWidths(config);
  const gated = activation === 'geglu' || activation === 'swiglu';
  const norm = (name: string): GlmTensorShape[] =>
    (config.normKind === 'rms-norm' ? ['weight'] : ['weight', 'bias']).map((end) => ({
      name: `${name}.${end}`,
      shape: [C],
    }));
  const linear = (name: string, rows: number, columns: number, biased: boolean): GlmTensorShape[] => [
    { name: `${name}.weight`, shape: [rows, columns] },
    ...(biased ? [{ name: `${name}.bias`, shape: [rows] }] : []),
  ];
  const feedForward = (name: string, F: number): GlmTensorShape[] => [
    ...linear(`${name}.dense_h_to_4h`, gated ? 2 * F : F, C, bias === 'all'),
    ...linear(`${name}.dense_4h_to_h`, C, F, bias === 'all'),
  ];
  const routed = (name: string, { count, innerSize, sharedSize }: Experts): GlmTensorShape[] => [
    { name: `${name}.gate.weight`, shape: [count, C] },
    { name: `${name}.gate.e_score_correction_bias`, shape: [count] },
    ...feedForward(`${name}.shared_experts`, sharedSize),
    ...Array.from({ length: count }, (_, expert) => feedForward(`${name}.experts.${expert}`, innerSize)).flat(),
  ];
  const crossAttention = (at: string): GlmTensorShape[] => [
    ...linear(`${at}.cross_attention.query`, query, C, bias !== 'none'),
    ...linear(`${at}.cross_attention.key_value`, 2 * query, C, bias !== 'none'),
    ...linear(`${at}.cross_attention.dense`, C, query, bias === 'all'),
    ...(config.norm === 'sandwich' ? norm(`${at}.post_cross_attn_layernorm`) : []),
    ...norm(`${at}.post_cross_attention_layernorm`),
  ];
  const headNorms = config.queryKeyNorm ? ['query_layernorm', 'key_layernorm'] : [];
  const shapes: GlmTensorShape[] = [{ name: 'transformer.word_embeddings.weight', shape: [V, C] }];
  if (config.positions === 'learned-2d') {
    shapes.push({ name: 'transformer.position_embeddings.weight', shape: [config.maxLength + 1, C] });
    shapes.push({ name: 'transformer.block_position_embeddings.weight', shape: [config.maxLength + 1, C] });
  }
  if (config.embeddingNorm) shapes.push(...norm('transformer.word_embeddings_layernorm'));
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `transformer.layers.${layer}`;
    shapes.push(
      ...norm(`${at}.input_layernorm`),
      ...linear(`${at}.attention.query_key_value`, query + 2 * key, C, bias !== 'none'),
      ...headNorms.map((name) => ({ name: `${at}.attention.${name}.weight`, shape: [query / config.heads] })),
      ...linear(`${at}.attention.dense`, C, query, bias === 'all'),
      ...(config.norm === 'sandwich' ? norm(`${at}.post_self_attn_layernorm`) : []),
      ...norm(`${at}.post_attention_layernorm`),
      ...(isDecoder(config, layer) ? crossAttention(at) : []),
      ...(experts && layer >= experts.denseLayers
        ? routed(`${at}.mlp`, experts)
        : feedForward(`${at}.mlp`, config.innerSize)),
      ...(config.norm === 'sandwich' ? norm(`${at}.post_mlp_layernorm`) : []),
    );
  }
  if (config.decoderLayers) shapes.push(...norm('transformer.encoder_final_layernorm'));
  shapes.push(...norm('transformer.final_layernorm'));
  if (!config.tiedEmbedding) shapes.push({ name: 'lm_head.weight', shape: [V, C] });
  return shapes;
}

export function parameterCount(config: GlmConfig): number {
  return tensorShapes(config).reduce((sum, t) => sum + t.shape.reduce((a, b) => a * b, 1), 0);
}
