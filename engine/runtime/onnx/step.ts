/** A graph loaded into onnxruntime, and one step of sessions on it. Computes on the thread that calls it. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { float32ToFloat16 } from '../../checkpoint/float-formats.ts';
import type { GlmConfig } from '../../model/config.ts';
import { cacheNames, type GraphForm, HIDDEN } from '../../onnx/glm-graph.ts';
import { floats, type Tensors, tensorOf } from './cache.ts';
import { createSessions, type Placed } from './held.ts';
import type { Hosted, StepRequest } from './messages.ts';

export interface StepModel {
  /** Logits of the rows asked for, [R, V], in the order of the parts. */
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
  const sessions = createSessions(config, form);

  /** Sessions that share a cache, in one run. */
  async function run(placed: readonly [Placed, ...Placed[]]): Promise<Float32Array> {
    const [{ shared }] = placed;
    const fresh = placed.flatMap((each) => each.fresh);
    const unread = placed.every(({ part }) => part.held === 0);
    const outputs = (await session.run({
      ...shared.cache.feeds(fresh, unread),
      ...rowFeeds(placed),
      bias: sight(placed, shared.cache.columns(unread), form, config),
    })) as Tensors;
    shared.cache.keep(outputs, fresh);
    for (const each of placed) sessions.keep(each);
    return outputs.logits?.data as Float32Array;
  }

  async function step({ parts }: StepRequest): Promise<Float32Array> {
    const waiting: Placed[] = [];
    try {
      for (const part of parts) waiting.push(sessions.place(part));
      const found = new Map<Placed, Float32Array>();
      while (waiting.length > 0) {
        const [first] = waiting as [Placed];
        const group = waiting.filter(({ shared }) => shared === first.shared) as [Placed, ...Placed[]];
        const logits = await run(group);
        let row = 0;
        for (const each of group) {
          waiting.splice(waiting.indexOf(each), 1);
          const count = each.part.logitRows.length;
          if (group.length === 1 && parts.length === 1) return logits;
          found.set(each, logits.subarray(row * config.vocabSize, (row + count) * config.vocabSize));
          row += count;
        }
      }
      return joined(parts.map(({ session: own }) => [...found].find(([{ part }]) => part.session === own)?.[1]));
    } catch (error) {
      for (const each of waiting) sessions.drop(each);
      throw error;
    }
  }

  return {
    step,
    fork: (from, copy) => sessions.fork(from, copy),
    close: (own) => sessions.close(own),
    async unload() {
      sessions.closeAll();
      await session.release();
    },
  };
}

function joined(pieces: readonly (Float32Array | undefined)[]): Float32Array {
  const all = new Float32Array(pieces.reduce((sum, piece) => sum + (piece?.length ?? 0), 0));
  let at = 0;
  for (const piece of pieces) {
    if (!piece) continue;
    all.set(piece, at);
    at += piece.length;
  }
  return all;
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

/** Tokens and positions of all parts below each other, and which of these rows' logits are wanted. */
function rowFeeds(placed: readonly Placed[]): Tensors {
  const ids = (values: number[]) => new Tensor('int32', Int32Array.from(values), [values.length]);
  const parts = placed.map(({ part }) => part);
  let before = 0;
  const wanted = parts.flatMap(({ rows, logitRows }) => {
    const own = Array.from(logitRows, (row) => before + row);
    before += rows.tokens.length;
    return own;
  });
  return {
    tokens: ids(parts.flatMap(({ rows }) => [...rows.tokens])),
    positions: ids(parts.flatMap(({ rows }) => [...rows.positions])),
    block_positions: ids(parts.flatMap(({ rows }) => [...rows.blockPositions])),
    logit_rows: ids(wanted),
  };
}

/** Which columns each row sees: [T, columns], or [1, columns] where all see the same and no heads share keys. */
function sight(
  placed: readonly [Placed, ...Placed[]],
  cached: number,
  form: GraphForm,
  { heads, keyValueHeads = heads }: GlmConfig,
): Tensor {
  const resident = form.cache === 'resident';
  const T = placed.reduce((sum, { fresh }) => sum + fresh.length, 0);
  const width = resident ? cached : cached + T;
  const alone = placed.length === 1 && keyValueHeads === heads;
  const alike = T === 1 || (alone && placed[0].part.sep >= placed[0].rows.length);
  const bias = floats(form, (alike ? 1 : T) * width).fill(hidden(form));
  let row = 0;
  for (const { part, rows } of placed) {
    const begin = row;
    const columnOf = (at: number) =>
      resident || at < part.held ? (rows[at] as number) : cached + begin + (at - part.held);
    for (let own = 0; own < (alike ? 1 : rows.length - part.held); own++, row++) {
      const limit = Math.max(part.sep, part.held + own + 1);
      for (let at = 0; at < limit; at++) bias[row * width + columnOf(at)] = 0;
    }
  }
  return tensorOf(bias, [alike ? 1 : T, width]);
}

const hidden = ({ precision }: GraphForm): number =>
  precision === 'float16' ? (float32ToFloat16(Float32Array.of(HIDDEN.float16))[0] as number) : HIDDEN.float32;
