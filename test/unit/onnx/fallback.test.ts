/** A device fails before or while a model runs: the work goes on elsewhere, and the user is told once. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type EngineOptions, loadEngine } from '../../../engine/index.ts';
import type { Passage } from '../../../engine/infill/fill.ts';
import { createWithinMemory } from '../../../engine/infill/smaller-context.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { DeviceFailure, deviceFailure } from '../../../engine/runtime/device-failure.ts';
import { openWithFallback } from '../../../engine/runtime/fallback.ts';
import { probeProvider } from '../../../engine/runtime/onnx/probe.ts';
import { openRuntime, type RuntimeOptions } from '../../../engine/runtime/open.ts';
import type { Runtime, Session } from '../../../engine/runtime/runtime.ts';
import { sliceRows } from '../../../engine/verification/cases.ts';
import { blanks } from '../../fixtures/blanks/blanks.ts';
import { randomSample, randomTensors, SMALLEST } from '../native/tiny.ts';
import { folderOf, openTiny } from '../runtime/tiny-runtime.ts';
import { cacheFolder, dyingHost, host, openOnnx } from './host.ts';

const SEP = 9;
const LENGTH = 40;
const rows = randomSample(SMALLEST, createRandom(4), LENGTH, SEP);
const folder = folderOf(SMALLEST, randomTensors(SMALLEST, createRandom(3)));

/** Part A, then one token at a time with a rewind in between; the logits after the last. */
async function work(runtime: Runtime): Promise<Float32Array> {
  const session = runtime.open(LENGTH);
  await session.read(sliceRows(rows, 0, SEP));
  for (let row = SEP; row < SEP + 5; row++) await session.extend(sliceRows(rows, row, row + 1));
  session.rewind(SEP + 2);
  let logits = new Float32Array() as Float32Array;
  for (let row = SEP + 2; row < LENGTH; row++) logits = await session.extend(sliceRows(rows, row, row + 1));
  expect(session.length).toBe(LENGTH);
  session.dispose();
  return logits;
}

/** A runtime whose device is lost at its n-th extension. */
async function failingAt(n: number): Promise<Runtime> {
  const runtime = await openTiny();
  let left = n;
  const failing = (session: Session): Session => ({
    ...session,
    get length() {
      return session.length;
    },
    extend(...args) {
      left--;
      return left <= 0 ? Promise.reject(new DeviceFailure('the device was lost')) : session.extend(...args);
    },
    fork: () => failing(session.fork()),
  });
  return { ...runtime, open: (capacity) => failing(runtime.open(capacity)) };
}

const native = { name: 'native', open: () => openTiny() };

