/**
 * Bundles what ships into dist/: the extension, the language server, the command line; and the program behind
 * `npm start` and `npm run package`. `node esbuild.mjs` builds all.
 * Native addons and onnxruntime-node stay outside: they bring files that must lie beside their own code.
 */
import { resolve } from 'node:path';
import { build } from 'esbuild';

const shared = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
  external: ['vscode', 'onnxruntime-node', '*.node'],
  // Prefer ES modules of dependencies: their UMD builds hide `require` from the bundler.
  mainFields: ['module', 'main'],
};

/** VS Code starts both of its processes from CommonJS, which has no `import.meta`. */
const commonjs = {
  ...shared,
  format: 'cjs',
  banner: { js: `const moduleUrl = require('node:url').pathToFileURL(__filename).href;` },
  define: { 'import.meta.url': 'moduleUrl', 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
};

/** What looks at graphics cards is nearly half of the server: a file of its own, read when somebody asks which there are. */
const devicesApart = {
  name: 'devices apart',
  setup({ onResolve }) {
    onResolve({ filter: /^systeminformation$/ }, () => ({ path: './system-information.cjs', external: true }));
  },
};

/** The server is also a command, `cloze-language-server --stdio`. */
const server = {
  ...commonjs,
  plugins: [devicesApart],
  banner: { js: `#!/usr/bin/env node\n${commonjs.banner.js}` },
};

/** Dynamic imports become `require`: the only one that VS Code gives its own module to on every platform. */
const extension = { ...commonjs, minify: true, supported: { 'dynamic-import': false } };

/** The language client is a hundred times the rest of the extension: a file of its own, read after activation. */
const clientApart = {
  name: 'client apart',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/client\.ts$/ }, () => ({ path: './client.cjs', external: true }));
  },
};

/** Nothing that the client is asked for matches file patterns: their library stays outside. */
const withoutPatterns = {
  name: 'without file patterns',
  setup({ onResolve }) {
    onResolve({ filter: /^minimatch$/ }, () => ({ path: resolve('extension/no-file-patterns.ts') }));
  },
};

/** Which editors may run the extension is said by the manifest's `engines`; the client's own check brings a library for it. */
const withoutVersionCheck = {
  name: 'without version check',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^semver\/functions\/(parse|satisfies)$/ }, ({ path }) => ({ path, namespace: 'any-version' }));
    onLoad({ filter: /.*/, namespace: 'any-version' }, () => ({ contents: 'module.exports = () => true;' }));
  },
};

/** An ES module whose CommonJS dependencies still find `require`. */
const module = {
  ...shared,
  format: 'esm',
  banner: {
    js: `import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);`,
  },
};

/** Can be run by its name. */
const command = { ...module, banner: { js: `#!/usr/bin/env node\n${module.banner.js}` } };

/** Runs in a page of the editor, with its style sheet beside it. */
const page = {
  bundle: true,
  platform: 'browser',
  target: 'es2022',
  format: 'iife',
  minify: true,
  sourcemap: false,
  logLevel: 'warning',
};

await Promise.all([
  build({ ...extension, plugins: [clientApart], entryPoints: ['extension/main.ts'], outfile: 'dist/extension.cjs' }),
  build({
    ...extension,
    plugins: [withoutPatterns, withoutVersionCheck],
    entryPoints: ['extension/client.ts'],
    outfile: 'dist/client.cjs',
  }),
  build({ ...server, entryPoints: ['language-server/main.ts'], outfile: 'dist/server.cjs' }),
  build({ ...commonjs, entryPoints: ['systeminformation'], outfile: 'dist/system-information.cjs' }),
  build({ ...page, entryPoints: ['media/chat/main.ts', 'media/chat/chat.css'], outdir: 'dist/chat' }),
  build({ ...page, entryPoints: ['media/lens/main.ts', 'media/lens/lens.css'], outdir: 'dist/lens' }),
  build({
    ...page,
    entryPoints: ['media/statistics/main.ts', 'media/statistics/statistics.css'],
    outdir: 'dist/statistics',
  }),
  build({ ...command, entryPoints: ['engine/cli/main.ts'], outfile: 'dist/cloze.mjs' }),
  build({ ...module, entryPoints: ['engine/runtime/onnx/host.ts'], outfile: 'dist/onnx-host.mjs' }),
  build({ ...module, entryPoints: ['engine/chat/template-host.ts'], outfile: 'dist/template-host.mjs' }),
  build({ ...module, entryPoints: ['test/editor/start.ts'], outfile: 'dist/start.mjs' }),
  build({ ...module, entryPoints: ['test/bench/main.ts'], outfile: 'dist/bench.mjs' }),
  build({ ...server, entryPoints: ['test/bench/typing/rereading-server.ts'], outfile: 'dist/rereading-server.cjs' }),
  build({ ...module, entryPoints: ['test/unit/onnx/dying-host.ts'], outfile: 'dist/dying-host.mjs' }),
  build({ ...module, entryPoints: ['test/mutations/main.ts'], outfile: 'dist/mutations.mjs' }),
  build({ ...module, entryPoints: ['packaging/main.ts'], outfile: 'dist/package.mjs' }),
]);
