/**
 * Rotary positions in one form for every family: a head x becomes x * cos + (x S) * sin, where S [D, D] swaps the
 * dimensions that turn together with their signs, and cos and sin are 1 and 0 for dimensions that do not turn.
 */
import { float16ToFloat32, float32ToFloat16 } from '../checkpoint/float-formats.ts';
import type { GlmConfig } from '../model/config.ts';
import type { Graph } from './graph.ts';
import type { Weights } from './weights.ts';

/** Positions beyond the model's length that the original code can give: an end of text after the last place. */
const BEYOND = 2;

/** Turns heads [T, heads, D] by their rows' positions; what all layers share is made here. */
export function rotation(
  graph: Graph,
  weights: Weights,
  config: GlmConfig,
  positions: string,
  blockPositions: string,
): (heads: string) => string {
  if (config.positions === 'learned-2d') return (heads) => heads;
  const D = config.headSize ?? config.hiddenSize / config.heads;
  const turned = config.rotarySize ?? D;
  const parts = config.positions === 'rotary-2d' ? 2 : 1;
  const span = turned / parts;
  const length = config.maxLength + BEYOND;
  const [cosTable, sinTable] = [Math.cos, Math.sin].map((of, index) =>
    weights.table(`rotary.${index === 0 ? 'cos' : 'sin'}`, [length, 1, span], () => table(config, span, length, of)),
  ) as [string, string];
  const angles = (name: string) => {
    const own = graph.node('Gather', [name, positions]);
    const both = parts === 2 ? [own, graph.node('Gather', [name, blockPositions])] : [own];
    if (turned < D) {
      const still = weights.table(`${name}.still`, [length, 1, D - turned], () =>
        new Float32Array(length * (D - turned)).fill(name === cosTable ? 1 : 0),
      );
      both.push(graph.node('Gather', [still, positions]));
    }
    return both.length === 1 ? own : graph.node('Concat', both, { axis: -1 });
  };
  const cos = angles(cosTable);
  const sin = angles(sinTable);
  const swap = weights.table('rotary.swap', [D, D], () => swapMatrix(config, D, span, parts));
  return (heads) => {
    const along = graph.node('Mul', [heads, cos]);
    const across = graph.node('Mul', [graph.node('MatMul', [heads, swap]), sin]);
    return graph.node('Add', [along, across]);
  };
}

/** [length, span]: of the angle p * theta^(-2 j / span) of both dimensions of pair j at position p. */
function table(config: GlmConfig, span: number, length: number, of: (angle: number) => number): Float32Array {
  const half = span / 2;
  const place = pairPlaces(config, half);
  const out = new Float32Array(length * span);
  for (let j = 0; j < half; j++) {
    const exact = Math.fround(1 / (config.rotaryTheta ?? 10000) ** ((2 * j) / span));
    const frequency = config.rotaryFloat16
      ? (float16ToFloat32(float32ToFloat16(Float32Array.of(exact)))[0] as number)
      : exact;
    for (let p = 0; p < length; p++) {
      const value = of(Math.fround(p * frequency));
      for (const dimension of place(j)) out[p * span + dimension] = value;
    }
  }
  return out;
}

/** (x S)_a = -x_b and (x S)_b = x_a for every pair a, b of dimensions. */
function swapMatrix(config: GlmConfig, D: number, span: number, parts: number): Float32Array {
  const place = pairPlaces(config, span / 2);
  const out = new Float32Array(D * D);
  for (let part = 0; part < parts; part++) {
    for (let j = 0; j < span / 2; j++) {
      const [a, b] = place(j).map((dimension) => part * span + dimension) as [number, number];
      out[b * D + a] = -1;
      out[a * D + b] = 1;
    }
  }
  return out;
}

function pairPlaces({ rotaryPairs = 'halves' }: GlmConfig, half: number): (pair: number) => [number, number] {
  return rotaryPairs === 'halves' ? (j) => [j, j + half] : (j) => [2 * j, 2 * j + 1];
}
