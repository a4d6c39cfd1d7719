import { defineConfig } from 'vitest/config';

/** Three projects: `unit` is pure, `server` speaks LSP with a real process, `editor` drives a real VS Code. */
export default defineConfig({
  test: {
    projects: [
      {
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], globalSetup: ['test/unit/onnx/bundle.ts'] },
      },
      {
        test: {
          name: 'server',
          include: ['test/server/**/*.test.ts'],
          globalSetup: ['test/server/bundle.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'editor',
          include: ['test/editor/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
