/** Entry of the language server's process: `--stdio` or `--node-ipc`. Wiring only. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'vscode-languageserver/node';
import manifest from '../package.json' with { type: 'json' };
import { serve } from './server.ts';

/** `CLOZE_CPU` forces a level of the processor's kernels, as for the command line. */
const kernelLevel = process.env.CLOZE_CPU ?? '';

/** Models converted for onnxruntime, as the command line keeps them. */
const graphs = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'cloze', 'graphs');

serve(createConnection(), {
  // Loaded on demand: the answer to `initialize` must not wait for the engine's code.
  load: async (choice, tell) => {
    const { loadEngine } = await import('../engine/index.ts');
    return loadEngine({ ...choice, level: kernelLevel, onnx: { cacheFolder: graphs }, tell });
  },
  embeddedModel: join(import.meta.dirname, '..', 'engine', 'embedded-model'),
  version: manifest.version,
});
