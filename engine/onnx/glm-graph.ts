/**
 * `GlmConfig` becomes an ONNX graph of one step: T new tokens after those in the cache, whichever part and whichever
 * session they belong to. What each row sees of the columns comes as a bias of its scores, so that Part A sees itself in
 * both directions, Part B what precedes it, and no candidate another (`visible` of the objective).
 */
import { attentionWidths, type GlmConfig } from '../model/config.ts';
import { type Routed, routing } from './experts.ts';
import { createGraph, type Graph } from './graph.ts';
import { rotation } from './rotary.ts';
import { createWeights, type Precision, type Weights } from './weights.ts';

/**
 * `rows`: the cache comes in as it is and only the new rows go out, for providers whose outputs are copied to memory of
 * the processor. `resident`: the whole cache goes in and out, for providers that keep it.
 */
export type CacheKind = 'rows' | 'resident';

export interface GraphForm {
  precision: Precision;
  cache: CacheKind;
}

/** What hides a column from a row: finite, so that no difference of two of them is a NaN; float16 ends at 65504. */
export const HIDDEN = { float32: -1e9, float16: -30000 } as const;

/** Names of a layer's cache in and out; shapes below, G key/value heads, M places of the cache. */
export const cacheNames = (layer: number) => ({
  pastKey: `past_key.${layer}`,
  pastValue: `past_value.${layer}`,
  newKey: `new_key.${layer}`,
  newValue: `new_value.${layer}`,
});

/**
 * Inputs: `tokens`, `positions`, `block_positions` [T]; `bias` [S, columns], 0 where a row sees a column and `HIDDEN`
 * where it does not, S being T, or 1 where no heads share keys and all rows see the same; `logit_rows` [R], the rows whose logits [R, V] are wanted. With `rows`:
 * `parts` [2], M and T; past keys [G, D, M], past values [G, M, D], new keys [G, D, T], new values [G, T, D]; the columns
 * are those of the cache, then the new ones. With `resident`: `places` [T, 1] of the new rows in the cache; keys and
 * values [M, G, D] in and out; the columns are those of the cache.
 */
export function glmGraph(config: GlmConfig, { precision, cache }: GraphForm): Graph {
  if (config.decoderLayers !== undefined) throw new Error('A model with a decoder is computed natively only.');
  const graph = createGraph(`glm_${precision}_${cache}`);
  // Level 4 computes with whole numbers, which MatMulNBits on the processor is made for; others choose for themselves.
  const weights = createWeights(graph, config, precision, cache === 'rows' ? 4 : 0);
  const tokens = graph.input('tokens', 'int32', ['T']);
  const positions = graph.input('positions', 'int32', ['T']);
  const blockPositions = graph.input('block_positions', 'int32', ['T']);
  const { hiddenSize: C, maxLength } = config;

  let x = weights.embed(tokens);
  if (config.positions === 'learned-2d') {
    for (const [table, ids] of [
      ['position_embeddings', positions],
      ['block_position_embeddings', blockPositions],
    ] as const) {
      const embedding = weights.vector(`transformer.${table}.weight`, [maxLength + 1, C]);
      x = graph.node('Add', [x, graph.node('Gather', [embedding, ids])]);
    }
  }

  if (config.embeddingNorm) x = norm(graph, weights, config, 'transformer.word_embeddings_layernorm', x);

  const rotate = rotation(graph, weights, config, positions, blockPositions);
  const attend = attention(graph, weights, config, cache, rotate);
  // How many rows go to an expert is not known before, which keeps what is on the device from staying there.
  const route = config.experts && routing(graph, weights, config, cache === 'rows');
  for (let layer = 0; layer < config.layers; layer++) x = layerOf(graph, weights, config, layer, attend, route, x);

  const rows = graph.node('Gather', [x, graph.input('logit_rows', 'int32', ['R'])]);
  const logits = weights.head(norm(graph, weights, config, 'transformer.final_layernorm', rows));
  const as = 'logits';
  graph.node('Cast', [logits], { to: 1 }, { as });
  graph.output(as, 'float32', ['R', config.vocabSize]);
  return graph;
}

type Attend = (layer: number, normed: string) => string;

