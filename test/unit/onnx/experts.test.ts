/** Routed experts through onnxruntime beyond the recorded cases, held against the native runtime. */
import { describe, expect, it } from 'vitest';
import type { Experts, GlmConfig } from '../../../engine/model/config.ts';
import type { ModelFolder } from '../../../engine/model/load.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import type { Precision } from '../../../engine/onnx/weights.ts';
import { openNativeRuntime } from '../../../engine/runtime/native.ts';
import type { Runtime, TokenRows } from '../../../engine/runtime/runtime.ts';
import { sliceRows } from '../../../engine/verification/cases.ts';
import { randomSample, randomTensors, SMALLEST } from '../native/tiny.ts';
import { folderOf } from '../runtime/tiny-runtime.ts';
import { openOnnx } from './host.ts';
import { noiseOf, rounded } from './noise.ts';

const EXPERTS: Experts = {
  count: 8,
  perToken: 2,
  innerSize: 32,
  sharedSize: 64,
  denseLayers: 1,
  groups: 1,
  groupsUsed: 1,
  normalized: true,
  scale: 2.5,
};
const BASE: GlmConfig = {
  ...SMALLEST,
  hiddenSize: 64,
  innerSize: 96,
  heads: 4,
  keyValueHeads: 2,
  layers: 3,
  positions: 'rotary-1d',
  norm: 'pre',
  normKind: 'rms-norm',
  activation: 'swiglu',
  qkvLayout: 'thirds',
  bias: 'none',
  tiedEmbedding: false,
  queryKeyNorm: true,
  causal: true,
  experts: EXPERTS,
};
const rows = randomSample(BASE, createRandom(4), 12, 0);
const model = (experts: Partial<Experts> = {}): ModelFolder => {
  const config = { ...BASE, experts: { ...EXPERTS, ...experts } };
  return folderOf(config, randomTensors(config, createRandom(3)));
};

async function logitsOf(opened: Promise<Runtime>, fed: TokenRows = rows): Promise<Float32Array> {
  const runtime = await opened;
  const logits = await runtime.open(20).extend(fed, { logits: 'all' });
  runtime.dispose();
  return logits;
}
const natively = (folder: ModelFolder) =>
  logitsOf(openNativeRuntime(folder, { precision: 'float32', threads: 1, level: 'portable' }));

describe('experts on onnxruntime', () => {
  it.each<[string, Partial<Experts>]>([
    ['two of eight', {}],
    ['two of the better of four groups', { groups: 4, groupsUsed: 2 }],
    ['with the scores as they are', { normalized: false }],
    ['all of them', { perToken: 8 }],
  ])('%s', async (_, experts) => {
    const wanted = await natively(model(experts));
    expect(noiseOf(await logitsOf(openOnnx(model(experts))), wanted)).toBeLessThan(1e-5);
    // The choice is seen in the logits.
    const other = await natively(model({ perToken: 3, scale: 1 }));
    expect(noiseOf(other, wanted)).toBeGreaterThan(1e-2);
  });

  it.each<[Precision, number]>([
    ['float16', 2e-2],
    ['int8', 3e-2],
    ['int4', 3e-1],
  ])('in %s', async (precision, limit) => {
    // All of them, so that no choice between two that are nearly equal hangs on the rounding of activations.
    const folder = model({ perToken: 8 });
    const values = precision === 'int8' || precision === 'int4' ? rounded(folder, precision) : folder;
    const found = await logitsOf(openOnnx(folder, { precision }));
    expect(noiseOf(found, await natively(values))).toBeLessThan(limit);
  });

  it('no weight of an expert is read that no row has chosen', async () => {
    const folder = model();
    /** Logits of the first row with an expert of the last layer poisoned. */
    const poisoned = (expert: number) =>
      logitsOf(
        openOnnx({
          ...folder,
          async *tensors() {
            for await (const tensor of folder.tensors()) {
              const spoil = tensor.name.includes(`layers.2.mlp.experts.${expert}.`);
              const data = new Float32Array(tensor.data.length / 4).fill(Number.NaN);
              yield spoil ? { ...tensor, data: new Uint8Array(data.buffer) } : tensor;
            }
          },
        }),
        sliceRows(rows, 0, 1),
      );
    let spoilt = 0;
    for (let expert = 0; expert < EXPERTS.count; expert++) if ((await poisoned(expert)).some(Number.isNaN)) spoilt++;
    expect(spoilt).toBe(EXPERTS.perToken);
  });
});
