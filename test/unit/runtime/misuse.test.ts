/** What a user or a caller can get wrong with the native runtime, and what it says. */
import { describe, expect, it } from 'vitest';
import type { GlmConfig } from '../../../engine/model/config.ts';
import { loadAddon } from '../../../engine/native.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { openNativeRuntime } from '../../../engine/runtime/native.ts';
import type { TokenRows } from '../../../engine/runtime/runtime.ts';
import { LEVELS, randomTensors, SMALLEST, trainerOf } from '../native/tiny.ts';
import { folderOf, openTiny } from './tiny-runtime.ts';

describe('misuse', () => {
  const rows = (tokens: number[], positions = tokens.map(() => 0), blocks = tokens.map(() => 0)): TokenRows => ({
    tokens: Int32Array.from(tokens),
    positions: Int32Array.from(positions),
    blockPositions: Int32Array.from(blocks),
  });

  it.each([0, -1, SMALLEST.maxLength + 1])('a capacity of %i', async (capacity) => {
    const runtime = await openTiny();
    expect(() => runtime.open(capacity)).toThrow(
      `A session of ${capacity} tokens cannot be opened: the model takes 1 to ${SMALLEST.maxLength}.`,
    );
  });

  it('more tokens than there is room for', async () => {
    const session = (await openTiny()).open(4);
    await expect(session.read(rows([1, 2, 3, 4, 5]))).rejects.toThrow(
      'The session has room for 4 tokens and holds 0; 5 more do not fit.',
    );
    await session.read(rows([1, 2, 3]));
    await expect(session.extend(rows([1, 2]))).rejects.toThrow('room for 4 tokens and holds 3; 2 more do not fit');
    await session.extend(rows([1]));
    expect(session.length).toBe(4);
    await expect(session.read(rows([1]))).rejects.toThrow('reads Part A only once');
  });

  const last = SMALLEST.vocabSize - 1;
  it.each([
    [
      'a token beyond the vocabulary',
      rows([1, last + 1]),
      `"tokens" has ${last + 1} at index 1; the model's ids end at ${last}`,
    ],
    ['a negative token', rows([-1]), '"tokens" has -1 at index 0'],
    ['a position beyond the tables', rows([1], [5000]), '"positions" has 5000 at index 0'],
    ['a block position beyond the tables', rows([1, 1], [0, 0], [0, -3]), '"blockPositions" has -3 at index 1'],
    ['no token', rows([]), 'There must be at least one token.'],
    ['fewer positions than tokens', rows([1, 2], [0]), 'must have the same length'],
    ['fewer block positions than tokens', rows([1, 2], [0, 1], [0]), 'must have the same length'],
    [
      'an array of another type',
      { ...rows([1]), tokens: Float32Array.of(1) as unknown as Int32Array },
      '"tokens" must be an Int32Array.',
    ],
  ])('%s', async (_, wrong, message) => {
    const session = (await openTiny()).open(8);
    await expect(session.read(wrong)).rejects.toThrow(message);
    await expect(session.extend(wrong)).rejects.toThrow(message);
    expect(session.length).toBe(0);
  });

  it('a session that has been disposed', async () => {
    const session = (await openTiny()).open(8);
    session.dispose();
    session.dispose();
    await expect(session.read(rows([1]))).rejects.toThrow('The session has been disposed.');
    await expect(session.extend(rows([1]))).rejects.toThrow('disposed');
    expect(() => session.rewind(0)).toThrow('disposed');
    expect(() => session.fork()).toThrow('disposed');
    expect(session.length).toBe(0);
  });

  it('a kernel level that does not exist, or not here', async () => {
    await expect(openTiny(SMALLEST, { level: 'sse9' })).rejects.toThrow(
      'Unknown kernel level "sse9"; known are amx, avx512, avx2, neon and portable.',
    );
    const missing = ['amx', 'avx512', 'avx2'].find((level) => !LEVELS.includes(level));
    if (missing) {
      await expect(openTiny(SMALLEST, { level: missing })).rejects.toThrow(
        `The kernel level "${missing}" is not available on this processor; its best is "${loadAddon().detectedLevel}"`,
      );
    }
  });

  it('more threads than any machine has', async () => {
    await expect(openTiny(SMALLEST, { threads: 1e6 })).rejects.toThrow(/at most 1024 threads; 1000000 were asked for/);
  });

  it('tensors that are missing, foreign or of another size', async () => {
    const tensors = randomTensors(SMALLEST, createRandom(3));
    const open = (own: Map<string, Float32Array>) => openNativeRuntime(folderOf(SMALLEST, own), { threads: 1 });
    const without = new Map(tensors);
    without.delete('transformer.final_layernorm.bias');
    await expect(open(without)).rejects.toThrow('no values for its tensor "transformer.final_layernorm.bias".');
    without.delete('transformer.word_embeddings.weight');
    await expect(open(without)).rejects.toThrow('and 1 more');
    await expect(open(new Map([...tensors, ['lm_head.weight', Float32Array.of(1)]]))).rejects.toThrow(
      'The model has no tensor "lm_head.weight".',
    );
    await expect(open(new Map([...tensors, ['transformer.final_layernorm.bias', Float32Array.of(1)]]))).rejects.toThrow(
      '"transformer.final_layernorm.bias" has 24 values; 1 were given.',
    );
  });

  it('a configuration that the kernels cannot run', async () => {
    const open = (change: Partial<GlmConfig>) => openTiny({ ...SMALLEST, ...change });
    await expect(open({ heads: 5 })).rejects.toThrow(
      /hidden size \(24\) must be a multiple of 4 times the number of heads/,
    );
    await expect(open({ layers: 0 })).rejects.toThrow('needs a whole number of at least 1 for "layers"');
    await expect(open({ positions: 'alibi' as GlmConfig['positions'] })).rejects.toThrow(
      'has "alibi" for "positions"; known are rotary-1d, rotary-2d, learned-2d.',
    );
    await expect(open({ keyValueHeads: 3, qkvLayout: 'thirds' })).rejects.toThrow(
      '2 heads cannot share 3 key/value heads in this layout.',
    );
    await expect(open({ keyValueHeads: 1 })).rejects.toThrow('cannot share 1 key/value heads');
    await expect(open({ rotarySize: 6 })).rejects.toThrow('"rotarySize" is 6; it must be a multiple of 4, at most');
    await expect(open({ rotarySize: 16 })).rejects.toThrow('at most the head size of 12');
    await expect(open({ headSize: 6 })).rejects.toThrow('must be a multiple of 4 times');
    await expect(open({ normKind: 'rms-norm' })).rejects.toThrow('DeepNorm goes with LayerNorm.');
    await expect(open({ decoderLayers: 2 })).rejects.toThrow('"decoderLayers" is 2 of 2 layers; the encoder needs one');
    await expect(open({ decoderLayers: 0 })).rejects.toThrow('at least 1 for "decoderLayers"');
    await expect(open({ decoderLayers: 1, causal: true })).rejects.toThrow('An encoder-decoder is not causal');
    await expect(open({ bias: 'some' as 'all' })).rejects.toThrow('"some" for "bias"; known are all, qkv, none');
  });

  it('a span written by an encoder-decoder that has read nothing', async () => {
    const session = (await openTiny({ ...SMALLEST, decoderLayers: 1 })).open(20);
    await expect(session.extend(rows([1]))).rejects.toThrow('must read Part A before its session is extended');
    await session.read(rows([1, 2, 3]));
    expect(await session.extend(rows([1]))).toHaveLength(SMALLEST.vocabSize);
    expect(() => session.rewind(2)).toThrow('of which Part A has 3');
  });

  it.each<[Partial<GlmConfig>, string]>([
    [{ keyValueHeads: 1, qkvLayout: 'thirds' }, 'fewer key/value heads than heads'],
    [{ headSize: 16 }, 'heads that do not divide the hidden size'],
  ])('training a model with %j', async (change, reason) => {
    const config = { ...SMALLEST, ...change };
    await openTiny(config);
    await expect(trainerOf(config, new Map())).rejects.toThrow(
      `This model has ${reason}, which can be run but not trained.`,
    );
  });
});

describe('the device', () => {
  it('names level, precision and threads', async () => {
    expect((await openTiny(SMALLEST, { level: 'portable', threads: 1 })).device).toBe('native portable fp32, 1 thread');
    const best = await openTiny(SMALLEST, { precision: 'bfloat16', threads: 3 });
    expect(best.device).toBe(`native ${loadAddon().detectedLevel} bf16, 3 threads`);
  });
});
