/** How far a precision moves the logits of the shipped model. */
import { floatsOf } from '../../../engine/checkpoint/safetensors.ts';
import type { ModelFolder } from '../../../engine/model/load.ts';
import { quantize } from '../../../engine/onnx/blocks.ts';
import { openNativeRuntime } from '../../../engine/runtime/native.ts';
import type { Runtime } from '../../../engine/runtime/runtime.ts';

/** The model with the values that its matrices have once they are rounded as `precision` rounds them. */
export function rounded(folder: ModelFolder, precision: 'int8' | 'int4'): ModelFolder {
  return {
    ...folder,
    async *tensors() {
      for await (const { dtype, data, ...tensor } of folder.tensors()) {
        const values = floatsOf(data, dtype);
        const bits = precision === 'int8' || tensor.name.includes('embedding') ? 8 : 4;
        const kept = tensor.shape.length === 2 ? dequantized(values, bits) : values;
        yield { ...tensor, dtype: 'F32', data: new Uint8Array(Float32Array.from(kept).buffer) };
      }
    },
  };
}

export function dequantized(values: Float32Array, bits: 4 | 8): Float32Array {
  const { numbers, scales } = quantize(values, bits);
  const numberAt = (i: number) =>
    bits === 8 ? (numbers[i] as number) : ((numbers[i >> 1] as number) >> (4 * (i & 1))) & 15;
  return values.map((_, i) => (numberAt(i) - 2 ** (bits - 1)) * (scales[i >> 5] as number));
}

/** Logits by the native runtime in float32, as `shippedLogits` gives them. */
export async function nativeLogits(folder: ModelFolder): Promise<Float32Array> {
  return shippedLogits(await openNativeRuntime(folder, { precision: 'float32', threads: 1 }));
}

/** Logits of the first token of a blank in a text of 60 arbitrary tokens; frees the runtime. */
export async function shippedLogits(runtime: Runtime): Promise<Float32Array> {
  const ids = (of: (row: number) => number) => Int32Array.from({ length: 60 }, (_, row) => of(row));
  const session = runtime.open(80);
  await session.read({
    tokens: ids((row) => 300 + 7 * row),
    positions: ids((row) => row),
    blockPositions: ids(() => 0),
  });
  const logits = await session.extend({
    tokens: Int32Array.of(4),
    positions: Int32Array.of(30),
    blockPositions: Int32Array.of(1),
  });
  session.dispose();
  runtime.dispose();
  return logits;
}

/** Root mean square of the differences, as a share of the standard deviation of the wanted logits. */
export function noiseOf(found: Float32Array, wanted: Float32Array): number {
  const mean = wanted.reduce((sum, logit) => sum + logit, 0) / wanted.length;
  const spread = wanted.reduce((sum, logit) => sum + (logit - mean) ** 2, 0);
  const error = wanted.reduce((sum, logit, token) => sum + (logit - (found[token] as number)) ** 2, 0);
  return Math.sqrt(error / spread);
}
