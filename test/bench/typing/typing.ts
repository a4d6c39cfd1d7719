/** `npm run bench -- typing [FOLDER]`: what a keystroke costs in the real language server, with anchored blanks and without. */
import { parseArgs } from 'node:util';
import { writeFileAtomically } from '../../../engine/checkpoint/atomic-write.ts';
import { wholeNumber } from '../../../engine/cli/arguments.ts';
import { dataFolder } from '../../../engine/cli/environment.ts';
import { corpusPlaces } from '../../../engine/training/corpus/corpus.ts';
import { startClient } from '../../server/client.ts';
import { folderSources, heldOutSources } from '../golf/holes.ts';
import { type Figures, figuresOf, toLines } from './figures.ts';
import { createPlayer, type Keystroke } from './replay.ts';
import { drawScripts } from './script.ts';

/** None of the models that are installed on this machine. */
const OWN_MODEL = { CLOZE_DATA: 'dist/no-models' };

const USAGE = `Usage: npm run bench -- typing [FOLDER] [options]

Types stretches of held-out text (or of the .ts, .js and .py files in FOLDER) again on the language server over stdio, with
slips and jumps; once as it ships, once reading the text around the cursor anew for every call of the model.

  --files N    documents, default 12
  --length N   characters of the longer stretch in each, default 240
  --context N  tokens of text around the cursor, default 800 as in the settings
  --look MS    for which the person looks at a suggestion; meanwhile the server prepares the next one, default 0
  --model FOLDER  default: the embedded model
  --threads N  default 1
  --json FILE  every figure, with each keystroke`;

const SERVERS = { anchored: 'dist/server.cjs', rereading: 'dist/rereading-server.cjs' } as const;
type Kind = keyof typeof SERVERS;
const KINDS = Object.keys(SERVERS) as Kind[];

export async function benchTyping(args: readonly string[], machine: string): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      files: { type: 'string', default: '12' },
      length: { type: 'string', default: '240' },
      context: { type: 'string', default: '800' },
      look: { type: 'string', default: '0' },
      model: { type: 'string', default: '' },
      threads: { type: 'string', default: '1' },
      json: { type: 'string' },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const files = wholeNumber(values.files, '--files', 1);
  const look = wholeNumber(values.look, '--look', 0);
  const [folder] = positionals;
  const sources =
    folder === undefined
      ? await heldOutSources(corpusPlaces(dataFolder()).corpus, 'engine/embedded-model/tokenizer.json', files)
      : await folderSources(folder, files);
  const scripts = drawScripts(sources, wholeNumber(values.length, '--length', 20, 10_000));
  const initializationOptions = {
    threads: wholeNumber(values.threads, '--threads', 0),
    model: { path: values.model },
    // No time limit: then both servers answer the same, however busy the machine is.
    completion: { contextTokens: wholeNumber(values.context, '--context', 64), timeLimit: 0 },
    unloadAfter: 0,
  };
  const clients = await Promise.all(
    KINDS.map((kind) =>
      startClient({ transport: 'stdio', server: SERVERS[kind], initializationOptions, env: OWN_MODEL }),
    ),
  );
  try {
    const statuses = await Promise.all(clients.map((client) => client.status('ready')));
    const players = clients.map((client) => createPlayer(client, { look }));
    const played: Record<Kind, Keystroke[]> = { anchored: [], rereading: [] };
    // Script by script in turn, so that a slow moment of the machine hits both.
    for (const [index, script] of scripts.entries()) {
      for (const [i, kind] of KINDS.entries()) played[kind].push(...((await players[i]?.play(script)) ?? []));
      process.stderr.write(`${index + 1} of ${scripts.length}: ${script.path}\n`);
    }
    const figures: Record<Kind, Figures> = {
      anchored: figuresOf(played.anchored),
      rereading: figuresOf(played.rereading),
    };
    const { model, device } = statuses[0] ?? { model: '', device: '' };
    process.stdout.write(
      `${machine}\n${model}, ${device}, ${scripts.length} documents\n${toLines(figures).join('\n')}\n`,
    );
    if (values.json) {
      const report = { machine, model, device, arguments: args, figures, keystrokes: played };
      await writeFileAtomically(values.json, `${JSON.stringify(report, null, 2)}\n`);
    }
  } finally {
    for (const client of clients) await client.close();
  }
}
