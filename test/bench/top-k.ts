/**
 * Milliseconds of a head's step on onnxruntime's processor provider whose logits all come out, and of one that gives only
 * the 64 largest with their places. What a step could save by choosing on the device is the difference.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { bytesOf, createGraph } from '../../engine/onnx/graph.ts';
import type { Row } from './main.ts';
import { interleaved } from './spread.ts';

/** Small, so that the product leaves the ways of giving out its result to be seen. */
const WIDTH = 8;
const KEPT = 64;
const VOCABULARIES = [16_384, 65_024, 151_552];
const STEPS = 50;
const ROUNDS = 15;

export async function benchTopK(): Promise<Row[]> {
  const alternatives = [];
  for (const vocabulary of VOCABULARIES) {
    for (const kept of [undefined, KEPT]) {
      const session = await headSession(vocabulary, kept);
      const x = new Tensor('float32', Float32Array.from({ length: WIDTH }, Math.random), [1, WIDTH]);
      const head = Float32Array.from({ length: WIDTH * vocabulary }, Math.random);
      const feeds = { x, head: new Tensor('float32', head, [WIDTH, vocabulary]) };
      alternatives.push({
        what: `${vocabulary} logits, ${kept === undefined ? 'all of them' : `the ${kept} largest`}`,
        unit: 'ms',
        async measure() {
          const start = performance.now();
          for (let step = 0; step < STEPS; step++) await session.run(feeds);
          return (performance.now() - start) / STEPS;
        },
      });
    }
  }
  return interleaved(alternatives, ROUNDS);
}

function headSession(vocabulary: number, kept: number | undefined): Promise<InferenceSession> {
  const graph = createGraph('head');
  const product = ['x', 'head'].map((name, i) =>
    graph.input(name, 'float32', i === 0 ? [1, WIDTH] : [WIDTH, vocabulary]),
  );
  if (kept === undefined) {
    graph.node('MatMul', product, {}, { as: 'logits' });
    graph.output('logits', 'float32', [1, vocabulary]);
  } else {
    const inputs = [graph.node('MatMul', product), graph.ints([kept])];
    graph.node('TopK', inputs, { axis: -1 }, { as: 'logits', further: ['tokens'] });
    graph.output('logits', 'float32', [1, kept]);
    graph.output('tokens', 'int64', [1, kept]);
  }
  return InferenceSession.create(bytesOf(graph.finish('')), { executionProviders: ['cpu'], intraOpNumThreads: 1 });
}
