/** `cloze lab quantization`: the INT4 law, trained and measured here. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { quantizationLab } from '../lab/quantization/lab.ts';
import { labFigures } from '../lab/quantization/plots.ts';
import { parseSizes, USUAL_SIZES } from '../lab/quantization/recipes.ts';
import { labReport } from '../lab/quantization/report.ts';
import { loadAddon } from '../native.ts';
import { loadTokenizer } from '../tokenizer/load.ts';
import { corpusPlaces } from '../training/corpus/corpus.ts';
import type { CorpusManifest } from '../training/corpus/manifest.ts';
import { openPackedCorpus } from '../training/corpus/packed-corpus.ts';
import type { Progress } from '../training/pretrain.ts';
import { amount, wholeNumber } from './arguments.ts';
import { dataFolder, embeddedModel, kernelLevel } from './environment.ts';
import { commandLine, machine, writePlots } from './measurement.ts';

const USAGE = `Usage: cloze lab quantization [options]

Trains models of several sizes of two recipes on the same text, one like GLM-130B and one like BLOOM, and measures what
8 and 4 bits cost each of them on documents that were held out; the embedded model is measured beside them. Prints the
page. Runs and figures are kept: the same command goes on where it was stopped, and does nothing twice.

  --sizes LIST       layers x width, default ${USUAL_SIZES}; widths in multiples of 32
  --tokens N         what each model sees, default 30M
  --documents N      held-out documents at most, default 200
  --seed N           default 1
  --run FOLDER       default: lab/quantization in the data folder
  --threads N        default 1
  --save-every S     seconds between checkpoints, default 120
  --docs FOLDER      write int4.md to FOLDER and its drawings to FOLDER/figures
  --commit ID        the commit that this program was built from, for the page`;

export async function labQuantizationCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean', short: 'h' },
      sizes: { type: 'string', default: USUAL_SIZES },
      tokens: { type: 'string', default: '30M' },
      documents: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      run: { type: 'string' },
      threads: { type: 'string', default: '1' },
      'save-every': { type: 'string', default: '120' },
      docs: { type: 'string' },
      commit: { type: 'string' },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const sizes = parseSizes(values.sizes);
  const tokens = amount(values.tokens, '--tokens');
  const seed = wholeNumber(values.seed, '--seed', 0);
  const documents = wholeNumber(values.documents, '--documents', 1);
  const threads = wholeNumber(values.threads, '--threads', 1, 1024);
  const saveEvery = wholeNumber(values['save-every'], '--save-every', 1);
  const corpusFolder = corpusPlaces(dataFolder()).corpus;
  const tokenizerFolder = embeddedModel();
  const { tokenizer, sha256 } = await loadTokenizer(join(tokenizerFolder, 'tokenizer.json'));
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => stop.abort(new Error('Stopped. The same command goes on from here.')));
  }
  const corpus = await openPackedCorpus(corpusFolder, 'train', sha256);
  const heldOut = await openPackedCorpus(corpusFolder, 'heldout', sha256);
  const { fingerprint }: CorpusManifest = JSON.parse(await readFile(join(corpusFolder, 'manifest.json'), 'utf8'));
  const result = await quantizationLab({
    sizes,
    tokens,
    documents,
    seed,
    folder: values.run ?? join(dataFolder(), 'lab', 'quantization'),
    corpus,
    heldOut,
    fingerprint,
    tokenizer,
    tokenizerFolder,
    tokenizerSha256: sha256,
    beside: { name: 'embedded', folder: tokenizerFolder },
    execution: { level: kernelLevel(), threads },
    saveEvery,
    onLine: (line) => process.stderr.write(`${line}\n`),
    onProgress: report,
    signal: stop.signal,
  });
  const { docs, commit } = values;
  const page = labReport(result, {
    command: commandLine(['lab', 'quantization', ...args]),
    ...(commit ? { commit } : {}),
    fingerprint,
    machine: `${machine()}, kernels ${kernelLevel() || loadAddon().detectedLevel}`,
    tokens,
    seed,
  });
  process.stdout.write(page);
  if (docs) {
    await writePlots(join(docs, 'figures'), labFigures(result));
    await writeFileAtomically(join(docs, 'int4.md'), page);
  }
  return 0;
}

function report(model: string, { step, steps, tokens, loss, heldOut, tokensPerSecond, warning }: Progress): void {
  if (warning) process.stderr.write(`${model}: ${warning}\n`);
  if (step % 50 !== 0 && step !== steps) return;
  const held = heldOut === undefined ? '' : `, held out ${heldOut.toFixed(3)}`;
  process.stderr.write(
    `${model}: step ${step}/${steps}, ${(tokens / 1e6).toFixed(2)} M tokens, loss ${loss.toFixed(3)}${held}, ${Math.round(tokensPerSecond)} tokens/s\n`,
  );
}
