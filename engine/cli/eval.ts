/** `cloze eval`: how well a model fills blanks in packages it has not seen, beside baselines that know habits or copy. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { commonEndings } from '../evaluation/common-endings.ts';
import { type Documents, packedDocuments } from '../evaluation/documents.ts';
import { drawTasks } from '../evaluation/draw-tasks.ts';
import { evaluate } from '../evaluation/evaluate.ts';
import { toMarkdown } from '../evaluation/markdown.ts';
import { buildReport } from '../evaluation/report.ts';
import { mostSimilarPlace, nearestSimilarLine } from '../evaluation/similar-place.ts';
import { taskLanguages } from '../evaluation/task.ts';
import { loadModel } from '../load-model.ts';
import { parameterCount } from '../model/config.ts';
import { loadTokenizer } from '../tokenizer/load.ts';
import { corpusPlaces } from '../training/corpus/corpus.ts';
import type { CorpusManifest } from '../training/corpus/manifest.ts';
import { openPackedCorpus } from '../training/corpus/packed-corpus.ts';
import { dataFolder, embeddedModel, kernelLevel } from './environment.ts';

const USAGE = `Usage: cloze eval [options]

Fills blanks in documents that the model has not seen, and sets it against the most common line ending and a copy of the
nearest similar line on the same tasks. Prints tables in Markdown; the same seed gives the same figures.

  --model FOLDER       a model folder (default: the embedded model)
  --corpus FOLDER      what "cloze corpus" has packed (default: corpus in the data folder)
  --split NAME         heldout (default) or train
  --tasks N            tasks of each kind, default 200
  --seed N             default 1
  --context-tokens N   most tokens of text around a blank, default 800 as in the editor
  --threads N          default: one fewer than the processors
  --json FILE          write everything to FILE, every answer included`;

export async function evalCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean', short: 'h' },
      model: { type: 'string' },
      corpus: { type: 'string' },
      split: { type: 'string', default: 'heldout' },
      tasks: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      'context-tokens': { type: 'string', default: '800' },
      threads: { type: 'string', default: '0' },
      json: { type: 'string' },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const { split } = values;
  if (split !== 'heldout' && split !== 'train') {
    throw new RangeError(`--split takes heldout or train, but was given "${split}".`);
  }
  const tasksPerKind = wholeNumber(values.tasks, '--tasks', taskLanguages.length);
  const seed = wholeNumber(values.seed, '--seed', 0);
  const contextTokens = wholeNumber(values['context-tokens'], '--context-tokens', 1);
  const threads = wholeNumber(values.threads, '--threads', 0);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Error('Stopped; nothing was written.')));

  const corpusFolder = values.corpus ?? corpusPlaces(dataFolder()).corpus;
  const { documents, training, manifest } = await openDocuments(corpusFolder, split);
  const tasks = drawTasks(documents, { perKind: tasksPerKind, seed });
  const modelFolder = values.model ?? embeddedModel();
  const model = await loadModel(modelFolder, { level: kernelLevel(), threads });
  const { folder, runtime } = model;
  try {
    const endings = await commonEndings(training, tasks, {
      seed,
      signal: stop.signal,
      onProgress: (done, all) => progress(`counting line endings: document ${done}/${all}`),
    });
    const evaluation = await evaluate(model, tasks, [...endings, nearestSimilarLine, mostSimilarPlace], {
      contextTokens,
      signal: stop.signal,
      onProgress: (done, all, { kind }) => progress(`${kind}: task ${done + 1}/${all}`),
    });
    progress('');
    const report = buildReport(
      {
        command: ['cloze', 'eval', ...args].map(quoted).join(' '),
        seed,
        tasksPerKind,
        contextTokens,
        model: {
          name: model.name,
          parameters: parameterCount(folder.config),
          sha256: await sha256Of(join(modelFolder, 'model.safetensors')),
          metadata: folder.metadata,
          device: runtime.device,
        },
        corpus: {
          split,
          fingerprint: manifest.fingerprint,
          documents: documents.count,
          packages: [...new Set(tasks.map((task) => task.package))].sort(),
        },
        machine: `${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.versions.node}`,
      },
      evaluation,
    );
    if (values.json) await writeFileAtomically(values.json, `${JSON.stringify(report, null, 2)}\n`);
    process.stdout.write(toMarkdown(report));
  } finally {
    runtime.dispose();
  }
  return 0;
}

/** The split to draw from and the one to count in, as text; the corpus is decoded with the tokenizer that packed it. */
async function openDocuments(
  folder: string,
  split: 'heldout' | 'train',
): Promise<{ documents: Documents; training: Documents; manifest: CorpusManifest }> {
  const { tokenizer, sha256 } = await loadTokenizer(join(embeddedModel(), 'tokenizer.json'));
  const open = async (name: 'heldout' | 'train') =>
    packedDocuments(await openPackedCorpus(folder, name, sha256), tokenizer);
  const documents = await open(split);
  const training = split === 'train' ? documents : await open('train');
  const manifest: CorpusManifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
  return { documents, training, manifest };
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

/** As a shell would need it. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}

let shown = 0;

/** On a terminal one line that is rewritten; elsewhere a line now and then. */
function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
  else if (line !== '' && shown++ % 50 === 0) process.stderr.write(`${line}\n`);
}

function wholeNumber(value: string, option: string, least: number): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < least) {
    throw new RangeError(`${option} takes a whole number of at least ${least}, but was given "${value}".`);
  }
  return number;
}