function layerOf(
  graph: Graph,
  weights: Weights,
  config: GlmConfig,
  layer: number,
  attend: Attend,
  route: Routed | undefined,
  x: string,
): string {
  const at = `transformer.layers.${layer}`;
  const { hiddenSize: C, innerSize: F, activation, bias = 'all' } = config;
  const gated = activation === 'geglu' || activation === 'swiglu';
  const sandwich = config.norm === 'sandwich';
  // DeepNorm's residual is alpha times what the norm gave, Post-LN's just that, that of the others what came in.
  const add = (residual: string, normed: string, added: string): string => {
    if (config.norm === 'post') return graph.node('Add', [normed, added]);
    if (config.norm !== 'deepnorm') return graph.node('Add', [residual, added]);
    const alpha = graph.scalar(config.residualAlpha, weights.float);
    return graph.node('Add', [graph.node('Mul', [normed, alpha]), added]);
  };

  const attentionIn = norm(graph, weights, config, `${at}.input_layernorm`, x);
  let attended = attend(layer, attentionIn);
  if (sandwich) attended = norm(graph, weights, config, `${at}.post_self_attn_layernorm`, attended);
  const h = add(x, attentionIn, attended);

  const feedIn = norm(graph, weights, config, `${at}.post_attention_layernorm`, h);
  const feedForward = (rows: string, name: string, inner: number): string => {
    const up = weights.linear(rows, `${name}.dense_h_to_4h`, gated ? 2 * inner : inner, C, bias === 'all');
    const active = activate(graph, weights, config, inner, up);
    return weights.linear(active, `${name}.dense_4h_to_h`, C, inner, bias === 'all');
  };
  let fed =
    route && layer >= (config.experts?.denseLayers ?? 0)
      ? route(`${at}.mlp`, feedIn, feedForward)
      : feedForward(feedIn, `${at}.mlp`, F);
  if (sandwich) fed = norm(graph, weights, config, `${at}.post_mlp_layernorm`, fed);
  return add(h, feedIn, fed);
}

/** x [T, C] normed. */
function norm(graph: Graph, weights: Weights, config: GlmConfig, name: string, x: string): string {
  const { hiddenSize: C, layerNormEpsilon } = config;
  if (config.normKind === 'rms-norm') return rmsNorm(graph, weights, config, name, x, C);
  const [gain, shift] = ['weight', 'bias'].map((end) => weights.vector(`${name}.${end}`, [C])) as [string, string];
  return graph.node('LayerNormalization', [x, gain, shift], { axis: -1, epsilon: { float: layerNormEpsilon } });
}

/** x [..., width]; its parts are what onnxruntime puts together into one operator. */
function rmsNorm(graph: Graph, weights: Weights, config: GlmConfig, name: string, x: string, width: number): string {
  const { layerNormEpsilon } = config;
  const gain = weights.vector(`${name}.weight`, [width]);
  const half = weights.float === 'float16';
  // Squares leave the range of float16 early.
  const wide = half ? graph.node('Cast', [x], { to: 1 }) : x;
  const squares = graph.node('Pow', [wide, graph.scalar(2, 'float32')]);
  const mean = graph.node('ReduceMean', [squares], { axes: [-1], keepdims: 1 });
  const safe = graph.node('Add', [mean, graph.scalar(layerNormEpsilon, 'float32')]);
  const scaled = graph.node('Div', [wide, graph.node('Sqrt', [safe])]);
  return graph.node('Mul', [half ? graph.node('Cast', [scaled], { to: 10 }) : scaled, gain]);
}

/** u [T, F], or [T, 2F] of which the halves are multiplied -> [T, F]. */
function activate(graph: Graph, { float }: Weights, { activation }: GlmConfig, F: number, u: string): string {
  const scalar = (value: number) => graph.scalar(value, float);
  const mul = (a: string, b: string) => graph.node('Mul', [a, b]);
  const add = (a: string, b: string) => graph.node('Add', [a, b]);
  const gelu = (x: string) => {
    const erf = graph.node('Erf', [graph.node('Div', [x, scalar(Math.SQRT2)])]);
    return mul(mul(x, add(erf, scalar(1))), scalar(0.5));
  };
  if (activation === 'gelu') return gelu(u);
  if (activation === 'gelu-tanh') {
    // 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
    const cubic = mul(mul(mul(u, u), u), scalar(0.044715));
    const tanh = graph.node('Tanh', [mul(add(u, cubic), scalar(Math.sqrt(2 / Math.PI)))]);
    return mul(mul(u, add(tanh, scalar(1))), scalar(0.5));
  }
  const [first, second] = graph.split(u, graph.ints([F, F]), 2, -1) as [string, string];
  if (activation === 'geglu') return mul(first, gelu(second));
  return mul(mul(first, graph.node('Sigmoid', [first])), second);
}

