import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { measureBandwidth } from '../../../engine/fit/bandwidth.ts';
import { findDevices } from '../../../engine/fit/devices.ts';
import { predictOnnxSpeed } from '../../../engine/fit/onnx-speed.ts';
import { predictSpeed } from '../../../engine/fit/speed.ts';
import { loadAddon } from '../../../engine/native.ts';
import { ONNX_HOST } from '../onnx/bundle.ts';
import { SHAPE } from './random-model.ts';

it('the processor comes first, with memory that is there, and nothing was asked of the network', {
  timeout: 120_000,
}, async () => {
  const connected = vi.spyOn(Socket.prototype, 'connect');
  const [processor, ...cards] = await findDevices();
  expect(processor).toMatchObject({ kind: 'cpu', name: expect.stringMatching(/\S/) });
  expect(processor?.free).toBeGreaterThan(0);
  expect(processor?.free).toBeLessThanOrEqual(processor?.total ?? 0);
  for (const card of cards) expect(card).toMatchObject({ kind: 'gpu', name: expect.stringMatching(/\S/) });
  expect(connected).not.toHaveBeenCalled();
});

it('the speed of a large model is measured with few of its layers, words and experts', {
  timeout: 120_000,
}, async () => {
  const form = { precision: 'int8', group: 'row', level: loadAddon().detectedLevel, threads: 1 } as const;
  const experts = {
    count: 64,
    perToken: 2,
    innerSize: 256,
    sharedSize: 256,
    denseLayers: 1,
    groups: 1,
    groupsUsed: 1,
    normalized: true,
    scale: 1,
  };
  const causal = {
    causal: true,
    positions: 'rotary-1d',
    normKind: 'rms-norm',
    activation: 'swiglu',
    bias: 'qkv',
  } as const;
  // Of tens of gigabytes: it could not be loaded here.
  const large = { ...SHAPE, hiddenSize: 2048, innerSize: 8192, heads: 16, layers: 400, vocabSize: 150_000 };
  for (const [config, small] of [
    [large, { layers: 4 }],
    [{ ...large, ...causal, tiedEmbedding: false, experts }, { layers: 4 }],
    [{ ...large, decoderLayers: 200 }, { decoderLayers: 2 }],
  ] as const) {
    const speed = await predictSpeed(config, form, 64);
    expect(speed).toBeGreaterThan(0);
    expect(await predictSpeed({ ...config, ...small }, form, 64)).toBeGreaterThan(speed);
  }
});

it('the speed of onnxruntime is measured by a model of zeros that leaves nothing behind', {
  timeout: 120_000,
}, async () => {
  const config = { ...SHAPE, hiddenSize: 256, innerSize: 512, heads: 4, maxLength: 128, vocabSize: 500 };
  const own = mkdtempSync(join(tmpdir(), 'cloze-test-'));
  vi.stubEnv('TMPDIR', own);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(own, { recursive: true });
  });
  expect(tmpdir()).toBe(own);
  for (const precision of ['float32', 'int8'] as const) {
    const place = { provider: 'cpu', precision, threads: 1, host: resolve(ONNX_HOST) } as const;
    const [few, many] = [
      { ...config, layers: 3 },
      { ...config, layers: 300 },
    ];
    const speed = await predictOnnxSpeed(many, place, 64);
    expect(speed).toBeGreaterThan(0);
    expect(await predictOnnxSpeed(few, place, 64)).toBeGreaterThan(speed);
  }
  expect(readdirSync(own)).toEqual([]);
});

it('bandwidth is a number of bytes', { timeout: 120_000 }, async () => {
  const form = { precision: 'float32', group: 'row', level: loadAddon().detectedLevel, threads: 1 } as const;
  const bandwidth = await measureBandwidth(form);
  expect(bandwidth).toBeGreaterThan(0);
  expect(bandwidth).toBeLessThan(Number.POSITIVE_INFINITY);
});
