/** Sessions of the native runtime: what is cached equals what is computed afresh, also beside and after other calls. */
import { describe, expect, it } from 'vitest';
import type { GlmConfig } from '../../../engine/model/config.ts';
import type { InfillingSample } from '../../../engine/objective/blank-infilling.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import type { Runtime, TokenRows } from '../../../engine/runtime/runtime.ts';
import { toBatch } from '../../../engine/training/batch.ts';
import { sliceRows } from '../../../engine/verification/cases.ts';
import { CAUSAL, CONFIGS, LEVELS, randomSample, randomTensors, SMALLEST, trainerOf } from '../native/tiny.ts';
import { openTiny } from './tiny-runtime.ts';

const SEP = 61;
const LENGTH = 130;
const sampleOf = (config: GlmConfig, seed = 4) => randomSample(config, createRandom(seed), LENGTH, SEP);
const partA = (rows: TokenRows) => sliceRows(rows, 0, SEP);
const partB = (rows: TokenRows) => sliceRows(rows, SEP);

/** All logits of Part B, one token at a time. */
async function stepwise(runtime: Runtime, sample: TokenRows): Promise<Float32Array> {
  const session = runtime.open(LENGTH);
  await session.read(partA(sample));
  const { vocabSize } = runtime.config;
  const logits = new Float32Array((LENGTH - SEP) * vocabSize);
  for (let row = SEP; row < LENGTH; row++) {
    logits.set(await session.extend(sliceRows(sample, row, row + 1)), (row - SEP) * vocabSize);
  }
  session.dispose();
  return logits;
}

async function atOnce(runtime: Runtime, sample: TokenRows): Promise<Float32Array> {
  const session = runtime.open(LENGTH);
  await session.read(partA(sample));
  const logits = await session.extend(partB(sample), { logits: 'all' });
  session.dispose();
  return logits;
}

/** Summed cross-entropy of Part B by its logits. */
function lossOf(logits: Float32Array, { targets }: InfillingSample, vocabSize: number): number {
  let sum = 0;
  for (let row = SEP; row < LENGTH; row++) {
    const own = logits.subarray((row - SEP) * vocabSize, (row - SEP + 1) * vocabSize);
    const top = Math.max(...own);
    sum += top + Math.log(own.reduce((total, logit) => total + Math.exp(logit - top), 0));
    sum -= own[targets[row] as number] as number;
  }
  return sum;
}

const farthest = (a: Float32Array, b: Float32Array) =>
  a.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))),
    a.length === b.length ? 0 : Infinity,
  );

describe.each(Object.entries(CONFIGS))('%s', (_, config) => {
  it.each(LEVELS)('token by token, all at once and a full recomputation agree at level %s', async (level) => {
    const sample = sampleOf(config);
    const lossMask = sample.lossMask.map((_, row) => (row >= SEP ? 1 : 0));
    for (const [precision, tolerance] of [
      ['float32', 1e-5],
      ['bfloat16', 0.15],
    ] as const) {
      const runtime = await openTiny(config, { level, precision });
      const all = await atOnce(runtime, sample);
      expect(farthest(await stepwise(runtime, sample), all)).toBeLessThan(tolerance * 10);
      const trainer = await trainerOf(config, randomTensors(config, createRandom(3)), { level, precision });
      const { sum, count } = await trainer.evaluate(toBatch([{ ...sample, lossMask }]));
      expect(count).toBe(LENGTH - SEP);
      expect(Math.abs(lossOf(all, sample, config.vocabSize) / sum - 1)).toBeLessThan(tolerance);
      runtime.dispose();
    }
  });
});

describe('a session', () => {
  it('forgets what it rewinds over', async () => {
    const runtime = await openTiny();
    const [sample, other] = [sampleOf(SMALLEST), sampleOf(SMALLEST, 9)];
    const session = runtime.open(LENGTH);
    await session.read(partA(sample));
    await session.extend(partB(other));
    expect(session.length).toBe(LENGTH);
    session.rewind(SEP);
    expect(session.length).toBe(SEP);
    expect(await session.extend(partB(sample), { logits: 'all' })).toEqual(await atOnce(runtime, sample));
    session.rewind(SEP + 3);
    const again = await session.extend(sliceRows(sample, SEP + 3), { logits: 'all' });
    expect(again).toEqual((await atOnce(runtime, sample)).subarray(3 * SMALLEST.vocabSize));
    expect(() => session.rewind(SEP - 1)).toThrow(`Cannot rewind to ${SEP - 1} tokens: the session holds ${LENGTH}`);
    expect(() => session.rewind(LENGTH + 1)).toThrow(/of which Part A has 61/);
  });

  it('forks into sessions that do not touch each other', async () => {
    const runtime = await openTiny();
    const [sample, other] = [sampleOf(SMALLEST), sampleOf(SMALLEST, 9)];
    const session = runtime.open(LENGTH);
    await session.read(partA(sample));
    await session.extend(sliceRows(sample, SEP, SEP + 2));
    const fork = session.fork();
    expect(fork.length).toBe(SEP + 2);
    await fork.extend(sliceRows(other, SEP + 2));
    expect(session.length).toBe(SEP + 2);
    fork.rewind(SEP);
    fork.dispose();
    const rest = await session.extend(sliceRows(sample, SEP + 2), { logits: 'all' });
    expect(rest).toEqual((await atOnce(runtime, sample)).subarray(2 * SMALLEST.vocabSize));
  });

  it('shares its runtime with others that work at the same time', async () => {
    const runtime = await openTiny();
    const samples = [1, 2, 3, 4, 5, 6].map((seed) => sampleOf(SMALLEST, seed));
    const apart: Float32Array[] = [];
    for (const sample of samples) apart.push(await stepwise(runtime, sample));
    expect(await Promise.all(samples.map((sample) => stepwise(runtime, sample)))).toEqual(apart);
  });

  it('works on after its runtime has been disposed', async () => {
    const runtime = await openTiny();
    const sample = sampleOf(SMALLEST);
    const wanted = await atOnce(runtime, sample);
    const session = runtime.open(LENGTH);
    await session.read(partA(sample));
    runtime.dispose();
    expect(await session.extend(partB(sample), { logits: 'all' })).toEqual(wanted);
    expect(() => runtime.open(8)).toThrow('The model has been disposed.');
  });

  it('may begin without Part A', async () => {
    const runtime = await openTiny();
    const sample = sampleOf(SMALLEST);
    const session = runtime.open(LENGTH);
    const logits = await session.extend(sample, { logits: 'all' });
    const trainer = await trainerOf(SMALLEST, randomTensors(SMALLEST, createRandom(3)));
    const lossMask = sample.lossMask.map((_, row) => (row >= SEP ? 1 : 0));
    const { sum } = await trainer.evaluate(toBatch([{ ...sample, lossMask, sep: 0 }]));
    const own = lossOf(logits.subarray(SEP * SMALLEST.vocabSize), sample, SMALLEST.vocabSize);
    expect(Math.abs(own / sum - 1)).toBeLessThan(1e-5);
  });
});

