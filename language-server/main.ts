/** Entry of the language server's process: `--stdio` or `--node-ipc`. Wiring only. */
import { join } from 'node:path';
import { createConnection } from 'vscode-languageserver/node';
import manifest from '../package.json' with { type: 'json' };
import { serve } from './server.ts';

/** `CLOZE_CPU` forces a level of the processor's kernels, as for the command line. */
const kernelLevel = process.env.CLOZE_CPU ?? '';

serve(createConnection(), {
  // Loaded on demand: the answer to `initialize` must not wait for the engine's code.
  load: async (choice) => (await import('../engine/index.ts')).loadEngine({ ...choice, level: kernelLevel }),
  embeddedModel: join(import.meta.dirname, '..', 'engine', 'embedded-model'),
  version: manifest.version,
});
