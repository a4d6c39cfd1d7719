/**
 * Keys and values of one session, beside onnxruntime. `rows`: arrays of this process, which go in without a copy and
 * take the new rows that come out. `resident`: tensors that stay on the device from step to step; nothing here can read
 * them, and a fork shares them, because a step makes new ones.
 */
import { Tensor } from 'onnxruntime-node';
import { attentionWidths, type GlmConfig } from '../../model/config.ts';
import { cacheNames, type GraphForm } from '../../onnx/glm-graph.ts';

export type Tensors = Record<string, Tensor>;

export interface Cache {
  /** The inputs that hold the cache for a step of `count` rows after `held` others. */
  feeds(held: number, count: number): Tensors;
  /** Takes what the step gave out. */
  keep(outputs: Tensors, held: number, count: number): void;
  /** How many columns a step after `held` others sees before its own; the cache's places or none. */
  columns(held: number): number;
  fork(): Cache;
  dispose(): void;
}

export function createCache(config: GlmConfig, form: GraphForm, capacity: number): Cache {
  return form.cache === 'rows' ? rowsCache(config, form, capacity) : residentCache(config, form, capacity);
}

type Floats = Float32Array | Uint16Array;

function dimensions(config: GlmConfig) {
  const { heads, keyValueHeads: G = heads } = config;
  return { G, D: attentionWidths(config).key / G };
}

function tensorOf(values: Floats, shape: readonly number[]): Tensor {
  return values instanceof Float32Array ? new Tensor('float32', values, shape) : new Tensor('float16', values, shape);
}

function floats({ precision }: GraphForm, length: number): Floats {
  return precision === 'float16' ? new Uint16Array(length) : new Float32Array(length);
}

interface Layer {
  /** [G, D, M] and [G, M, D] */
  keys: Floats;
  values: Floats;
}

function rowsCache(config: GlmConfig, form: GraphForm, M: number, from?: readonly Layer[]): Cache {
  const { G, D } = dimensions(config);
  const layers: Layer[] = Array.from({ length: config.layers }, (_, layer) => ({
    keys: from?.[layer]?.keys.slice() ?? floats(form, G * D * M),
    values: from?.[layer]?.values.slice() ?? floats(form, G * M * D),
  }));
  const feedsOf = (places: number): Tensors => {
    const feeds: Tensors = {};
    for (const [layer, { keys, values }] of layers.entries()) {
      const { pastKey, pastValue } = cacheNames(layer);
      const size = G * D * places;
      feeds[pastKey] = tensorOf(keys.subarray(0, size), [G, D, places]);
      feeds[pastValue] = tensorOf(values.subarray(0, size), [G, places, D]);
    }
    return feeds;
  };
  const [empty, full] = [feedsOf(0), feedsOf(M)];
  const columns = (held: number) => (held === 0 ? 0 : M);
  return {
    columns,
    feeds(held, count) {
      const parts = new Tensor('int64', BigInt64Array.of(BigInt(columns(held)), BigInt(count)), [2]);
      return { ...(held === 0 ? empty : full), parts };
    },
    keep(outputs, held, count) {
      for (const [layer, { keys, values }] of layers.entries()) {
        const { newKey, newValue } = cacheNames(layer);
        const ownKeys = outputs[newKey]?.data as Floats;
        for (let row = 0; row < G * D; row++)
          for (let i = 0; i < count; i++) keys[row * M + held + i] = ownKeys[row * count + i] as number;
        const ownValues = outputs[newValue]?.data as Floats;
        for (let head = 0; head < G; head++)
          values.set(ownValues.subarray(head * count * D, (head + 1) * count * D), (head * M + held) * D);
      }
    },
    fork: () => rowsCache(config, form, M, layers),
    dispose() {},
  };
}

function onDevice(tensor: Tensor | undefined): Tensor {
  if (tensor?.location === 'gpu-buffer') return tensor;
  throw new Error(`The cache left the device: it lies in "${tensor?.location}".`);
}

/** A set of tensors on the device, and how many sessions hold it. */
interface Resident {
  tensors: Tensors;
  holders: number;
}

function residentCache(config: GlmConfig, form: GraphForm, M: number, shared?: Resident): Cache {
  const { G, D } = dimensions(config);
  let resident = shared ?? zeros();
  resident.holders++;

  /** The one time that the cache comes from this process: nothing is in it yet. */
  function zeros(): Resident {
    const tensors: Tensors = {};
    for (let layer = 0; layer < config.layers; layer++) {
      const { pastKey, pastValue } = cacheNames(layer);
      for (const name of [pastKey, pastValue]) tensors[name] = tensorOf(floats(form, M * G * D), [M, G, D]);
    }
    return { tensors, holders: 0 };
  }

  function release(): void {
    resident.holders--;
    if (resident.holders > 0) return;
    // Garbage collection does not see memory of the device.
    for (const tensor of Object.values(resident.tensors)) tensor.dispose();
  }

  return {
    columns: () => M,
    feeds(held, count) {
      const places = BigInt64Array.from({ length: count }, (_, row) => BigInt(held + row));
      return { ...resident.tensors, places: new Tensor('int64', places, [count, 1]) };
    },
    keep(outputs) {
      release();
      const tensors: Tensors = {};
      for (let layer = 0; layer < config.layers; layer++) {
        const { pastKey, pastValue, newKey, newValue } = cacheNames(layer);
        tensors[pastKey] = onDevice(outputs[newKey]);
        tensors[pastValue] = onDevice(outputs[newValue]);
      }
      resident = { tensors, holders: 1 };
    },
    fork: () => residentCache(config, form, M, resident),
    dispose: release,
  };
}