describe('a device that fails', () => {
  it.each([1, 4, 6, 30])('at its step %i leaves the session whole', async (step) => {
    const told: string[] = [];
    const flaky = { name: 'flaky', open: () => failingAt(step) };
    const runtime = await openWithFallback([flaky, native], (message) => told.push(message));
    expect(await work(runtime)).toEqual(await work(await openTiny()));
    expect(await work(runtime)).toEqual(await work(await openTiny()));
    expect(told).toEqual([`flaky failed: the device was lost. The model runs on ${runtime.device} instead.`]);
  });

  it('takes all its sessions and forks along', async () => {
    const told: string[] = [];
    const flaky = { name: 'flaky', open: () => failingAt(3) };
    const runtime = await openWithFallback([flaky, native], (message) => told.push(message));
    const wanted = await work(await openTiny());
    const session = runtime.open(LENGTH);
    await session.read(sliceRows(rows, 0, SEP));
    await session.extend(sliceRows(rows, SEP, SEP + 4));
    const forks = [session.fork(), session.fork()];
    const found = await Promise.all(forks.map((fork) => fork.extend(sliceRows(rows, SEP + 4))));
    for (const logits of found)
      expect(logits.every((logit, i) => Math.abs(logit - (wanted[i] as number)) < 1e-4)).toBe(true);
    expect(session.length).toBe(SEP + 4);
    expect(told).toHaveLength(1);
  });

  it('that has no memory gets a smaller context twice, then another takes over', async () => {
    const told: string[] = [];
    const asked: number[] = [];
    const small = async (): Promise<Runtime> => {
      const runtime = await openTiny();
      const open = (capacity: number): Session => {
        const session = runtime.open(capacity);
        const read = (...args: Parameters<Session['read']>) => {
          asked.push(capacity);
          return capacity > room
            ? Promise.reject(deviceFailure('CUDA failure 2: out of memory'))
            : session.read(...args);
        };
        return { ...session, read, dispose: session.dispose };
      };
      return { ...runtime, open };
    };
    let room = 10;
    const tell = (message: string) => void told.push(message);
    const runtime = await openWithFallback([{ name: 'small', open: small }, native], tell, 2);
    const within = createWithinMemory(400, tell);
    const read = (contextTokens: number) =>
      within({ contextTokens }, async (less) => {
        const session = runtime.open(less.contextTokens / 20);
        try {
          await session.read(sliceRows(rows, 0, 5));
          return runtime.device;
        } finally {
          session.dispose();
        }
      });
    expect(await read(400)).toBe(runtime.device);
    expect(asked).toEqual([20, 10]);
    room = 4;
    await read(400);
    expect(asked).toEqual([20, 10, 10, 5]);
    expect(told).toEqual([
      'The device has no memory for 400 tokens of context. The model reads fewer from now on.',
      `small failed: CUDA failure 2: out of memory. The model runs on ${runtime.device} instead.`,
    ]);
    runtime.dispose();
  });

  it('when nothing is left, fails the call', async () => {
    const runtime = await openWithFallback([{ name: 'flaky', open: () => failingAt(1) }], () => undefined);
    await expect(work(runtime)).rejects.toThrow('the device was lost');
  });

  it('is not blamed for a wrong call or one that was stopped', async () => {
    const told: string[] = [];
    const runtime = await openWithFallback([native, native], (message) => told.push(message));
    expect(() => runtime.open(0)).toThrow('A session of 0 tokens cannot be opened');
    const session = runtime.open(4);
    await expect(session.read(rows)).rejects.toThrow('room for 4 tokens');
    await expect(session.read(sliceRows(rows, 0, 3), AbortSignal.abort())).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(session.length).toBe(0);
    expect(told).toEqual([]);
  });
});

describe('a model on onnxruntime', { timeout: 60_000 }, () => {
  const told: string[] = [];
  afterEach(() => {
    told.splice(0);
    delete process.env.CLOZE_TEST_DIES_AT;
  });
  const open = (runtime: RuntimeOptions['runtime'], own = host) =>
    openRuntime(folder, {
      runtime: runtime as 'onnx-cpu',
      threads: 1,
      precision: 'float32',
      onnx: { cacheFolder, host: own },
      tell: (message) => told.push(message),
    });

  it('whose worker is killed goes on natively', async () => {
    process.env.CLOZE_TEST_DIES_AT = '8';
    const dying = await openOnnx(folder, { host: dyingHost });
    const candidates = [{ name: 'onnx-cpu', open: async () => dying }, native];
    const runtime = await openWithFallback(candidates, (message) => told.push(message));
    expect(runtime.device).toMatch(/^onnx cpu/);
    const [found, wanted] = [await work(runtime), await work(await openTiny())];
    expect(found.every((logit, i) => Math.abs(logit - (wanted[i] as number)) < 1e-4)).toBe(true);
    expect(runtime.device).toMatch(/^native/);
    expect(told).toEqual([
      `onnx-cpu failed: its worker ended with code 7. The model runs on ${runtime.device} instead.`,
    ]);
  });

  it('is used when its provider works', async () => {
    const runtime = await open('onnx-cpu');
    expect(runtime.device).toBe('onnx cpu float32, 1 thread');
    expect(told).toEqual([]);
    runtime.dispose();
  });

  it('whose provider aborts while it is tried runs natively', async () => {
    const runtime = await open('onnx-cpu', dyingHost);
    expect(runtime.device).toMatch(/^native/);
    expect(told).toEqual([
      `onnx-cpu cannot be used: it was ended by SIGABRT. The model runs on ${runtime.device} instead.`,
    ]);
  });

  it('whose provider is not there runs natively, and says what is missing', async () => {
    const runtime = await open('onnx-dml');
    expect(runtime.device).toMatch(/^native/);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/^onnx-dml cannot be used: .*dml/i);
  });
});

