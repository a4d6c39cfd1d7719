/** Sessions of the onnx runtime behave as those of the native one: cached, rewound, forked, stopped and misused. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../../engine/objective/random.ts';
import type { Runtime, TokenRows } from '../../../engine/runtime/runtime.ts';
import { sliceRows } from '../../../engine/verification/cases.ts';
import { CONFIGS, randomSample, randomTensors, SMALLEST } from '../native/tiny.ts';
import { folderOf, openTiny } from '../runtime/tiny-runtime.ts';
import { openOnnx } from './host.ts';
import { expectTogether } from './together.ts';

const SEP = 61;
const LENGTH = 130;
const farthest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, v, i) => Math.max(most, Math.abs(v - (b[i] as number))), a.length === b.length ? 0 : Infinity);

async function logitsOf(runtime: Runtime, sample: TokenRows, pieces: number): Promise<Float32Array> {
  const session = runtime.open(LENGTH);
  await session.read(sliceRows(sample, 0, SEP));
  const logits: number[] = [];
  for (let row = SEP; row < LENGTH; row += pieces) {
    logits.push(...(await session.extend(sliceRows(sample, row, row + pieces), { logits: 'all' })));
  }
  session.dispose();
  return Float32Array.from(logits);
}

const inOneStack = Object.entries(CONFIGS).filter(([, { decoderLayers }]) => decoderLayers === undefined);

it.each(inOneStack)('%s: as the native runtime, at once and in pieces', async (_, config) => {
  const sample = randomSample(config, createRandom(4), LENGTH, SEP);
  const runtime = await openOnnx(folderOf(config, randomTensors(config, createRandom(3))));
  const native = await openTiny(config);
  const wanted = await logitsOf(native, sample, LENGTH);
  expect(farthest(await logitsOf(runtime, sample, LENGTH), wanted)).toBeLessThan(1e-4);
  expect(farthest(await logitsOf(runtime, sample, 23), wanted)).toBeLessThan(1e-4);
  runtime.dispose();
  native.dispose();
});

it.each([
  ['blank infilling', SMALLEST],
  ['causal', { ...SMALLEST, causal: true }],
  ['heads that share keys', { ...SMALLEST, hiddenSize: 32, heads: 4, keyValueHeads: 2, qkvLayout: 'thirds' as const }],
])('candidates and others in one step are what they are alone: %s', async (_, config) => {
  const runtime = await openOnnx(folderOf(config, randomTensors(config, createRandom(3))));
  const native = await openTiny(config);
  await expectTogether(runtime, native);
  const session = runtime.open(9);
  const step = { session, rows: sliceRows(randomSample(config, createRandom(4), 9, 4), 4) };
  await expect(runtime.extendTogether([step, step])).rejects.toThrow('at most once');
  await expect(runtime.extendTogether([{ ...step, session: native.open(9) }])).rejects.toThrow(
    'Only sessions of this runtime',
  );
  runtime.dispose();
  native.dispose();
});

it('does not take an encoder-decoder', async () => {
  const config = { ...SMALLEST, decoderLayers: 1 };
  const opened = openOnnx(folderOf(config, randomTensors(config, createRandom(3))));
  await expect(opened).rejects.toThrow('A model with a decoder is computed natively only.');
});

it('reads a long prompt of a causal model in pieces', async () => {
  const config = { ...SMALLEST, maxLength: 700, causal: true };
  const sample = randomSample(config, createRandom(8), config.maxLength, 0);
  const runtime = await openOnnx(folderOf(config, randomTensors(config, createRandom(3))));
  const [read, fed] = [runtime.open(config.maxLength), runtime.open(config.maxLength)];
  await read.read(sliceRows(sample, 0, -1));
  const last = await read.extend(sliceRows(sample, -1));
  expect(farthest(last, await fed.extend(sample))).toBeLessThan(1e-4);
  read.rewind(3);
  expect(read.length).toBe(3);
  expect(farthest(last, await read.extend(sliceRows(sample, 3)))).toBeLessThan(1e-4);
  runtime.dispose();
});

describe('a session', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openOnnx(folderOf(SMALLEST, randomTensors(SMALLEST, createRandom(3))));
  });
  afterAll(() => runtime.dispose());
  const drawn = (seed: number): TokenRows => randomSample(SMALLEST, createRandom(seed), LENGTH, SEP);
  const [sample, other] = [drawn(4), drawn(9)];

  it('forgets what it rewinds over, and forks into others that do not touch it', async () => {
    const wanted = await logitsOf(runtime, sample, LENGTH);
    const session = runtime.open(LENGTH);
    await session.read(sliceRows(sample, 0, SEP));
    await session.extend(sliceRows(other, SEP));
    session.rewind(SEP);
    const fork = session.fork();
    await fork.extend(sliceRows(other, SEP, SEP + 4));
    expect([session.length, fork.length]).toEqual([SEP, SEP + 4]);
    expect(farthest(await session.extend(sliceRows(sample, SEP), { logits: 'all' }), wanted)).toBeLessThan(1e-5);
    fork.rewind(SEP);
    expect(farthest(await fork.extend(sliceRows(sample, SEP), { logits: 'all' }), wanted)).toBeLessThan(1e-5);
    expect(() => session.rewind(SEP - 1)).toThrow(`Cannot rewind to ${SEP - 1} tokens: the session holds ${LENGTH}`);
    fork.dispose();
    session.dispose();
  });

  it('keeps its former length and works on when a call is stopped', async () => {
    const wanted = await logitsOf(runtime, sample, LENGTH);
    const session = runtime.open(LENGTH);
    for (const when of ['at once', 'before its turn']) {
      const stop = new AbortController();
      const busy = when === 'at once' ? undefined : runtime.open(LENGTH).read(sliceRows(other, 0, SEP));
      const read = session.read(sliceRows(other, 0, SEP), stop.signal);
      stop.abort();
      await expect(read).rejects.toMatchObject({ name: 'AbortError' });
      expect(session.length).toBe(0);
      await busy;
    }
    await session.read(sliceRows(sample, 0, SEP));
    const stop = new AbortController();
    const extended = session.extend(sliceRows(other, SEP), { signal: stop.signal });
    stop.abort();
    await expect(extended).rejects.toMatchObject({ name: 'AbortError' });
    expect(farthest(await session.extend(sliceRows(sample, SEP), { logits: 'all' }), wanted)).toBeLessThan(1e-5);
  });

  it('refuses what the native one refuses', async () => {
    expect(() => runtime.open(SMALLEST.maxLength + 1)).toThrow('the model takes 1 to 160');
    const session = runtime.open(4);
    await expect(session.read(sliceRows(sample, 0, 5))).rejects.toThrow(
      'The session has room for 4 tokens and holds 0; 5 more do not fit.',
    );
    const wrong = { ...sliceRows(sample, 0, 1), tokens: Int32Array.of(SMALLEST.vocabSize) };
    await expect(session.read(wrong)).rejects.toThrow(`"tokens" has 37 at index 0; the model's ids end at 36.`);
    await expect(session.extend({ ...wrong, tokens: new Int32Array() })).rejects.toThrow(
      'There must be at least one token.',
    );
    const reading = session.read(sliceRows(sample, 0, 2));
    await expect(session.extend(sliceRows(sample, 2, 3))).rejects.toThrow('still working on the call before this one');
    await reading;
    await expect(session.read(sliceRows(sample, 0, 1))).rejects.toThrow('reads Part A only once');
    session.dispose();
    await expect(session.extend(sliceRows(sample, 2, 3))).rejects.toThrow('The session has been disposed.');
  });
});
