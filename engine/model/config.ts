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
  /** F: width of the feed-forward layer after gating (GeGLU's `dense_h_to_4h` has 2F rows). */
  innerSize: number;
  /** L */
  layers: number;
  /** H; D = C / H. */
  heads: number;
  /** Largest number of tokens in one sequence, Part A and Part B together. */
  maxLength: number;
  /**
   * `rotary-1d`: GLM-130B, the position row alone. `rotary-2d`: ChatGLM-6B, the first half of each head is turned by
   * the position, the second half by the block position. `learned-2d`: GLM 2021, two tables added to the embedding.
   */
  positions: 'rotary-1d' | 'rotary-2d' | 'learned-2d';
  /** `deepnorm`: the residual carries alpha times the LayerNorm output (GLM-130B). `pre`: pre-LayerNorm (GLM 2021). */
  norm: 'deepnorm' | 'pre';
  /** DeepNorm alpha, sqrt(2 L) in GLM-130B; ignored by `pre`. */
  residualAlpha: number;
  /** `geglu`: value * GELU(gate), value first (GLM-130B). */
  activation: 'gelu' | 'gelu-tanh' | 'geglu';
  /** Rows of the fused projection: [q k v] of head 0, then of head 1 … (`per-head`), or all Q, all K, all V (`thirds`). */
  qkvLayout: 'per-head' | 'thirds';
  tiedEmbedding: boolean;
  layerNormEpsilon: number;
  /** Round the rotary inverse frequencies to float16 before use, as the released 130B and ChatGLM-6B code does. */
  rotaryFloat16: boolean;
}

export interface GlmTensorShape {
  name: string;
  shape: number[];
}

/** Canonical tensor names (SwissArmyTransformer's, which GLM-130B and the embedded model use) with their shapes. */
export function tensorShapes(config: GlmConfig): GlmTensorShape[] {
  const { vocabSize: V, hiddenSize: C, innerSize: F } = config;
  const up = config.activation === 'geglu' ? 2 * F : F;
  const shapes: GlmTensorShape[] = [{ name: 'transformer.word_embeddings.weight', shape: [V, C] }];
  if (config.positions === 'learned-2d') {
    shapes.push({ name: 'transformer.position_embeddings.weight', shape: [config.maxLength + 1, C] });
    shapes.push({ name: 'transformer.block_position_embeddings.weight', shape: [config.maxLength + 1, C] });
  }
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `transformer.layers.${layer}`;
    shapes.push(
      { name: `${at}.input_layernorm.weight`, shape: [C] },
      { name: `${at}.input_layernorm.bias`, shape: [C] },
      { name: `${at}.attention.query_key_value.weight`, shape: [3 * C, C] },
      { name: `${at}.attention.query_key_value.bias`, shape: [3 * C] },
      { name: `${at}.attention.dense.weight`, shape: [C, C] },
      { name: `${at}.attention.dense.bias`, shape: [C] },
      { name: `${at}.post_attention_layernorm.weight`, shape: [C] },
      { name: `${at}.post_attention_layernorm.bias`, shape: [C] },
      { name: `${at}.mlp.dense_h_to_4h.weight`, shape: [up, C] },
      { name: `${at}.mlp.dense_h_to_4h.bias`, shape: [up] },
      { name: `${at}.mlp.dense_4h_to_h.weight`, shape: [C, F] },
      { name: `${at}.mlp.dense_4h_to_h.bias`, shape: [C] },
    );
  }
  shapes.push(
    { name: 'transformer.final_layernorm.weight', shape: [C] },
    { name: 'transformer.final_layernorm.bias', shape: [C] },
  );
  if (!config.tiedEmbedding) shapes.push({ name: 'lm_head.weight', shape: [V, C] });
  return shapes;
}

export function parameterCount(config: GlmConfig): number {
  return tensorShapes(config).reduce((sum, t) => sum + t.shape.reduce((a, b) => a * b, 1), 0);
}