it('an engine whose worker is killed at the 100th request writes the same text', { timeout: 120_000 }, async () => {
  const told: string[] = [];
  const modelFolder = join(process.cwd(), 'engine/embedded-model');
  const load = (options: Partial<EngineOptions>) =>
    loadEngine({ modelFolder, threads: 1, precision: 'float32', tell: (message) => told.push(message), ...options });
  process.env.CLOZE_TEST_DIES_AT = '100';
  const engine = await load({ runtime: 'onnx-cpu', onnx: { cacheFolder, host: dyingHost } });
  delete process.env.CLOZE_TEST_DIES_AT;
  const plain = await load({});
  const options = {
    maxTokens: 24,
    temperature: 0,
    topP: 1,
    seed: 0,
    singleLine: false,
    timeLimit: 0,
    documentCache: false,
  };
  const devices: string[] = [];
  for (const blank of [...blanks, ...blanks, ...blanks]) {
    const fill = await engine.fill(blank, options);
    devices.push(fill.device);
    expect(fill.text).toBe((await plain.fill(blank, options)).text);
  }
  expect(devices[0]).toMatch(/^onnx cpu/);
  expect(devices.at(-1)).toBe(plain.device);
  expect(engine.device).toBe(plain.device);
  expect(told).toHaveLength(1);
  await engine.dispose();
  await plain.dispose();
});

describe('an engine on a device with little memory', { timeout: 120_000 }, () => {
  const modelFolder = join(process.cwd(), 'engine/embedded-model');
  const source = readFileSync('engine/runtime/fallback.ts', 'utf8');
  const cut = source.indexOf('\n', source.length / 2);
  const passage: Passage = {
    path: 'fallback.ts',
    languageId: 'typescript',
    before: source.slice(0, cut),
    after: source.slice(cut),
    forced: '',
    neighbours: [],
    kind: 'sentence',
  };
  const options = {
    maxTokens: 8,
    temperature: 0,
    topP: 1,
    seed: 0,
    singleLine: true,
    timeLimit: 0,
    documentCache: false,
  };
  const told: string[] = [];
  afterEach(() => void told.splice(0));
  const load = async (room: string | undefined) => {
    const shared = {
      modelFolder,
      threads: 1,
      precision: 'float32' as const,
      tell: (text: string) => void told.push(text),
    };
    if (room === undefined) return loadEngine(shared);
    process.env.CLOZE_TEST_ROOM = room;
    const engine = await loadEngine({ ...shared, runtime: 'onnx-cpu', onnx: { cacheFolder, host: dyingHost } });
    delete process.env.CLOZE_TEST_ROOM;
    return engine;
  };

  it('reads less there, says so once, and goes on', async () => {
    const [engine, plain] = [await load('300'), await load(undefined)];
    const fills = [await engine.fill(passage, { ...options, contextTokens: 800 })];
    fills.push(await engine.fill({ ...passage, path: 'other.ts' }, { ...options, contextTokens: 800 }));
    for (const { device, partA } of fills) {
      expect(device).toMatch(/^onnx cpu/);
      expect(partA).toBeGreaterThan(100);
      expect(partA).toBeLessThanOrEqual(200);
    }
    const wanted = await plain.fill(passage, { ...options, contextTokens: 200 });
    expect(fills[0]?.text).toBe(wanted.text);
    expect(told).toEqual(['The device has no memory for 800 tokens of context. The model reads fewer from now on.']);
    await engine.dispose();
    await plain.dispose();
  });

  it('runs on the processor when that is not enough', async () => {
    const [engine, plain] = [await load('40'), await load(undefined)];
    const wanted = await plain.fill(passage, { ...options, contextTokens: 200 });
    const fill = await engine.fill(passage, { ...options, contextTokens: 800 });
    expect(fill.device).toBe(plain.device);
    expect(fill.text).toBe(wanted.text);
    expect(told).toHaveLength(2);
    expect(told[1]).toMatch(/^onnx-cpu failed: Failed to allocate memory.* The model runs on native/);
    await engine.dispose();
    await plain.dispose();
  });
});

it('a provider that works has nothing wrong, and onnxruntime reports to nobody', async () => {
  const own = mkdtempSync(join(tmpdir(), 'cloze-quiet-'));
  onTestFinished(() => rmSync(own, { recursive: true }));
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv('TMPDIR', own);
  expect(await probeProvider('cpu', host)).toBeUndefined();
  // Its telemetry would keep a session and a log there.
  expect(readdirSync(own)).toEqual([]);
});
