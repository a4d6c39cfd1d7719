/** `cloze eval`: how well a model fills blanks in packages it has not seen, beside baselines that know habits or copy. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { commonEndings } from '../evaluation/common-endings.ts';
import { type Documents, packedDocuments } from '../evaluation/documents.ts';
import { drawTasks } from '../evaluation/draw-tasks.ts';
import { askControl, type Evaluation, evaluate } from '../evaluation/evaluate.ts';
import { toMarkdown } from '../evaluation/markdown.ts';
import { modelWords } from '../evaluation/markdown-table.ts';
import { countTraining, ngramBaseline } from '../evaluation/ngram/baseline.ts';
import { reportPlots } from '../evaluation/plots/report-plots.ts';
import { buildReport } from '../evaluation/report.ts';
import { mostSimilarPlace, nearestSimilarLine } from '../evaluation/similar-place.ts';
import { suites } from '../evaluation/suites/registry.ts';
import { type Task, taskLanguages } from '../evaluation/task.ts';
import { chosenFolder } from '../installed/registry.ts';
import { loadModel } from '../load-model.ts';
import { parameterCount } from '../model/config.ts';
import { cloze } from '../model/families/cloze.ts';
import { loadTokenizer } from '../tokenizer/load.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { corpusPlaces } from '../training/corpus/corpus.ts';
import type { CorpusManifest } from '../training/corpus/manifest.ts';
import { openPackedCorpus, type PackedCorpus } from '../training/corpus/packed-corpus.ts';
import { wholeNumber } from './arguments.ts';
import { dataFolder, embeddedModel, kernelLevel } from './environment.ts';
import { evalLanguage, LANGUAGE_SUITES } from './eval-language.ts';
import { evalSuite } from './eval-suite.ts';
import { commandLine, machine, measuredModel, progress, writePlots } from './measurement.ts';

const USAGE = `Usage: cloze eval [options]

Fills blanks in documents that the model has not seen, and sets it against the most common line ending, a copy of the
nearest similar line, and an n-gram model with the document as its cache, on the same tasks. Prints tables in Markdown; the same seed gives the same figures.

  --model FOLDER       a model folder (default: the embedded model)
  --corpus FOLDER      what "cloze corpus" has packed (default: corpus in the data folder)
  --split NAME         heldout (default) or train
  --tasks N            tasks of each kind, default 200
  --seed N             default 1
  --context-tokens N   most tokens of text around a blank, default 800 as in the editor
  --model-alone        without what the document says at like places, which small models are mixed with in the editor
  --control FOLDER     another model to ask the same tasks; a causal one of ours both ways, psm and spm
  --order ORDER        how a causal model of ours is shown the text around a blank: psm (default) or spm
  --threads N          default: one fewer than the processors
  --json FILE          write everything to FILE, every answer included
  --plots FOLDER       write exact-match.svg and reliability.svg to FOLDER

With --suite it measures the model on a published benchmark instead:

  --suite NAME         ${Object.keys(suites).join(', ')}
  --file FILE          the benchmark's own file, JSON lines, gzipped or not
  --execution HOW      isolated (default): run each completed program with its tests in namespaces of its own, or refuse
                       where that cannot be; unprotected: limits only, files and network lie open; none: compare texts
  --python FILE        runs the programs, default python3
  --plots FOLDER       write suite.svg and suite-reliability.svg to FOLDER

As a model of language, on a file of the benchmark or, for lambada and bpb without --file, on held-out text of the corpus:

  --suite NAME         ${LANGUAGE_SUITES.join(', ')}: the last word of a passage, bits per byte (the Pile), perplexity per word
  --limit N            texts or passages at most, default 200
  --unidirectional     nothing is seen in both directions
  --beams N            of lambada: default 16; 1 is greedy`;

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
      'model-alone': { type: 'boolean', default: false },
      control: { type: 'string' },
      order: { type: 'string', default: 'psm' },
      threads: { type: 'string', default: '0' },
      json: { type: 'string' },
      plots: { type: 'string' },
      suite: { type: 'string' },
      file: { type: 'string' },
      execution: { type: 'string' },
      python: { type: 'string' },
      limit: { type: 'string' },
      unidirectional: { type: 'boolean' },
      beams: { type: 'string' },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const languageSuite = LANGUAGE_SUITES.find((name) => name === values.suite);
  checkTogether(values, languageSuite);
  const { split, order } = values;
  if (order !== 'psm' && order !== 'spm') throw new RangeError(`--order takes psm or spm, but was given "${order}".`);
  if (split !== 'heldout' && split !== 'train') {
    throw new RangeError(`--split takes heldout or train, but was given "${split}".`);
  }
  const tasksPerKind = wholeNumber(values.tasks, '--tasks', taskLanguages.length);
  const seed = wholeNumber(values.seed, '--seed', 0);
  const contextTokens = wholeNumber(values['context-tokens'], '--context-tokens', 1);
  const threads = wholeNumber(values.threads, '--threads', 0);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Error('Stopped; nothing was written.')));
  if (languageSuite) {
    return evalLanguage({
      command: commandLine(['eval', ...args]),
      suite: languageSuite,
      file: values.file,
      corpus: values.corpus ?? corpusPlaces(dataFolder()).corpus,
      model: await chosenFolder(dataFolder(), values.model, 'fill', embeddedModel()),
      limit: wholeNumber(values.limit ?? '200', '--limit', 1),
      beams: wholeNumber(values.beams ?? '16', '--beams', 1, 256),
      oneWay: values.unidirectional ?? false,
      seed,
      threads,
      json: values.json,
      signal: stop.signal,
    });
  }
  if (values.suite !== undefined) {
    return evalSuite({
      command: commandLine(['eval', ...args]),
      suite: values.suite,
      file: values.file ?? '',
      model: values.model ?? embeddedModel(),
      execution: values.execution ?? 'isolated',
      python: values.python ?? 'python3',
      seed,
      contextTokens,
      modelAlone: values['model-alone'],
      order,
      threads,
      json: values.json,
      plots: values.plots,
      signal: stop.signal,
    });
  }

  const corpusFolder = values.corpus ?? corpusPlaces(dataFolder()).corpus;
  const { documents, training, packed, tokenizer, manifest } = await openDocuments(corpusFolder, split);
  const tasks = drawTasks(documents, { perKind: tasksPerKind, seed });
  const modelFolder = values.model ?? embeddedModel();
  const loaded = await loadModel(modelFolder, { level: kernelLevel(), threads, order });
  const documentCache = loaded.documentCache === true && !values['model-alone'];
  const model = { ...loaded, documentCache };
  try {
    const endings = await commonEndings(training, tasks, {
      seed,
      signal: stop.signal,
      onProgress: (done, all) => progress(`counting line endings: document ${done}/${all}`),
    });
    progress('counting n-grams');
    const ngrams = ngramBaseline(countTraining(packed, tokenizer, { seed }), tokenizer);
    const baselines = [...endings, nearestSimilarLine, mostSimilarPlace, ngrams];
    const asking = {
      contextTokens,
      signal: stop.signal,
      onProgress: (done: number, all: number, { kind }: Task) => progress(`${kind}: task ${done + 1}/${all}`),
    };
    let evaluation = await evaluate(model, tasks, baselines, asking);
    if (values.control !== undefined) {
      const options = { level: kernelLevel(), threads, modelAlone: values['model-alone'] };
      evaluation = await askControls(evaluation, values.control, options, asking);
    }
    progress('');
    const report = buildReport(
      {
        command: commandLine(['eval', ...args]),
        seed,
        tasksPerKind,
        contextTokens,
        documentCache,
        model: await measuredModel(model, modelFolder),
        corpus: {
          split,
          fingerprint: manifest.fingerprint,
          documents: documents.count,
          packages: [...new Set(tasks.map((task) => task.package))].sort(),
        },
        machine: machine(),
      },
      evaluation,
    );
    process.stdout.write(toMarkdown(report));
    if (values.json) await writeFileAtomically(values.json, `${JSON.stringify(report, null, 2)}\n`);
    if (values.plots) await writePlots(values.plots, reportPlots(report));
  } finally {
    model.runtime.dispose();
  }
  return 0;
}

/** Asks the model in `folder` too; one that fills in the middle twice, since its order of the text is a choice. */
async function askControls(
  evaluation: Evaluation,
  folder: string,
  { modelAlone, ...execution }: { level: string; threads: number; modelAlone: boolean },
  asking: Parameters<typeof askControl>[2],
): Promise<Evaluation> {
  let asked = evaluation;
  for (const order of ['psm', 'spm'] as const) {
    const loaded = await loadModel(folder, { ...execution, order });
    const { config, family, metadata } = loaded.folder;
    const fillsInMiddle = config.causal === true && family === cloze.name;
    const model = { ...loaded, documentCache: loaded.documentCache === true && !modelAlone };
    const name = fillsInMiddle ? `${loaded.name}, ${order}` : loaded.name;
    const about = modelWords({ parameters: parameterCount(config), metadata });
    try {
      asked = await askControl(asked, { name, about, model }, asking);
    } finally {
      loaded.runtime.dispose();
    }
    if (!fillsInMiddle) break;
  }
  return asked;
}

