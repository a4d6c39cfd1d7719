/** A loaded model of zeros, which takes as long as any other of its shape. */
import { type GlmConfig, tensorShapes } from '../model/config.ts';
import { loadAddon, type NativeModel } from '../native.ts';
import type { TokenRows } from '../runtime/runtime.ts';
import type { NativeForm } from './demand.ts';

export function zeroModel(config: GlmConfig, form: NativeForm): NativeModel {
  const model = new (loadAddon().Model)(config, form);
  const zeros = new Map<number, Float32Array>();
  for (const { name, shape } of tensorShapes(config)) {
    const count = shape.reduce((product, size) => product * size, 1);
    const values = zeros.get(count) ?? new Float32Array(count);
    zeros.set(count, values);
    model.setTensor(name, values);
  }
  model.ready();
  return model;
}

/** Rows `from` to `to` of nothing in particular. */
export function anyRows(from: number, to: number): TokenRows {
  return {
    tokens: new Int32Array(to - from),
    positions: Int32Array.from({ length: to - from }, (_, row) => from + row),
    blockPositions: new Int32Array(to - from),
  };
}
