/**
 * Routed experts (GLM-4.5: transformers, models/glm4_moe) as plain operators: s = sigmoid(W x); those with the largest
 * s + bias are chosen, within the groups whose two best add up to most; each counts with its s, divided by the sum of the
 * chosen ones where the model says so, times a scale.
 */
import type { GlmConfig } from '../model/config.ts';
import type { Graph } from './graph.ts';
import type { Weights } from './weights.ts';

/** A feed-forward layer by its name, its width inside: x [T, C] -> [T, C]. */
type FeedForward = (x: string, name: string, inner: number) => string;
/** The experts of a layer by its name: x [T, C] -> [T, C]. */
export type Routed = (name: string, x: string, feedForward: FeedForward) => string;

/**
 * `sparse`: an expert gets the rows that chose it, and its weights are not read where there are none. Otherwise it gets
 * all rows, and those that did not choose it count it as nothing: the cost grows with the number of experts, but every
 * shape is known before, so that nothing has to leave the device.
 */
export function routing(graph: Graph, weights: Weights, config: GlmConfig, sparse: boolean): Routed {
  const { experts, hiddenSize: C } = config;
  if (!experts) throw new Error('The model has no experts.');
  const { count: E, perToken, innerSize, sharedSize, groups, groupsUsed, normalized, scale } = experts;
  const node = graph.node;
  const half = weights.float === 'float16';
  const wide = (value: string) => (half ? node('Cast', [value], { to: 1 }) : value);
  const narrow = (value: string) => (half ? node('Cast', [value], { to: 10 }) : value);
  const sumOf = (value: string, keepdims: 0 | 1) => node('ReduceSum', [value, graph.ints([-1])], { keepdims });
  const best = (values: string, count: number) =>
    node('TopK', [values, graph.ints([count])], { axis: -1 }, { further: [`${values}.places`] });
  const one = (condition: string) => node('Cast', [condition], { to: 1 });

  /** Which of each row's values [T, width] are among the `count` largest, of equals the first ones: 1, else 0. */
  function largest(width: number, count: number): (values: string) => string {
    // Column i holds ones above its place, so that a product counts what comes before.
    const before = wide(
      weights.table(`experts.before.${width}`, [width, width], () =>
        Float32Array.from({ length: width * width }, (_, at) => (Math.floor(at / width) < at % width ? 1 : 0)),
      ),
    );
    return (values) => {
      const last = node('ReduceMin', [best(values, count)], { axes: [-1], keepdims: 1 });
      const above = one(node('Less', [last, values]));
      const equal = one(node('Equal', [values, last]));
      const left = node('Sub', [graph.scalar(count, 'float32'), sumOf(above, 1)]);
      const first = one(node('Less', [node('MatMul', [equal, before]), left]));
      return node('Add', [above, node('Mul', [equal, first])]);
    };
  }
  const chosenOfAll = largest(E, perToken);
  const chosenGroups = groupsUsed < groups ? largest(groups, groupsUsed) : undefined;

  /** What each expert counts for each row, 0 where it was not chosen: [T, E] in float32. */
  function sharesOf(name: string, x: string): string {
    const router = weights.vector(`${name}.gate.weight`, [E, C]);
    const scores = node('Sigmoid', [wide(node('Gemm', [x, router], { transB: 1 }))]);
    const correction = wide(weights.vector(`${name}.gate.e_score_correction_bias`, [E]));
    let ranks = node('Add', [scores, correction]);
    if (chosenGroups) {
      const size = E / groups;
      const apart = node('Reshape', [ranks, graph.ints([-1, groups, size])]);
      const used = chosenGroups(sumOf(best(apart, Math.min(size, 2)), 0));
      // Zero, as the original fills: an expert of another group comes before one whose rank is below it.
      const kept = node('Mul', [apart, node('Reshape', [used, graph.ints([-1, groups, 1])])]);
      ranks = node('Reshape', [kept, graph.ints([-1, E])]);
    }
    const kept = node('Mul', [scores, chosenOfAll(ranks)]);
    const scaled = node('Mul', [kept, graph.scalar(scale, 'float32')]);
    if (!normalized) return scaled;
    return node('Div', [scaled, node('Add', [sumOf(kept, 1), graph.scalar(1e-20, 'float32')])]);
  }

  return (name, x, feedForward) => {
    // The processor adds up at places in float32 only.
    let sum = wide(feedForward(x, `${name}.shared_experts`, sharedSize));
    const columns = graph.split(sharesOf(name, x), graph.ints(Array<number>(E).fill(1)), E, 1);
    for (const [expert, share] of columns.entries()) {
      const at = `${name}.experts.${expert}`;
      if (!sparse) {
        const given = wide(feedForward(x, at, innerSize));
        sum = node('Add', [sum, node('Mul', [given, share])]);
        continue;
      }
      // The rows that chose this expert, [n, 1].
      const flat = node('Reshape', [share, graph.ints([-1])]);
      const rows = node('Transpose', [node('NonZero', [flat])], { perm: [1, 0] });
      const given = wide(feedForward(node('GatherND', [x, rows]), at, innerSize));
      const counted = node('Mul', [given, node('GatherND', [share, rows])]);
      sum = node('ScatterND', [sum, rows, counted], { reduction: 'add' });
    }
    return narrow(sum);
  };
}