/** The split to draw from and the one to count in, with the tokenizer that packed them: by it they are text again. */
async function openDocuments(
  folder: string,
  split: 'heldout' | 'train',
): Promise<{
  documents: Documents;
  training: Documents;
  packed: PackedCorpus;
  tokenizer: Tokenizer;
  manifest: CorpusManifest;
}> {
  const { tokenizer, sha256 } = await loadTokenizer(join(embeddedModel(), 'tokenizer.json'));
  const packed = await openPackedCorpus(folder, 'train', sha256);
  const training = packedDocuments(packed, tokenizer);
  const documents =
    split === 'train' ? training : packedDocuments(await openPackedCorpus(folder, 'heldout', sha256), tokenizer);
  const manifest: CorpusManifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
  return { documents, training, packed, tokenizer, manifest };
}

/** Options of the one kind of evaluation mean nothing in the other. */
function checkTogether(
  { suite, file, execution, python, limit, unidirectional, beams, control }: Record<string, unknown>,
  languageSuite: (typeof LANGUAGE_SUITES)[number] | undefined,
): void {
  const named = [...Object.keys(suites), ...LANGUAGE_SUITES].join(', ');
  if (suite !== undefined && file === undefined && (!languageSuite || languageSuite === 'wikitext')) {
    throw new Error('--suite needs --file FILE: the benchmark’s own file; nothing is downloaded.');
  }
  if (suite === undefined && (file ?? execution ?? python) !== undefined) {
    throw new Error(`--file, --execution and --python belong to --suite NAME (${named}).`);
  }
  if (languageSuite && (execution ?? python) !== undefined) {
    throw new Error(`--execution and --python belong to --suite NAME (${Object.keys(suites).join(', ')}).`);
  }
  if (suite !== undefined && control !== undefined) {
    throw new Error(
      '--control is asked on held-out packages alone: leave --suite out, or measure the control by --model.',
    );
  }
  if (!languageSuite && (limit ?? unidirectional ?? beams) !== undefined) {
    throw new Error(`--limit, --unidirectional and --beams belong to --suite NAME (${LANGUAGE_SUITES.join(', ')}).`);
  }
}
