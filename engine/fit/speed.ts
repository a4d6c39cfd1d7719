/**
 * How many tokens of a span a model could write in a second, measured without loading it: as many layers of its own shape
 * as make a good measurement, of zeros, write some tokens with half of the context in their cache. The time of a layer
 * holds what a formula would have to guess: how fast weights and cache are read where they lie (in the processor's caches
 * or in memory), the arithmetic, and what each operation costs however small it is.
 */
import { type GlmConfig, parameterCount } from '../model/config.ts';
import { type NativeForm, nativeDemand } from './demand.ts';
import { anyRows, zeroModel } from './zero-model.ts';

/** Bytes of weights that a measurement reads for a token, unless the model has fewer. */
const READ = 96e6;
/** Weights of a head that is measured with its layers; a larger one is counted by its bytes. */
const LARGEST_HEAD = 48e6;
const TOKENS = 12;
const SMALLEST_VOCABULARY = 32;

/** Milliseconds since some time: of the day, or of what the process alone has computed, where others take the processor. */
export type Clock = () => number;
const wallClock: Clock = () => performance.now();

/** Tokens a second natively, with half of `context` read before. */
export async function predictSpeed(
  config: GlmConfig,
  form: NativeForm,
  context: number,
  clock: Clock = wallClock,
): Promise<number> {
  const probe = probeOf(config, form, context);
  const milliseconds = await timePerToken(probe, form, context, clock);
  const read = (of: GlmConfig) => nativeDemand(of, form, context).readPerToken;
  const cut = {
    ...passing(probe, config.decoderLayers ?? config.layers),
    ...(config.experts ? { experts: config.experts } : {}),
  };
  // The layers that were left out take as long as those that were not; of a head, what is missing of its bytes.
  const layers = (read(cut) - headBytes(cut, form, context)) / (read(probe) - headBytes(probe, form, context));
  const head = (headBytes(config, form, context) - headBytes(probe, form, context)) / read(probe);
  return 1000 / (milliseconds * (layers + Math.max(0, head)));
}

/** The model with so many layers, experts and words as a measurement needs. */
function probeOf(config: GlmConfig, form: NativeForm, context: number): GlmConfig {
  const { vocabSize, hiddenSize, experts } = config;
  const vocabulary = vocabSize * hiddenSize > LARGEST_HEAD ? SMALLEST_VOCABULARY : vocabSize;
  const whole: GlmConfig = {
    ...config,
    vocabSize: vocabulary,
    maxLength: Math.max(context, 2),
    // Each token goes through as many as before.
    ...(experts ? { experts: { ...experts, count: experts.perToken, denseLayers: 0, groups: 1, groupsUsed: 1 } } : {}),
  };
  const one = passing(whole, 1);
  const perLayer = nativeDemand(one, form, context).readPerToken - headBytes(one, form, context);
  const passed = config.decoderLayers ?? config.layers;
  return passing(whole, Math.min(passed, Math.max(1, Math.ceil(READ / perLayer))));
}

/** The model with so many layers that a token of a span passes; an encoder keeps one that reads Part A. */
function passing(config: GlmConfig, layers: number): GlmConfig {
  return config.decoderLayers === undefined
    ? { ...config, layers }
    : { ...config, layers: layers + 1, decoderLayers: layers };
}

function headBytes(config: GlmConfig, form: NativeForm, context: number): number {
  const none = { ...config, vocabSize: SMALLEST_VOCABULARY };
  const read = (of: GlmConfig) => nativeDemand(of, form, context).readPerToken;
  return config.vocabSize === SMALLEST_VOCABULARY ? 0 : read(config) - read(none);
}

/** Milliseconds of the median token. */
async function timePerToken(config: GlmConfig, form: NativeForm, context: number, clock: Clock): Promise<number> {
  if (parameterCount(config) > 2e9) throw new RangeError('A measurement of so many weights would fill the memory.');
  const model = zeroModel(config, form);
  try {
    const session = model.open(context);
    const held = Math.max(1, Math.min(context >> 1, context - TOKENS));
    await session.read(anyRows(0, held));
    const times: number[] = [];
    for (let at = held; at < Math.min(context, held + TOKENS); at++) {
      const start = clock();
      await session.extend(anyRows(at, at + 1), false);
      times.push(clock() - start);
    }
    session.dispose();
    // The first ones warm up.
    const sorted = times.slice(2).sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? Math.max(...times);
  } finally {
    model.dispose();
  }
}
