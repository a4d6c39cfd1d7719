/** Several sessions extended in one step get what each would get alone, whoever else is in the step. */
import { describe, expect, it } from 'vitest';
import type { GlmConfig } from '../../../engine/model/config.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { gatherCalls } from '../../../engine/runtime/gathered.ts';
import type { NativeRuntimeOptions } from '../../../engine/runtime/native.ts';
import type { Runtime, Session, TokenRows } from '../../../engine/runtime/runtime.ts';
import { sliceRows } from '../../../engine/verification/cases.ts';
import { CAUSAL, CONFIGS, LEVELS, randomSample, SMALLEST } from '../native/tiny.ts';
import { extendOneByOne } from './one-by-one.ts';
import { openTiny } from './tiny-runtime.ts';

const SEP = 41;
const LENGTH = 60;
/** More than the vectors, panels and blocks of any level have rows. */
const SESSIONS = 19;

const sampleOf = (config: GlmConfig, seed: number) => randomSample(config, createRandom(seed), LENGTH, SEP);

interface Sequence {
  session: Session;
  sample: TokenRows;
}

/** Sessions with texts of their own; every third one is a fork of the one before and goes on otherwise. */
async function sequences(runtime: Runtime, count = SESSIONS): Promise<Sequence[]> {
  const opened: Sequence[] = [];
  for (let seed = 0; seed < count; seed++) {
    const sample = sampleOf(runtime.config, seed + 1);
    const before = opened.at(-1);
    const session = seed % 3 === 2 && before ? before.session.fork() : runtime.open(LENGTH);
    if (session.length === 0) await session.read(sliceRows(sample, 0, SEP - (seed % 3)));
    opened.push({ session, sample });
  }
  return opened;
}

/** Steps of 1 to 3 rows; the n-th session takes part in n of the rounds, so that they leave one after another. */
const ROUNDS = 4;
function stepsOf(all: readonly Sequence[], round: number) {
  return all
    .filter((_, index) => index % ROUNDS >= round)
    .map(({ session, sample }, index) => {
      const from = SEP + round * 3;
      const logits = index % 2 === 0 ? ('last' as const) : ('all' as const);
      return { session, rows: sliceRows(sample, from, from + 1 + (index % 3)), logits };
    });
}

type Extend = Runtime['extendTogether'];

async function allLogits(runtime: Runtime, extend: Extend): Promise<Float32Array[]> {
  const opened = await sequences(runtime);
  const logits: Float32Array[] = [];
  for (let round = 0; round < ROUNDS; round++) logits.push(...(await extend(stepsOf(opened, round))));
  for (const { session } of opened) session.dispose();
  return logits;
}

const farthest = (a: Float32Array, b: Float32Array) =>
  a.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))),
    a.length === b.length ? 0 : Infinity,
  );

describe.each([...Object.entries(CONFIGS), ['causal, shared keys', CAUSAL] as const])('%s', (_, config) => {
  it.each(LEVELS)('gives each what it would get alone, at level %s', { timeout: 60_000 }, async (level) => {
    const forms: NativeRuntimeOptions[] = [
      { precision: 'float32' },
      { precision: 'int8' },
      { precision: 'int4', group: 32 },
    ];
    for (const form of forms) {
      const runtime = await openTiny(config, { level, ...form });
      const alone = await allLogits(runtime, extendOneByOne);
      expect(await allLogits(runtime, runtime.extendTogether)).toEqual(alone);
      const single = await openTiny(config, { level, ...form, threads: 1 });
      expect(await allLogits(single, single.extendTogether)).toEqual(alone);
      single.dispose();
      runtime.dispose();
    }
    // Tiles add up in another order where there are many rows.
    const runtime = await openTiny(config, { level, precision: 'bfloat16' });
    const alone = await allLogits(runtime, extendOneByOne);
    const together = await allLogits(runtime, runtime.extendTogether);
    for (const [index, logits] of together.entries())
      expect(farthest(logits, alone[index] as Float32Array)).toBeLessThan(0.1);
    runtime.dispose();
  });
});

