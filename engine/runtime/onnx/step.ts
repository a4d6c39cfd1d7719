/** A graph loaded into onnxruntime, and one step of a session on it. Computes on the thread that calls it. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { cacheNames } from '../../onnx/glm-graph.ts';
import { type Cache, createCache, type Tensors } from './cache.ts';
import type { Hosted, StepRequest } from './messages.ts';

/** No row's limit reaches so far: a column of the cache that holds nothing yet. */
const NEVER = 2 ** 31 - 1;

export interface StepModel {
  /** Logits [R, V] of the rows asked for. */
  step(request: StepRequest): Promise<Float32Array>;
  fork(session: number, copy: number): void;
  close(session: number): void;
  /** Frees the weights and all caches. */
  unload(): Promise<void>;
}

export async function loadStepModel({ graph, config, form, provider, threads }: Hosted): Promise<StepModel> {
  const resident = form.cache === 'resident';
  const session = await InferenceSession.create(graph, {
    executionProviders: [provider],
    intraOpNumThreads: threads,
    graphOptimizationLevel: 'all',
    ...(resident ? { preferredOutputLocation: outputLocations(config.layers) } : {}),
    extra: {
      session: {
        // Threads wait actively during a step, where that pays, and sleep between steps.
        force_spinning_stop: '1',
        // Nodes that fell back to the processor would carry the cache there and back without a word.
        ...(resident ? { disable_cpu_ep_fallback: '1' } : {}),
      },
    },
  });
  const caches = new Map<number, Cache>();
  return {
    async step(request) {
      const { held, capacity, logitRows } = request;
      const count = request.rows.tokens.length;
      const cache = caches.get(request.session) ?? createCache(config, form, capacity);
      caches.set(request.session, cache);
      const feeds = {
        ...cache.feeds(held, count),
        ...rowFeeds(request),
        ...sight(request, cache.columns(held), resident),
      };
      feeds.logit_rows = new Tensor('int32', logitRows, [logitRows.length]);
      const outputs = (await session.run(feeds)) as Tensors;
      cache.keep(outputs, held, count);
      return outputs.logits?.data as Float32Array;
    },
    fork(from, copy) {
      const cache = caches.get(from);
      if (cache) caches.set(copy, cache.fork());
    },
    close(own) {
      caches.get(own)?.dispose();
      caches.delete(own);
    },
    async unload() {
      for (const cache of caches.values()) cache.dispose();
      caches.clear();
      await session.release();
    },
  };
}

function outputLocations(layers: number): Record<string, 'cpu' | 'gpu-buffer'> {
  const locations: Record<string, 'cpu' | 'gpu-buffer'> = { logits: 'cpu' };
  for (let layer = 0; layer < layers; layer++) {
    const { newKey, newValue } = cacheNames(layer);
    locations[newKey] = 'gpu-buffer';
    locations[newValue] = 'gpu-buffer';
  }
  return locations;
}

function rowFeeds({ rows: { tokens, positions, blockPositions } }: StepRequest): Tensors {
  const ids = (values: Int32Array) => new Tensor('int32', values, [values.length]);
  return { tokens: ids(tokens), positions: ids(positions), block_positions: ids(blockPositions) };
}

/** Which columns each row sees, as the graph's two inputs. */
function sight({ rows, held, sep }: StepRequest, cached: number, resident: boolean): Tensors {
  const count = rows.tokens.length;
  const limits = Int32Array.from({ length: count }, (_, row) => Math.max(sep, held + row + 1));
  const columns = new Int32Array(resident ? cached : cached + count);
  for (let column = 0; column < cached; column++) columns[column] = resident || column < held ? column : NEVER;
  if (!resident) for (let row = 0; row < count; row++) columns[cached + row] = held + row;
  return {
    limits: new Tensor('int32', limits, [count, 1]),
    columns: new Tensor('int32', columns, [1, columns.length]),
  };
}
