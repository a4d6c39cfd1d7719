/** What a model took on the device is free again once it is unloaded: here the device's memory is this process's own. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, expect, it } from 'vitest';
import { loadModelFolder } from '../../engine/model/load.ts';
import { randomModel } from '../unit/fit/random-model.ts';
import { openOnnx } from '../unit/onnx/host.ts';

const home = mkdtempSync(join(tmpdir(), 'cloze-unload-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

// What was converted and hashed on the way is garbage of JavaScript.
setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Bytes of this process that lie in no file, SwiftShader's buffers among them. */
const anonymous = () => 1024 * Number(/RssAnon:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);

async function until(done: () => boolean): Promise<boolean> {
  for (let turn = 0; turn < 100 && !done(); turn++) {
    collect();
    await pause(100);
  }
  return done();
}

it('a model gives its memory on the device back', async () => {
  // About 70 MB of weights, most of them a table that a step looks up in.
  const folder = await loadModelFolder(await randomModel(home, { layers: 1, vocabSize: 32_000 }));
  const size = 4 * 512 * 32_000;
  const rows = { tokens: Int32Array.of(1), positions: Int32Array.of(0), blockPositions: Int32Array.of(0) };
  const use = async () => {
    const runtime = await openOnnx(folder, { provider: 'webgpu' });
    const session = runtime.open(64);
    await session.extend(rows);
    const held = anonymous();
    session.dispose();
    runtime.dispose();
    return held;
  };
  // The driver, its compiler and onnxruntime's own environment stay.
  await use();
  collect();
  await pause(1000);
  const before = anonymous();
  for (let turn = 0; turn < 4; turn++) {
    const held = await use();
    expect(held - before, `turn ${turn}`).toBeGreaterThan(0.8 * size);
    // The allocator may keep what a model or two had for the next ones; what is leaked is held once more after each.
    const free = await until(() => anonymous() - before < 2.5 * size);
    expect(free, `turn ${turn}: ${anonymous() - before} bytes are still held`).toBe(true);
  }
});
