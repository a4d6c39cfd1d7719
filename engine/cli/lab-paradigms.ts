/** `cloze lab paradigms`: models pre-trained in several ways, side by side. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { corpusTasks } from '../finetuning/corpus-tasks/draw-examples.ts';
import { type LabRun, runLab } from '../lab/paradigms/lab.ts';
import { labConfig, MEASURING, USUAL } from '../lab/paradigms/plan.ts';
import { labParadigms } from '../lab/paradigms/registry.ts';
import { labMarkdown, labPlots, labReport } from '../lab/paradigms/report.ts';
import { parameterCount } from '../model/config.ts';
import { loadTokenizer } from '../tokenizer/load.ts';
import { corpusPlaces } from '../training/corpus/corpus.ts';
import type { CorpusManifest } from '../training/corpus/manifest.ts';
import { openPackedCorpus } from '../training/corpus/packed-corpus.ts';
import { amount, oneOf, wholeNumber } from './arguments.ts';
import { dataFolder, embeddedModel, kernelLevel } from './environment.ts';
import { commandLine, machine, progress, writePlots } from './measurement.ts';

const NAMES = labParadigms.map(({ name }) => name);
const TASKS = corpusTasks.map(({ task }) => task.name);

const USAGE = `Usage: cloze lab paradigms [options]

Trains one transformer in several ways, with equal parameters, text, rows and steps, and asks all models the same about
held-out packages: blanks of unknown length, writing from left to right, describing a function, understanding. Prints the
page. Every run is kept: the same command goes on where it was stopped, and does nothing twice.

  --paradigms LIST   default: ${NAMES.join(',')}
  --layers N         default ${USUAL.layers}
  --width N          a multiple of 32, default ${USUAL.hiddenSize}
  --tokens N         rows that each model sees in training, default 30M
  --length N         tokens of a text, default ${USUAL.length}
  --seeds N          default 3: seeds 1, 2 and 3
  --blanks N         of each kind, default ${MEASURING.blanks}
  --texts N          and as many described functions, default ${MEASURING.texts}
  --tasks LIST       of ${TASKS.join(', ')}; default ${MEASURING.tasks.join(',')}
  --examples N       to learn each task from, default ${MEASURING.examples}
  --run FOLDER       default: lab/paradigms in the data folder
  --threads N        default 1; figures do not depend on it
  --save-every S     seconds between checkpoints, default 120
  --json FILE        write the report and all runs to FILE
  --docs FOLDER      write paradigms.md to FOLDER and its drawings to FOLDER/figures
  --commit ID        the commit that this program was built from, for the page`;

export async function labParadigmsCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean', short: 'h' },
      paradigms: { type: 'string', default: NAMES.join(',') },
      layers: { type: 'string', default: String(USUAL.layers) },
      width: { type: 'string', default: String(USUAL.hiddenSize) },
      tokens: { type: 'string', default: String(USUAL.tokens) },
      length: { type: 'string', default: String(USUAL.length) },
      seeds: { type: 'string', default: '3' },
      blanks: { type: 'string', default: String(MEASURING.blanks) },
      texts: { type: 'string', default: String(MEASURING.texts) },
      tasks: { type: 'string', default: MEASURING.tasks.join(',') },
      examples: { type: 'string', default: String(MEASURING.examples) },
      run: { type: 'string' },
      threads: { type: 'string', default: '1' },
      'save-every': { type: 'string', default: '120' },
      json: { type: 'string' },
      docs: { type: 'string' },
      commit: { type: 'string' },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const asked = values.paradigms.split(',').map((name) => oneOf(name, '--paradigms', NAMES));
  const paradigms = labParadigms.filter(({ name }) => asked.includes(name));
  const training = {
    layers: wholeNumber(values.layers, '--layers', 1, 100),
    hiddenSize: wholeNumber(values.width, '--width', 32, 4096),
    tokens: amount(values.tokens, '--tokens'),
    length: wholeNumber(values.length, '--length', 96, 2048),
  };
  const texts = wholeNumber(values.texts, '--texts', 1);
  const measuring = {
    ...MEASURING,
    blanks: wholeNumber(values.blanks, '--blanks', 1),
    texts,
    descriptions: texts,
    tasks: values.tasks.split(',').map((name) => oneOf(name, '--tasks', TASKS)),
    examples: wholeNumber(values.examples, '--examples', 1),
  };
  const data = dataFolder();
  const corpusFolder = corpusPlaces(data).corpus;
  const tokenizerFolder = embeddedModel();
  const { tokenizer, sha256 } = await loadTokenizer(join(tokenizerFolder, 'tokenizer.json'));
  // A corpus that is not there or is damaged is told by these.
  const [trainingCorpus, heldOut] = [
    await openPackedCorpus(corpusFolder, 'train', sha256),
    await openPackedCorpus(corpusFolder, 'heldout', sha256),
  ];
  const { fingerprint }: CorpusManifest = JSON.parse(await readFile(join(corpusFolder, 'manifest.json'), 'utf8'));
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());

  let runs: LabRun[];
  try {
    runs = await runLab({
      paradigms,
      training,
      measuring,
      seeds: Array.from({ length: wholeNumber(values.seeds, '--seeds', 1, 10) }, (_, index) => index + 1),
      folder: values.run ?? join(data, 'lab', 'paradigms'),
      tokenizer,
      tokenizerFolder,
      tokenizerSha256: sha256,
      corpus: { training: trainingCorpus, heldOut, fingerprint },
      execution: {
        level: kernelLevel(),
        threads: wholeNumber(values.threads, '--threads', 1, 1024),
        precision: 'bfloat16',
      },
      saveEvery: wholeNumber(values['save-every'], '--save-every', 1),
      signal: stop.signal,
      onProgress: (run, { step, steps, loss, tokensPerSecond }) =>
        progress(`${run}: step ${step}/${steps}, loss ${loss.toFixed(3)}, ${Math.round(tokensPerSecond)} rows/s`),
      onRun: (run, fresh) =>
        process.stderr.write(
          `\n${run.paradigm}-${run.seed} ${fresh ? 'is done' : 'was done'}: ${JSON.stringify(run.measured)}\n`,
        ),
    });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.stderr.write('\nStopped; the same command goes on from here.\n');
    return 130;
  }
  const report = labReport(
    {
      command: commandLine(['lab', 'paradigms', ...args]),
      commit: values.commit ?? null,
      training,
      measuring,
      parameters: parameterCount(labConfig(training, tokenizer.vocabSize)),
      corpus: fingerprint,
      machine: machine(),
    },
    paradigms,
    runs,
  );
  const page = labMarkdown(report);
  process.stdout.write(page);
  if (values.json) await writeFileAtomically(values.json, `${JSON.stringify({ ...report, runs }, null, 2)}\n`);
  if (values.docs) {
    await mkdir(values.docs, { recursive: true });
    await writeFileAtomically(join(values.docs, 'paradigms.md'), page);
    await writePlots(join(values.docs, 'figures'), labPlots(report));
  }
  return 0;
}