/** Projection, attention over the cache and the new rows, and output projection: [T, C] -> [T, C]. */
function attention(
  graph: Graph,
  weights: Weights,
  config: GlmConfig,
  cache: CacheKind,
  rotate: (heads: string) => string,
): Attend {
  const { hiddenSize: C, heads: H, keyValueHeads: G = H, bias = 'all' } = config;
  const { query, key } = attentionWidths(config);
  const D = query / H;
  const share = H / G;
  const { float } = weights;
  const parts = cache === 'rows' ? graph.input('parts', 'int64', [2]) : '';
  const places = cache === 'resident' ? graph.input('places', 'int64', ['T', 1]) : '';
  const sight = graph.input('bias', float, ['S', 'columns']);
  const transpose = (x: string, perm: number[], as?: string) =>
    graph.node('Transpose', [x], { perm }, as === undefined ? {} : { as });
  const reshape = (x: string, shape: number[]) => graph.node('Reshape', [x, graph.ints(shape)]);
  const matmul = (a: string, b: string) => graph.node('MatMul', [a, b]);
  // The heads that share keys and values are rows below each other.
  const all = share === 1 ? sight : graph.node('Concat', Array<string>(share).fill(sight), { axis: 0 });
  const softmax = (scores: string) => graph.node('Softmax', [graph.node('Add', [scores, all])], { axis: -1 });

  /** Queries [G, share T, D] over the cache as it was and over the new rows [T, G, D] -> [G, share T, D]. */
  function overRows(layer: number, q: string, k: string, v: string): string {
    const names = cacheNames(layer);
    graph.input(names.pastKey, float, [G, D, 'M']);
    graph.input(names.pastValue, float, [G, 'M', D]);
    const newKey = transpose(k, [1, 2, 0], names.newKey);
    const newValue = transpose(v, [1, 0, 2], names.newValue);
    graph.output(newKey, float, [G, D, 'T']);
    graph.output(newValue, float, [G, 'T', D]);
    const scores = graph.node('Concat', [matmul(q, names.pastKey), matmul(q, newKey)], { axis: -1 });
    const [past, own] = graph.split(softmax(scores), parts, 2, -1) as [string, string];
    return graph.node('Add', [matmul(past, names.pastValue), matmul(own, newValue)]);
  }

  /** The same over the cache after the new rows have been put into it. */
  function overCache(layer: number, q: string, k: string, v: string): string {
    const names = cacheNames(layer);
    const [allKeys, allValues] = (
      [
        [names.pastKey, names.newKey, k],
        [names.pastValue, names.newValue, v],
      ] as const
    ).map(([past, after, rows]) => {
      graph.input(past, float, ['M', G, D]);
      graph.output(after, float, ['M', G, D]);
      return graph.node('ScatterND', [past, places, rows], {}, { as: after });
    }) as [string, string];
    return matmul(softmax(matmul(q, transpose(allKeys, [1, 2, 0]))), transpose(allValues, [1, 0, 2]));
  }

  const heads = (both: string) => graph.split(both, graph.ints([H, G]), 2, 1) as [string, string];

  /** Queries and keys [T, H + G, D], each head normed where the model does so. */
  function headNorms(at: string, both: string): string {
    if (!config.queryKeyNorm) return both;
    const [q, k] = heads(both);
    const normed = [
      rmsNorm(graph, weights, config, `${at}.query_layernorm`, q, D),
      rmsNorm(graph, weights, config, `${at}.key_layernorm`, k, D),
    ];
    return graph.node('Concat', normed, { axis: 1 });
  }

  return (layer, normed) => {
    const at = `transformer.layers.${layer}.attention`;
    const projected = weights.linear(normed, `${at}.query_key_value`, query + 2 * key, C, bias !== 'none');
    const [turning, values] = graph.split(projected, graph.ints([query + key, key]), 2, -1) as [string, string];
    const turned = rotate(headNorms(at, reshape(turning, [-1, H + G, D])));
    const [q, k] = heads(turned);
    const v = reshape(values, [-1, G, D]);
    const grouped =
      share === 1
        ? transpose(q, [1, 0, 2])
        : reshape(transpose(reshape(q, [-1, G, share, D]), [1, 2, 0, 3]), [G, -1, D]);
    const out = (cache === 'rows' ? overRows : overCache)(layer, grouped, k, v);
    const rows = share === 1 ? transpose(out, [1, 0, 2]) : transpose(reshape(out, [G, share, -1, D]), [2, 0, 1, 3]);
    return weights.linear(reshape(rows, [-1, query]), `${at}.dense`, C, query, bias === 'all');
  };
}
