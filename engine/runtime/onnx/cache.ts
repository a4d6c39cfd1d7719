/**
 * Keys and values of a session and its forks, beside onnxruntime. `rows`: arrays of this process, which go in without a
 * copy and take the new rows that come out. `resident`: tensors that stay on the device from step to step; nothing here
 * can read them, and a step makes new ones. Which row lies at which place is the business of `places.ts`.
 */
import { Tensor } from 'onnxruntime-node';
import { attentionWidths, type GlmConfig } from '../../model/config.ts';
import { cacheNames, type GraphForm } from '../../onnx/glm-graph.ts';

export type Tensors = Record<string, Tensor>;
export type Floats = Float32Array | Uint16Array;

/** M places, each with the keys and values of a row. */
export interface Cache {
  /** The inputs that hold the cache for a step whose rows go to `places`; `unread`: none of its rows sees others. */
  feeds(places: readonly number[], unread: boolean): Tensors;
  /** How many columns a step sees that are the cache's; with `rows` those of its own rows follow. */
  columns(unread: boolean): number;
  /** Takes what the step gave out. */
  keep(outputs: Tensors, places: readonly number[]): void;
  /** Adds places; false where the cache cannot grow. */
  grow(more: number): boolean;
  /** Another cache with the same content. */
  fork(): Cache;
  dispose(): void;
}

export function createCache(config: GlmConfig, form: GraphForm, places: number): Cache {
  return form.cache === 'rows' ? rowsCache(config, form, places) : residentCache(config, form, places);
}

function dimensions(config: GlmConfig) {
  const { heads, keyValueHeads: G = heads } = config;
  return { G, D: attentionWidths(config).key / G };
}

export function tensorOf(values: Floats, shape: readonly number[]): Tensor {
  return values instanceof Float32Array ? new Tensor('float32', values, shape) : new Tensor('float16', values, shape);
}

export function floats({ precision }: GraphForm, length: number): Floats {
  return precision === 'float16' ? new Uint16Array(length) : new Float32Array(length);
}

interface Layer {
  /** [G, D, M] and [G, M, D] */
  keys: Floats;
  values: Floats;
}

/** Rows of a step that go to places beside each other. */
interface Run {
  row: number;
  place: number;
  length: number;
}

function runsOf(places: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (const [row, place] of places.entries()) {
    const last = runs.at(-1);
    if (last && place === last.place + last.length) last.length++;
    else runs.push({ row, place, length: 1 });
  }
  return runs;
}

function rowsCache(config: GlmConfig, form: GraphForm, places: number, from?: readonly Layer[]): Cache {
  const { G, D } = dimensions(config);
  let M = places;
  let layers: Layer[] = Array.from({ length: config.layers }, (_, layer) => ({
    keys: from?.[layer]?.keys.slice() ?? floats(form, G * D * M),
    values: from?.[layer]?.values.slice() ?? floats(form, G * M * D),
  }));
  const feedsOf = (seen: number): Tensors => {
    const feeds: Tensors = {};
    for (const [layer, { keys, values }] of layers.entries()) {
      const { pastKey, pastValue } = cacheNames(layer);
      const size = G * D * seen;
      feeds[pastKey] = tensorOf(keys.subarray(0, size), [G, D, seen]);
      feeds[pastValue] = tensorOf(values.subarray(0, size), [G, seen, D]);
    }
    return feeds;
  };
  const empty = feedsOf(0);
  let full = feedsOf(M);
  const columns = (unread: boolean) => (unread ? 0 : M);
  return {
    columns,
    feeds({ length }, unread) {
      const parts = new Tensor('int64', BigInt64Array.of(BigInt(columns(unread)), BigInt(length)), [2]);
      return { ...(unread ? empty : full), parts };
    },
    keep(outputs, own) {
      const runs = runsOf(own);
      const T = own.length;
      for (const [layer, { keys, values }] of layers.entries()) {
        const { newKey, newValue } = cacheNames(layer);
        const [ownKeys, ownValues] = [outputs[newKey]?.data as Floats, outputs[newValue]?.data as Floats];
        for (const { row, place, length } of runs) {
          for (let at = 0; at < G * D; at++)
            for (let i = 0; i < length; i++) keys[at * M + place + i] = ownKeys[at * T + row + i] as number;
          for (let head = 0; head < G; head++) {
            const start = (head * T + row) * D;
            values.set(ownValues.subarray(start, start + length * D), (head * M + place) * D);
          }
        }
      }
    },
    grow(more) {
      const grown = M + more;
      /** Rows of `before` numbers each, at the starts of rows of `after`. */
      const spread = (values: Floats, rows: number, before: number, after: number): Floats => {
        const wider = floats(form, rows * after);
        for (let row = 0; row < rows; row++)
          wider.set(values.subarray(row * before, (row + 1) * before) as Uint16Array, row * after);
        return wider;
      };
      layers = layers.map(({ keys, values }) => ({
        keys: spread(keys, G * D, M, grown),
        values: spread(values, G, M * D, grown * D),
      }));
      M = grown;
      full = feedsOf(M);
      return true;
    },
    fork: () => rowsCache(config, form, M, layers),
    dispose() {},
  };
}

function onDevice(tensor: Tensor | undefined): Tensor {
  if (tensor?.location === 'gpu-buffer') return tensor;
  throw new Error(`The cache left the device: it lies in "${tensor?.location}".`);
}

/** A set of tensors on the device, and how many caches hold it. */
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
    feeds(places) {
      const own = new Tensor('int64', BigInt64Array.from(places, BigInt), [places.length, 1]);
      return { ...resident.tensors, places: own };
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
    grow: () => false,
    fork: () => residentCache(config, form, M, resident),
    dispose: release,
  };
}