describe('a step of several sessions', () => {
  it('leaves what a fork shares as it was, also where the prompt is rewound and written anew', async () => {
    const runtime = await openTiny(CAUSAL);
    const [sample, other] = [sampleOf(CAUSAL, 1), sampleOf(CAUSAL, 2)];
    const first = runtime.open(LENGTH);
    await first.read(sliceRows(sample, 0, SEP));
    const fork = first.fork();
    fork.rewind(10);
    const rest = runtime.open(LENGTH);
    await rest.extend(sliceRows(sample, 0, 10));
    const [own, forked, plain] = await runtime.extendTogether([
      { session: first, rows: sliceRows(sample, SEP, SEP + 1) },
      { session: fork, rows: sliceRows(other, 10, 30) },
      { session: rest, rows: sliceRows(other, 10, 30) },
    ]);
    expect(farthest(forked as Float32Array, plain as Float32Array)).toBeLessThan(1e-4);
    const alone = runtime.open(LENGTH);
    await alone.read(sliceRows(sample, 0, SEP));
    expect(own).toEqual(await alone.extend(sliceRows(sample, SEP, SEP + 1)));
  });

  it('refuses a session twice, one of another model, one without room, and changes none', async () => {
    const [runtime, other] = [await openTiny(), await openTiny()];
    const [one, two] = await sequences(runtime, 2);
    if (!one || !two) throw new Error('two were asked for');
    const rows = sliceRows(one.sample, SEP, SEP + 1);
    const lengths = [one.session.length, two.session.length];
    const step = (session: Session, more = rows) => ({ session, rows: more });
    await expect(runtime.extendTogether([step(one.session), step(one.session)])).rejects.toThrow('only once in a step');
    await expect(runtime.extendTogether([step(one.session), step(other.open(9))])).rejects.toThrow('of one model');
    const much = sampleOf(SMALLEST, 3);
    await expect(runtime.extendTogether([step(one.session), step(two.session, much)])).rejects.toThrow('do not fit');
    expect([one.session.length, two.session.length]).toEqual(lengths);
    expect(await runtime.extendTogether([])).toEqual([]);
    two.session.dispose();
    await expect(runtime.extendTogether([step(one.session), step(two.session)])).rejects.toThrow('disposed');
    expect(await one.session.extend(rows)).toHaveLength(SMALLEST.vocabSize);
  });

  it('ends with the signal, all sessions as they were', async () => {
    const config = { ...SMALLEST, layers: 60, hiddenSize: 64 };
    const runtime = await openTiny(config);
    const opened = await sequences(runtime, 6);
    const lengths = opened.map(({ session }) => session.length);
    const steps = opened.map(({ session, sample }) => ({ session, rows: sliceRows(sample, SEP, LENGTH) }));
    const signal = AbortSignal.timeout(1);
    await expect(
      (async () => {
        // However quick the machine, one of these is under way when the signal fires, or begins after it.
        for (;;) {
          await runtime.extendTogether(steps, signal);
          for (const [index, { session }] of opened.entries()) session.rewind(lengths[index] as number);
        }
      })(),
    ).rejects.toThrow(/aborted|stopped/);
    expect(opened.map(({ session }) => session.length)).toEqual(lengths);
  });
});

describe('gathered calls', () => {
  /** Counts how many sessions each step had. */
  async function counting(precision: 'float32' | 'int8' = 'float32') {
    const inner = await openTiny(SMALLEST, { precision });
    const sizes: number[] = [];
    const counted: Runtime = {
      ...inner,
      extendTogether(steps, signal) {
        sizes.push(steps.length);
        return inner.extendTogether(steps, signal);
      },
    };
    return { sizes, runtime: gatherCalls(counted) };
  }

  /** Reads and extends token by token, as a decoder does; rows that were asked for. */
  async function run(runtime: Runtime, sample: TokenRows, end: number, signal?: AbortSignal): Promise<Float32Array[]> {
    const session = runtime.open(LENGTH);
    await session.read(sliceRows(sample, 0, SEP), signal);
    const logits: Float32Array[] = [];
    for (let row = SEP; row < end; row++)
      logits.push(await session.extend(sliceRows(sample, row, row + 1), signal ? { signal } : {}));
    session.dispose();
    return logits;
  }

  it('share their steps, join late, leave early, and give each what it gets alone', async () => {
    const { runtime, sizes } = await counting('int8');
    const samples = Array.from({ length: 8 }, (_, seed) => sampleOf(SMALLEST, seed));
    const ends = samples.map((_, index) => LENGTH - index);
    const alone: Float32Array[][] = [];
    for (const [index, sample] of samples.entries()) alone.push(await run(runtime, sample, ends[index] as number));
    expect(sizes).toEqual([]);
    expect(await Promise.all(samples.map((sample, index) => run(runtime, sample, ends[index] as number)))).toEqual(
      alone,
    );
    expect(Math.max(...sizes)).toBe(8);
  });

  it('are not disturbed by one that is aborted, nor by one that fails', async () => {
    const { runtime } = await counting();
    const samples = Array.from({ length: 4 }, (_, seed) => sampleOf(SMALLEST, seed));
    const alone: Float32Array[][] = [];
    for (const sample of samples) alone.push(await run(runtime, sample, LENGTH));
    const stop = new AbortController();
    const spoilt = { ...sampleOf(SMALLEST, 7) };
    spoilt.tokens = Int32Array.from(spoilt.tokens);
    spoilt.tokens[SEP + 5] = 10_000;
    const runs = samples.map((sample) => run(runtime, sample, LENGTH));
    const aborted = run(runtime, sampleOf(SMALLEST, 8), LENGTH, stop.signal);
    const failed = run(runtime, spoilt, LENGTH);
    const why = new Error('typed on');
    setTimeout(() => stop.abort(why), 2);
    await expect(aborted).rejects.toBe(why);
    await expect(failed).rejects.toThrow('10000');
    expect(await Promise.all(runs)).toEqual(alone);
  });

  it('leave an aborted session at its former length, ready to go on', async () => {
    const { runtime } = await counting();
    const [one, two] = await sequences(runtime, 2);
    if (!one || !two) throw new Error('two were asked for');
    const before = one.session.length;
    const stop = new AbortController();
    const rows = sliceRows(one.sample, SEP, LENGTH);
    const both = [one.session.extend(rows, { signal: stop.signal }), two.session.extend(rows)];
    setImmediate(() => stop.abort());
    await expect(both[0]).rejects.toThrow(/abort/i);
    expect(await both[1]).toHaveLength(SMALLEST.vocabSize);
    expect(one.session.length).toBe(before);
    expect(await one.session.extend(rows)).toHaveLength(SMALLEST.vocabSize);
  });
});
