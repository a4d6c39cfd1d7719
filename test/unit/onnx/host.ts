/** The onnx runtime for tests: its worker bundled from the sources, its graphs in a folder that is removed at the end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import type { ModelFolder } from '../../../engine/model/load.ts';
import { type OnnxRuntimeOptions, openOnnxRuntime } from '../../../engine/runtime/onnx/onnx.ts';
import type { Runtime } from '../../../engine/runtime/runtime.ts';
import { DYING_HOST, ONNX_HOST } from './bundle.ts';

export const host = resolve(ONNX_HOST);
export const dyingHost = resolve(DYING_HOST);
export const cacheFolder = mkdtempSync(join(tmpdir(), 'cloze-graphs-'));
afterAll(() => rmSync(cacheFolder, { recursive: true, force: true }));

export function openOnnx(folder: ModelFolder, options: Partial<OnnxRuntimeOptions> = {}): Promise<Runtime> {
  return openOnnxRuntime(folder, { provider: 'cpu', threads: 1, cacheFolder, host, ...options });
}
