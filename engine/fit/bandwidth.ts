/**
 * Bytes a second at which the addon reads weights, in the precision in which they are, as
 * `cloze devices` prints it. A model of zeros, larger than a processor's caches, writes a few tokens; the best of them counts, because
 * whatever else the machine does can only make one slower.
 */
import type { GlmConfig } from '../model/config.ts';
import { type NativeForm, nativeDemand } from './demand.ts';
import { anyRows, zeroModel } from './zero-model.ts';

/** Bytes of packed weights to be read for a token. */
const READ = 128e6;
const TOKENS = 8;
const CONTEXT = 16;

export async function measureBandwidth(form: NativeForm): Promise<number> {
  const config = probe(form);
  const model = zeroModel(config, form);
  try {
    const session = model.open(CONTEXT);
    let best = Number.POSITIVE_INFINITY;
    for (let at = 0; at < TOKENS; at++) {
      const start = performance.now();
      await session.extend(anyRows(at, at + 1), false);
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
