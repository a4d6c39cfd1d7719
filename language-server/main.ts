/** Entry of the language server's process, `cloze-language-server --stdio` or, for VS Code, `--node-ipc`. Wiring only. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createConnection } from 'vscode-languageserver/node';
import { dataFolder } from '../engine/cli/environment.ts';
import { programPath } from '../engine/program-path.ts';
import { projectHome, rollBack, tunedFolder, tunedModelAt } from '../engine/tuning/tuned-models.ts';
import manifest from '../package.json' with { type: 'json' };
import { createShelf } from './models/shelf.ts';
import { serve } from './server.ts';
import { createTuner } from './tuning/tuner.ts';

/** `CLOZE_CPU` forces a level of the processor's kernels, as for the command line. */
const kernelLevel = process.env.CLOZE_CPU ?? '';

/** Models converted for onnxruntime, as the command line keeps them. */
const graphs = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'cloze', 'graphs');

/** Tests put a worker with a bad driver in the place of ours. */
const onnxHost = process.env.CLOZE_ONNX_HOST;

const embeddedModel = join(import.meta.dirname, '..', 'engine', 'embedded-model');

/** The model that `cloze tune --use` has chosen for a workspace folder. */
async function tunedModel(root: string): Promise<string | undefined> {
  try {
    return await tunedModelAt(tunedFolder(dataFolder()), fileURLToPath(root), embeddedModel);
  } catch {
    // A folder that is no file of this machine, or a model that cannot be read: the one that ships is used.
    return undefined;
  }
}

const USAGE = `Usage: cloze-language-server --stdio

Speaks the Language Server Protocol 3.18 (textDocument/inlineCompletion) on standard input and output.

  --stdio           standard input and output; what an editor wants
  --node-ipc        the channel of a parent process that is Node
  --socket=PORT     connects to the editor's port on this machine
  --pipe=NAME       a pipe of Windows, or a socket of Unix, by its name
  --version         prints the version`;

const args = process.argv.slice(2);
if (args.includes('--version')) {
  process.stdout.write(`${manifest.version}\n`);
} else if (args.some((arg) => /^--(stdio|node-ipc|socket|pipe)\b/.test(arg))) {
  serve(createConnection(), {
    // Loaded on demand: the answer to `initialize` must not wait for the engine's code.
    load: async (choice, tell) => {
      const { loadEngine } = await import('../engine/index.ts');
      const onnx = { cacheFolder: graphs, ...(onnxHost ? { host: onnxHost } : {}) };
      return loadEngine({ ...choice, level: kernelLevel, onnx, tell });
    },
    embeddedModel,
    tunedModel,
    tuning: {
      tuner: createTuner({ program: () => programPath('cloze.mjs') }),
      rollBack: async (folder) => rollBack(await projectHome(tunedFolder(dataFolder()), folder), folder),
    },
    shelf: createShelf({ data: dataFolder(), embeddedModel, level: kernelLevel }),
    version: manifest.version,
  });
} else {
  const asked = args.includes('--help');
  (asked ? process.stdout : process.stderr).write(`${USAGE}\n`);
  process.exitCode = asked ? 0 : 2;
}
