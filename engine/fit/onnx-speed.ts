/** Tokens a second by onnxruntime, from a model of zeros of the same shape with fewer layers, words and experts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GlmConfig, tensorShapes } from '../model/config.ts';
import type { ModelFolder } from '../model/load.ts';
import type { Precision } from '../onnx/weights.ts';
import { openOnnxRuntime } from '../runtime/onnx/onnx.ts';
import { cacheKind, type Provider } from '../runtime/onnx/providers.ts';
import { onnxDemand } from './demand.ts';
import { type Clock, medianToken, predictBy } from './speed.ts';
import { anyRows } from './zero-model.ts';

export interface OnnxPlace {
  provider: Provider;
  precision: Precision;
  threads: number;
  /** Path of the bundled worker; by default the one beside the running bundle. */
  host?: string;
}

/** With half of `context` read before. Rejects where the provider cannot run it; leaves nothing on the disk. */
export function predictOnnxSpeed(config: GlmConfig, place: OnnxPlace, context: number, clock?: Clock): Promise<number> {
  const form = { precision: place.precision, cache: cacheKind(place.provider) };
  return predictBy(config, context, {
    read: (of) => onnxDemand(of, form, context).readPerToken,
    time: (probe) => timePerToken(probe, place, context, clock),
  });
}

async function timePerToken(
  config: GlmConfig,
  place: OnnxPlace,
  context: number,
  clock: Clock | undefined,
): Promise<number> {
  const cacheFolder = await mkdtemp(join(tmpdir(), 'cloze-speed-'));
  try {
    const runtime = await openOnnxRuntime(zeroFolder(config), { ...place, cacheFolder });
    try {
      const session = runtime.open(context);
      return await medianToken(
        {
          read: (held) => session.read(anyRows(0, held)),
          extend: (at) => session.extend(anyRows(at, at + 1)),
        },
        context,
        clock,
      );
    } finally {
      runtime.dispose();
    }
  } finally {
    await rm(cacheFolder, { recursive: true, force: true });
  }
}

function zeroFolder(config: GlmConfig): ModelFolder {
  const shapes = tensorShapes(config);
  const size = ({ shape }: { shape: number[] }) => shape.reduce((product, length) => product * length, 2);
  const zeros = new Uint8Array(Math.max(...shapes.map(size)));
  return {
    path: 'a model of zeros',
    family: 'zeros',
    config,
    metadata: {},
    async *tensors() {
      for (const tensor of shapes) yield { ...tensor, dtype: 'BF16', data: zeros.subarray(0, size(tensor)) };
    },
  };
}
