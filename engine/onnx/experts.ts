/**
 * Routed experts (GLM-4.5: transformers, models/glm4_moe) as plain operators: s = sigmoid(W x); those with the largest
 * s + bias are chosen, within the groups whose two best add up to most; each counts with its s, divided by the sum of the
 * chosen ones where the model says so, times a scale.
 */
import type { Experts, GlmConfig } from '../model/config.ts';
import type { Graph } from './graph.ts';
import type { Weights } from './weights.ts';

/** A feed-forward layer by its name, its width inside: x [T, C] -> [T, C]. */
type FeedForward = (x: string, name: string, inner: number) => string;

/**
 * x [T, C] -> [T, C]. `sparse`: an expert gets the rows that chose it, and its weights are not read where there are none;
 * otherwise it gets all rows and those that did not choose it count it as nothing, whose cost grows with the experts.
 */
export function routed(
  graph: Graph,
  weights: Weights,
  config: GlmConfig,
  experts: Experts,
  name: string,
  x: string,
  sparse: boolean,
  feedForward: FeedForward,
): string {
  const shares = sharesOf(graph, weights, config, experts, name, x);
  let sum = feedForward(x, `${name}.shared_experts`, experts.sharedSize);
  const columns = graph.split(shares, graph.ints(Array<number>(experts.count).fill(1)), experts.count, 1);
  for (const [expert, own] of columns.entries()) {
    const at = `${name}.experts.${expert}`;
    if (!sparse) {
      const share = inFloat(graph, weights, own);
      sum = graph.node('Add', [sum, graph.node('Mul', [feedForward(x, at, experts.innerSize), share])]);
      continue;
    }
    // [1, n] of a flat column -> [n, 1], the rows that chose this expert.
    const flat = graph.node('Reshape', [own, graph.ints([-1])]);
    const rows = graph.node('Transpose', [graph.node('NonZero', [flat])], { perm: [1, 0] });
    const picked = graph.node('GatherND', [x, rows]);
    const share = inFloat(graph, weights, graph.node('GatherND', [own, rows]));
    const given = graph.node('Mul', [feedForward(picked, at, experts.innerSize), share]);
    sum = graph.node('ScatterND', [sum, rows, given], { reduction: 'add' });
  }
  return sum;
}

/** What each expert counts for each row, 0 where it was not chosen: [T, E] in float32. */
function sharesOf(
  graph: Graph,
  weights: Weights,
  { hiddenSize: C }: GlmConfig,
  { count: E, perToken, groups, groupsUsed, normalized, scale }: Experts,
  name: string,
  x: string,
): string {
  const wide = (value: string) => (weights.float === 'float16' ? graph.node('Cast', [value], { to: 1 }) : value);
  const router = weights.vector(`${name}.gate.weight`, [E, C]);
  const scores = graph.node('Sigmoid', [wide(graph.node('Gemm', [x, router], { transB: 1 }))]);
  const correction = wide(weights.vector(`${name}.gate.e_score_correction_bias`, [E]));
  let ranks = graph.node('Add', [scores, correction]);
  if (groupsUsed < groups) {
    const size = E / groups;
    const apart = graph.node('Reshape', [ranks, graph.ints([-1, groups, size])]);
    const [best] = top(graph, apart, Math.min(size, 2), -1);
    const sums = graph.node('ReduceSum', [best, graph.ints([-1])], { keepdims: 0 });
    const used = graph.node('Reshape', [chosen(graph, sums, groups, groupsUsed), graph.ints([-1, groups, 1])]);
    // Zero, as the original fills: an expert of another group comes before one whose rank is below it.
    ranks = graph.node('Reshape', [graph.node('Mul', [apart, used]), graph.ints([-1, E])]);
  }
  const kept = graph.node('Mul', [scores, chosen(graph, ranks, E, perToken)]);
  const scaled = graph.node('Mul', [kept, graph.scalar(scale, 'float32')]);
  if (!normalized) return scaled;
  const sum = graph.node('ReduceSum', [kept, graph.ints([-1])], { keepdims: 1 });
  return graph.node('Div', [scaled, graph.node('Add', [sum, graph.scalar(1e-20, 'float32')])]);
}

function top(graph: Graph, values: string, count: number, axis: number): [values: string, indices: string] {
  const indices = `${values}.top`;
  const best = graph.node('TopK', [values, graph.ints([count])], { axis }, { further: [indices] });
  return [best, indices];
}

/** 1 at the places of the `count` largest of each row of `values` [T, width], else 0. */
function chosen(graph: Graph, values: string, width: number, count: number): string {
  const [, indices] = top(graph, values, count, -1);
  const places = graph.node('Cast', [indices], { to: 6 });
  const apart = graph.node('Reshape', [places, graph.ints([-1, count, 1])]);
  const all = graph.node('Cast', [graph.ints(Array.from({ length: width }, (_, place) => place))], { to: 6 });
  const same = graph.node('Cast', [graph.node('Equal', [apart, all])], { to: 1 });
  return graph.node('ReduceSum', [same, graph.ints([1])], { keepdims: 0 });
}

const inFloat = (graph: Graph, { float }: Weights, value: string): string =>
  float === 'float16' ? graph.node('Cast', [value], { to: 10 }) : value;
