/** Bundles the onnx runtime's worker once, before the tests, from the sources under test. */
import { build } from 'esbuild';

export const ONNX_HOST = 'test/output/onnx-host.mjs';

export async function setup(): Promise<void> {
  await build({
    entryPoints: ['engine/runtime/onnx/host.ts'],
    outfile: ONNX_HOST,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: ['onnxruntime-node'],
    logLevel: 'warning',
  });
}
