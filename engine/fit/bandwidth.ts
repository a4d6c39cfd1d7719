/**
 * Bytes a second at which the addon reads weights, in the precision in which they are: what a model's speed is predicted
 * from. A model of zeros, larger than a processor's caches, writes a few tokens; the best of them counts, because
 * whatever else the machine does can only make one slower.
 */
import { type GlmConfig, tensorShapes } from '../model/config.ts';
import { loadAddon } from '../native.ts';
import { type NativeForm, nativeDemand } from './demand.ts';

/** Bytes of packed weights to be read for a token. */
const READ = 128e6;
const TOKENS = 8;
const CONTEXT = 16;

export async function measureBandwidth(form: NativeForm): Promise<number> {
  const config = probe(form);
  const model = new (loadAddon().Model)(config, form);
  try {
    fillWithZeros(model, config);
    model.ready();
    const session = model.open(CONTEXT);
    let best = Number.POSITIVE_INFINITY;
    for (let at = 0; at < TOKENS; at++) {
      const row = { tokens: Int32Array.of(0), positions: Int32Array.of(at), blockPositions: Int32Array.of(0) };
      const start = performance.now();
      await session.extend(row, false);
      best = Math.min(best, performance.now() - start);
    }
    session.dispose();
    return nativeDemand(config, form, CONTEXT).readPerToken / (best / 1000);
  } finally {
    model.dispose();
  }
}

function probe(form: NativeForm): GlmConfig {
  const layer: GlmConfig = {
    vocabSize: 32,
    hiddenSize: 1024,
    innerSize: 4096,
    layers: 1,
    heads: 16,
    maxLength: CONTEXT,
    positions: 'rotary-1d',
    norm: 'pre',
    residualAlpha: 1,
    activation: 'gelu',
    qkvLayout: 'thirds',
    tiedEmbedding: true,
    layerNormEpsilon: 1e-5,
    rotaryFloat16: false,
    causal: true,
  };
  return { ...layer, layers: Math.ceil(READ / nativeDemand(layer, form, CONTEXT).readPerToken) };
}

function fillWithZeros(model: InstanceType<ReturnType<typeof loadAddon>['Model']>, config: GlmConfig): void {
  const zeros = new Map<number, Float32Array>();
  for (const { name, shape } of tensorShapes(config)) {
    const count = shape.reduce((product, size) => product * size, 1);
    const values = zeros.get(count) ?? new Float32Array(count);
    zeros.set(count, values);
    model.setTensor(name, values);
  }
}
