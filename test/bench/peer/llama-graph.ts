/**
 * A causal model of ours as transformers.js runs its own: the inputs and outputs that its exports have (past keys and
 * values go in, all of them come out), with onnxruntime's GroupQueryAttention, which those exports use. Same weights, in
 * float32; RMSNorm, SwiGLU, rotary positions over whole heads, a head of its own, no biases.
 */
import { attentionWidths, type GlmConfig } from '../../../engine/model/config.ts';
import { bytesOf, createGraph, type Graph, MICROSOFT } from '../../../engine/onnx/graph.ts';

/** The names of the free dimensions are those that transformers.js makes its first, empty cache by. G key/value heads of D. */
export function llamaGraph(config: GlmConfig): Graph {
  const graph = createGraph('llama');
  const { vocabSize: V, hiddenSize: C, innerSize: F, heads: H, keyValueHeads: G = H, layers, maxLength } = config;
  const { query, key } = attentionWidths(config);
  const D = query / H;
  const node = graph.node;
  /** A matrix [out, in] of the checkpoint as [in, out]. */
  const linear = (x: string, source: string, out: number, columns: number): string => {
    const bytes = (values: Float32Array) => bytesOf(transposed(values, out, columns));
    return node('MatMul', [x, graph.store({ name: source, type: 'float32', shape: [columns, out], source, bytes })]);
  };
  const vector = (source: string, shape: readonly number[]) =>
    graph.store({ name: source, type: 'float32', shape, source, bytes: bytesOf });
  const norm = (x: string, name: string): string => {
    const squares = node('Pow', [x, graph.scalar(2, 'float32')]);
    const mean = node('ReduceMean', [squares], { axes: [-1], keepdims: 1 });
    const safe = node('Add', [mean, graph.scalar(config.layerNormEpsilon, 'float32')]);
    return node('Mul', [node('Div', [x, node('Sqrt', [safe])]), vector(`${name}.weight`, [C])]);
  };
  const table = (name: string, turn: (angle: number) => number) =>
    graph.store({
      name,
      type: 'float32',
      shape: [maxLength, D / 2],
      bytes: () => bytesOf(angles(maxLength, D / 2, config.rotaryTheta ?? 10_000).map(turn)),
    });

  const ids = graph.input('input_ids', 'int64', ['batch_size', 'sequence_length']);
  const mask = graph.input('attention_mask', 'int64', ['batch_size', 'total_sequence_length']);
  const count = node('ReduceSum', [mask, graph.ints([1])], { keepdims: 0 });
  const last = node('Cast', [node('Sub', [count, graph.ints([1])])], { to: 6 });
  const all = node('Cast', [node('Gather', [node('Shape', [mask]), node('Squeeze', [graph.ints([1])])])], { to: 6 });
  const [cos, sin] = [table('cos', Math.cos), table('sin', Math.sin)];

  let x = node('Gather', [vector('transformer.word_embeddings.weight', [V, C]), ids]);
  for (let layer = 0; layer < layers; layer++) {
    const at = `transformer.layers.${layer}`;
    const past = ['key', 'value'].map((kind) =>
      graph.input(`past_key_values.${layer}.${kind}`, 'float32', ['batch_size', G, 'past_sequence_length', D]),
    ) as [string, string];
    const present = ['key', 'value'].map((kind) => `present.${layer}.${kind}`);
    const projected = linear(
      norm(x, `${at}.input_layernorm`),
      `${at}.attention.query_key_value`.concat('.weight'),
      query + 2 * key,
      C,
    );
    const attended = node(
      'GroupQueryAttention',
      [projected, '', '', ...past, last, all, cos, sin],
      { num_heads: H, kv_num_heads: G, do_rotary: 1 },
      { domain: MICROSOFT, further: present },
    );
    for (const name of present) graph.output(name, 'float32', ['batch_size', G, 'total_sequence_length', D]);
    x = node('Add', [x, linear(attended, `${at}.attention.dense.weight`, C, query)]);
    const up = linear(norm(x, `${at}.post_attention_layernorm`), `${at}.mlp.dense_h_to_4h.weight`, 2 * F, C);
    const [gate, value] = graph.split(up, graph.ints([F, F]), 2, -1) as [string, string];
    const active = node('Mul', [node('Mul', [gate, node('Sigmoid', [gate])]), value]);
    x = node('Add', [x, linear(active, `${at}.mlp.dense_4h_to_h.weight`, C, F)]);
  }
  const logits = linear(norm(x, 'transformer.final_layernorm'), 'lm_head.weight', V, C);
  node('Identity', [logits], {}, { as: 'logits' });
  graph.output('logits', 'float32', ['batch_size', 'sequence_length', V]);
  return graph;
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      turned[column * rows + row] = values[row * columns + column] as number;
  return turned;
}

/** [M, half]: position times frequency, theta^(-i / half). */
function angles(positions: number, half: number, theta: number): Float32Array {
  return Float32Array.from(
    { length: positions * half },
    (_, at) => Math.floor(at / half) * theta ** (-(at % half) / half),
  );
}