describe('a causal model', { timeout: 30_000 }, () => {
  const causal = CAUSAL;
  const prompt = randomSample(causal, createRandom(8), causal.maxLength, 0);

  it.each(LEVELS)('reads a long prompt in pieces as it would take it at once, at level %s', async (level) => {
    const runtime = await openTiny(causal, { level });
    const [read, fed] = [runtime.open(causal.maxLength), runtime.open(causal.maxLength)];
    await read.read(sliceRows(prompt, 0, -1));
    expect(read.length).toBe(causal.maxLength - 1);
    const last = await read.extend(sliceRows(prompt, -1));
    const all = await fed.extend(prompt);
    expect(farthest(last, all)).toBeLessThan(1e-4);
  });

  it('reads the same whatever is done before and at the same time', async () => {
    const runtime = await openTiny(causal);
    const read = async () => {
      const session = runtime.open(causal.maxLength);
      await session.read(sliceRows(prompt, 0, -1));
      return session.extend(sliceRows(prompt, -1));
    };
    const [alone, ...together] = [await read(), ...(await Promise.all([read(), read()]))];
    expect(together).toEqual([alone, alone]);
  });

  it('is empty after a reading that was stopped', async () => {
    const runtime = await openTiny({ ...causal, layers: 20 });
    const session = runtime.open(causal.maxLength);
    const stop = new AbortController();
    const reading = session.read(sliceRows(prompt, 0, -1), stop.signal);
    stop.abort();
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
    expect(session.length).toBe(0);
    await session.read(sliceRows(prompt, 0, 5));
    expect(session.length).toBe(5);
  });
});

describe('cancelling', { timeout: 30_000 }, () => {
  /** So deep that a call is still under way when the next line of a test runs. */
  const deep: GlmConfig = { ...SMALLEST, hiddenSize: 48, innerSize: 80, layers: 60 };

  it('leaves a session at its former length and usable', async () => {
    const runtime = await openTiny(deep);
    const sample = sampleOf(deep);
    const wanted = await atOnce(runtime, sample);
    const session = runtime.open(LENGTH);

    const reading = new AbortController();
    const read = session.read(partA(sample), reading.signal);
    reading.abort();
    await expect(read).rejects.toMatchObject({ name: 'AbortError' });
    expect(session.length).toBe(0);
    await session.read(partA(sample));

    const extending = new AbortController();
    const extended = session.extend(partB(sampleOf(deep, 9)), { signal: extending.signal });
    extending.abort();
    await expect(extended).rejects.toMatchObject({ name: 'AbortError' });
    expect(session.length).toBe(SEP);
    expect(await session.extend(partB(sample), { logits: 'all' })).toEqual(wanted);
  });

  it('stops a call that waits for another session, not the other', async () => {
    const runtime = await openTiny(deep);
    const sample = sampleOf(deep);
    const [first, second] = [runtime.open(LENGTH), runtime.open(LENGTH)];
    const stop = new AbortController();
    const [goesOn, waits] = [first.read(partA(sample)), second.read(partA(sample), stop.signal)];
    stop.abort();
    await expect(waits).rejects.toMatchObject({ name: 'AbortError' });
    await goesOn;
    expect([first.length, second.length]).toEqual([SEP, 0]);
  });

  it('does not begin when the signal has fired before', async () => {
    const session = (await openTiny()).open(LENGTH);
    await expect(session.read(partA(sampleOf(SMALLEST)), AbortSignal.abort())).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(session.length).toBe(0);
  });

  it('refuses a second call while one is under way', async () => {
    const session = (await openTiny(deep)).open(LENGTH);
    const sample = sampleOf(deep);
    const read = session.read(partA(sample));
    await expect(session.extend(partB(sample))).rejects.toThrow('still working on the call before this one');
    expect(() => session.rewind(0)).toThrow('still working');
    expect(() => session.fork()).toThrow('still working');
    await read;
    await session.extend(partB(sample));
  });

  it('lets a call end whose session is disposed meanwhile', async () => {
    const session = (await openTiny(deep)).open(LENGTH);
    const read = session.read(partA(sampleOf(deep)));
    session.dispose();
    await read;
    expect(session.length).toBe(0);
  });
});
