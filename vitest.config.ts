import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { chromiumFolder } from './test/editor/chromium-install.ts';

/** No timing decides a test: what is waited for is a state, which a busy machine reaches late. */
const PATIENT = { testTimeout: 60_000, hookTimeout: 60_000, expect: { poll: { timeout: 30_000 } } };

/**
 * Four projects: `unit` is pure, `server` speaks LSP with a real process, `editor` drives a real VS Code, `webgpu` runs
 * models on a GPU that is software (Linux on x64 only).
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...PATIENT,
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          globalSetup: ['test/unit/onnx/bundle.ts'],
        },
      },
      {
        test: {
          ...PATIENT,
          name: 'server',
          include: ['test/server/**/*.test.ts'],
          globalSetup: ['test/server/bundle.ts', 'test/unit/onnx/bundle.ts'],
        },
      },
      {
        test: {
          name: 'webgpu',
          include: process.platform === 'linux' && process.arch === 'x64' ? ['test/webgpu/**/*.test.ts'] : [],
          globalSetup: ['test/webgpu/swiftshader.ts'],
          fileParallelism: false,
          testTimeout: 240_000,
          env: {
            // The loader of Vulkan, found as a process starts, and its one driver.
            LD_LIBRARY_PATH: chromiumFolder(),
            VK_ICD_FILENAMES: join(chromiumFolder(), 'vk_swiftshader_icd.json'),
            XDG_RUNTIME_DIR: tmpdir(),
          },
        },
      },
      {
        test: {
          name: 'editor',
          include: ['test/editor/**/*.test.ts'],
          globalSetup: ['test/editor/package.ts'],
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 600_000,
          expect: { poll: { timeout: 60_000 } },
        },
      },
    ],
  },
});
