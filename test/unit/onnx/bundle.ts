/** Bundles what runs in workers and processes of its own once, before the tests, from the sources under test; and one that dies. */
import { build } from 'esbuild';

export const ONNX_HOST = 'test/output/onnx/host.mjs';
export const DYING_HOST = 'test/output/onnx/dying-host.mjs';

export const TEMPLATE_HOST = 'test/output/onnx/template-host.mjs';

export async function setup(): Promise<void> {
  await build({
    entryPoints: ['engine/runtime/onnx/host.ts', 'test/unit/onnx/dying-host.ts', 'engine/chat/template-host.ts'],
    outdir: 'test/output/onnx',
    entryNames: '[name]',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: ['onnxruntime-node'],
    logLevel: 'warning',
  });
}
