/** A tiny model with random weights as a native runtime, without a file. */
import { type GlmConfig, tensorShapes } from '../../../engine/model/config.ts';
import type { ModelFolder } from '../../../engine/model/load.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { type NativeRuntimeOptions, openNativeRuntime } from '../../../engine/runtime/native.ts';
import type { Runtime } from '../../../engine/runtime/runtime.ts';
import { randomTensors, SMALLEST } from '../native/tiny.ts';

export function folderOf(config: GlmConfig, tensors: ReadonlyMap<string, Float32Array>): ModelFolder {
  const shapes = new Map(tensorShapes(config).map(({ name, shape }) => [name, shape]));
  return {
    path: 'memory',
    family: 'tiny',
    config,
    metadata: {},
    async *tensors() {
      for (const [name, values] of tensors) {
        const data = new Uint8Array(Float32Array.from(values).buffer);
        yield { name, shape: shapes.get(name) ?? [], dtype: 'F32', data };
      }
    },
  };
}

export async function openTiny(config: GlmConfig = SMALLEST, options: NativeRuntimeOptions = {}): Promise<Runtime> {
  const folder = folderOf(config, randomTensors(config, createRandom(3)));
  return openNativeRuntime(folder, { precision: 'float32', threads: 2, ...options });
}
