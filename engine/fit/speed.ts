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

/** A way of running models, as a prediction needs it. */
export interface Pace {
  /** Bytes of weights that every token of a span reads. */
  read(config: GlmConfig): number;
  /** Milliseconds of the median token of a model of zeros. */
  time(config: GlmConfig): Promise<number>;
}

/** Tokens a second natively, with half of `context` read before. */
export function predictSpeed(
  config: GlmConfig,
  form: NativeForm,
  context: number,
  clock: Clock = wallClock,
): Promise<number> {
  return predictBy(config, context, {
    read: (of) => nativeDemand(of, form, context).readPerToken,
    time: (probe) => timePerToken(probe, form, context, clock),
  });
}

/** Tokens a second from what `pace` takes for a model with fewer layers, words and experts. */
export async function predictBy(config: GlmConfig, context: number, { read, time }: Pace): Promise<number> {
  const headBytes = (of: GlmConfig) =>
    of.vocabSize === SMALLEST_VOCABULARY ? 0 : read(of) - read({ ...of, vocabSize: SMALLEST_VOCABULARY });
  const probe = probeOf(config, context, (of) => read(of) - headBytes(of));
  if (parameterCount(probe) > 2e9) throw new RangeError('A measurement of so many weights would fill the memory.');
  const milliseconds = await time(probe);
  const cut = {
    ...passing(probe, config.decoderLayers ?? config.layers),
    ...(config.experts ? { experts: config.experts } : {}),
  };
  // The layers that were left out take as long as those that were not, and what is left out of a head by its bytes.
  const bytes = read(cut) - headBytes(cut) + headBytes(config);
  return 1000 / (milliseconds * (bytes / read(probe)));
}

/** The model with so many layers, experts and words as a measurement needs; `readOf`: bytes without the head. */
function probeOf(config: GlmConfig, context: number, readOf: (config: GlmConfig) => number): GlmConfig {
  const { vocabSize, hiddenSize, experts } = config;
  const vocabulary = vocabSize * hiddenSize > LARGEST_HEAD ? SMALLEST_VOCABULARY : vocabSize;
  const whole: GlmConfig = {
    ...config,
    vocabSize: vocabulary,
    maxLength: Math.max(context, 2),
    // Each token goes through as many as before.
    ...(experts ? { experts: { ...experts, count: experts.perToken, denseLayers: 0, groups: 1, groupsUsed: 1 } } : {}),
  };
  const passed = config.decoderLayers ?? config.layers;
  return passing(whole, Math.min(passed, Math.max(1, Math.ceil(READ / readOf(passing(whole, 1))))));
}

/** The model with so many layers that a token of a span passes; an encoder keeps one that reads Part A. */
function passing(config: GlmConfig, layers: number): GlmConfig {
  return config.decoderLayers === undefined
    ? { ...config, layers }
    : { ...config, layers: layers + 1, decoderLayers: layers };
}

/** Feeds some tokens after half of `context` and gives the milliseconds of the median one. */
export async function medianToken(
  session: { read(held: number): Promise<void>; extend(at: number): Promise<unknown> },
  context: number,
  clock: Clock = wallClock,
): Promise<number> {
  const held = Math.max(1, Math.min(context >> 1, context - TOKENS));
  await session.read(held);
  const times: number[] = [];
  for (let at = held; at < Math.min(context, held + TOKENS); at++) {
    const start = clock();
    await session.extend(at);
    times.push(clock() - start);
  }
  // The first ones warm up.
  const sorted = times.slice(2).sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Math.max(...times);
}

async function timePerToken(config: GlmConfig, form: NativeForm, context: number, clock: Clock): Promise<number> {
  const model = zeroModel(config, form);
  try {
    const session = model.open(context);
    const milliseconds = await medianToken(
      {
        read: (held) => session.read(anyRows(0, held)),
        extend: (at) => session.extend(anyRows(at, at + 1), false),
      },
      context,
      clock,
    );
    session.dispose();
    return milliseconds;
  } finally {
    model.dispose();
  }
}
