/** `npm run bench -- golf [FOLDER]`: how many keys completions save a person who types held-out text again. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFileAtomically } from '../../../engine/checkpoint/atomic-write.ts';
import { wholeNumber } from '../../../engine/cli/arguments.ts';
import { dataFolder } from '../../../engine/cli/environment.ts';
import { corpusPlaces } from '../../../engine/training/corpus/corpus.ts';
import type { ClozeSettings } from '../../../language-server/protocol.ts';
import { checkSettings } from '../../../language-server/settings.ts';
import { drawHoles, folderSources, heldOutSources } from './holes.ts';
import { figures, type GolfReport, toPage } from './page.ts';
import { openReplay } from './replay.ts';
import { runSweeps } from './sweeps.ts';
import { sum } from './typist.ts';

const USAGE = `Usage: npm run bench -- golf [FOLDER] [options]

Types stretches of held-out text (or of the .ts, .js and .py files in FOLDER) again and counts the keys that completions
save, for each setting in turn.

  --files N       documents, one stretch of each, default 24
  --length N      characters of a stretch, default 200
  --model FOLDER  default: the embedded model
  --threads N     default 1
  --completion S  settings of inline completion as JSON, such as '{"threshold": 0.3}', in place of their defaults
  --flicker       only types on without taking anything, and counts what changes on the screen
  --json FILE     every score of every stretch
  --docs FOLDER   write defaults.md and figures/golf-*.svg there`;

export async function benchGolf(args: readonly string[], machine: string): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      files: { type: 'string', default: '24' },
      length: { type: 'string', default: '200' },
      model: { type: 'string', default: 'engine/embedded-model' },
      threads: { type: 'string', default: '1' },
      completion: { type: 'string', default: '{}' },
      flicker: { type: 'boolean' },
      json: { type: 'string' },
      docs: { type: 'string' },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const files = wholeNumber(values.files, '--files', 1);
  const length = wholeNumber(values.length, '--length', 20, 10_000);
  const [folder] = positionals;
  const sources =
    folder === undefined
      ? await heldOutSources(corpusPlaces(dataFolder()).corpus, 'engine/embedded-model/tokenizer.json', files)
      : await folderSources(folder, files);
  const holes = drawHoles(sources, length);
  const base = completionSettings(values.completion);
  const replay = await openReplay(values.model, wholeNumber(values.threads, '--threads', 0), base);
  try {
    if (values.flicker) {
      const { keys, shown, flickers } = sum(await replay.run(holes, {}, 'idle'));
      const counted = `${keys} keys, ${shown} suggestions, ${flickers} changed or went although the typed text agreed`;
      process.stdout.write(`${machine}\n${replay.model} (${replay.device}): ${counted}\n`);
      return;
    }
    const sweeps = await runSweeps(replay, holes, (line) => process.stderr.write(`${line}\n`));
    const report: GolfReport = {
      command: `npm run bench -- golf ${args.join(' ')}`.trimEnd(),
      machine,
      model: replay.model,
      device: replay.device,
      holes: holes.map(({ path, language, scene, typed }) => ({ path, language, scene, characters: typed.length })),
      sweeps,
      flicker: sum(await replay.run(holes, {}, 'idle')),
    };
    process.stdout.write(toPage(report));
    if (values.json) await writeFileAtomically(values.json, `${JSON.stringify(report, null, 2)}\n`);
    if (values.docs) await writeDocs(values.docs, report);
  } finally {
    await replay.dispose();
  }
}

async function writeDocs(folder: string, report: GolfReport): Promise<void> {
  await mkdir(join(folder, 'figures'), { recursive: true });
  for (const [name, svg] of Object.entries(figures(report))) {
    await writeFileAtomically(join(folder, 'figures', name), svg);
  }
  await writeFileAtomically(join(folder, 'defaults.md'), toPage(report));
}

/** Only what was given; throws where a name or a value is none that the editor would take. */
function completionSettings(given: string): Partial<ClozeSettings['completion']> {
  const completion: unknown = JSON.parse(given);
  const { settings, problems } = checkSettings({ completion });
  const unknown = Object.keys(Object(completion)).filter((name) => !Object.hasOwn(settings.completion, name));
  if (unknown.length > 0) problems.push(`There is no setting cloze.completion.${unknown.join(', ')}.`);
  if (problems.length > 0) throw new Error(`--completion: ${problems.join(' ')}`);
  return completion as Partial<ClozeSettings['completion']>;
}
