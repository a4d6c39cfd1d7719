/** One small product on a provider, in a process that nobody misses. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { bytesOf, createGraph } from '../../onnx/graph.ts';

/** Throws, or brings the process down, unless the provider computes [1, 2] [3, 4]^T = 11 by itself. */
export async function tryProvider(provider: string): Promise<void> {
  const graph = createGraph('trial');
  const product = graph.node('MatMul', [graph.input('a', 'float32', [1, 2]), graph.input('b', 'float32', [2, 1])]);
  graph.node('Add', [product, graph.scalar(0, 'float32')], {}, { as: 'c' });
  graph.output('c', 'float32', [1, 1]);
  const session = await InferenceSession.create(bytesOf(graph.finish('')), {
    executionProviders: [provider],
    ...(provider === 'cpu' ? {} : { extra: { session: { disable_cpu_ep_fallback: '1' } } }),
  });
  const { c } = await session.run({
    a: new Tensor('float32', Float32Array.of(1, 2), [1, 2]),
    b: new Tensor('float32', Float32Array.of(3, 4), [2, 1]),
  });
  const found = c?.data[0];
  if (found !== 11) throw new Error(`The provider ${provider} computed ${found} instead of 11.`);
}
