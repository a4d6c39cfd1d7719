/** `cloze finetune`: a model taught a task by examples, as cloze questions or, to compare, with a classification head. */
import { parseArgs } from 'node:util';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { fineTuneMarkdown } from '../finetuning/report.ts';
import { runFineTuning } from '../finetuning/run.ts';
import { loadModel } from '../load-model.ts';
import { oneOf, wholeNumber } from './arguments.ts';
import { embeddedModel, kernelLevel } from './environment.ts';
import { compareCommand } from './finetune-compare.ts';
import { approachOf, examplesOf, TASK_NAMES } from './finetune-data.ts';
import { checkSavable, saveFineTuned } from './finetune-save.ts';
import { commandLine, machine, measuredModel, progress } from './measurement.ts';

const USAGE = `Usage: cloze finetune --task TASK [options]
       cloze finetune --compare FOLDER [options]

Teaches a model a task by examples, keeps the weights that do best on a development set and measures them on a test set.
With a pattern the task is a cloze question; --head puts a classification head on the model instead.

  --task TASK          of the corpus: ${TASK_NAMES.corpus.join(', ')};
                       of SuperGLUE: ${TASK_NAMES.superGlue.join(', ')};
                       seq2seq: from source texts to targets; or a JSON file with patterns of your own
  --data FOLDER        train.jsonl and val.jsonl of the task, dev.jsonl where there is one (not for tasks of the corpus)
  --model FOLDER       a model folder with whole weights (default: the embedded model); it is only read
  --pattern N          which of the task's patterns, default 0
  --length-penalty X   scores of candidates are divided by (tokens + 1)^X; default as the task has it, mostly 0
  --head POOLING       cls or mean: a classification head on that state, without the pattern
  --examples N         examples to learn from, at most; default 1000
  --dev N              examples to choose weights by, default 100; drawn, or taken from train.jsonl
  --test N             examples to measure on, at most; default 400
  --epochs N           at most; default 10
  --patience N         epochs without gain after which it ends; default 3
  --batch N            examples of a step, default 16
  --rate R             learning rate at its peak, default 1e-4
  --tokens N           most tokens of an example, default 256
  --target-tokens N    of seq2seq: most tokens of a target, default 64
  --smoothing S        of seq2seq: label smoothing, default 0.1
  --seed N             default 1; the same seed gives the same figures
  --corpus FOLDER      what "cloze corpus" has packed (default: corpus in the data folder)
  --threads N          default 1
  --out FOLDER         write the tuned model there
  --json FILE          write everything to FILE, every answer included
  --markdown FILE      write the report to FILE, too

  --compare FOLDER     cloze beside heads on all tasks of the corpus, as docs/finetuning.md has it; each run is kept in
                       FOLDER, and the same command goes on after a Ctrl+C, which prints the table so far`;

export async function finetuneCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean', short: 'h' },
      task: { type: 'string' },
      data: { type: 'string' },
      model: { type: 'string' },
      pattern: { type: 'string', default: '0' },
      'length-penalty': { type: 'string' },
      head: { type: 'string' },
      examples: { type: 'string', default: '1000' },
      dev: { type: 'string', default: '100' },
      test: { type: 'string', default: '400' },
      epochs: { type: 'string', default: '10' },
      patience: { type: 'string', default: '3' },
      batch: { type: 'string', default: '16' },
      rate: { type: 'string', default: '1e-4' },
      tokens: { type: 'string', default: '256' },
      'target-tokens': { type: 'string', default: '64' },
      smoothing: { type: 'string', default: '0.1' },
      seed: { type: 'string', default: '1' },
      corpus: { type: 'string' },
      threads: { type: 'string', default: '1' },
      out: { type: 'string' },
      json: { type: 'string' },
      markdown: { type: 'string' },
      compare: { type: 'string' },
    },
  });
  if (values.help || (values.task === undefined) === (values.compare === undefined)) {
    (values.help ? process.stdout : process.stderr).write(`${USAGE}\n`);
    return values.help ? 0 : 2;
  }
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Error('Stopped.')));
  const command = commandLine(['finetune', ...args]);
  const model = values.model ?? embeddedModel();
  const execution = {
    level: kernelLevel(),
    threads: wholeNumber(values.threads, '--threads', 1, 1024),
    precision: 'bfloat16' as const,
  };
  if (values.compare !== undefined) {
    return compareCommand({
      command,
      folder: values.compare,
      model,
      corpus: values.corpus,
      execution,
      signal: stop.signal,
    });
  }
  const whole = (name: 'examples' | 'dev' | 'test' | 'epochs' | 'patience' | 'batch' | 'tokens' | 'target-tokens') =>
    wholeNumber(values[name], `--${name}`, 1);
  const settings = {
    epochs: whole('epochs'),
    batch: whole('batch'),
    rate: numberWithin(values.rate, '--rate', 0, 1),
    patience: whole('patience'),
    seed: wholeNumber(values.seed, '--seed', 0),
  };
  const counts = { train: whole('examples'), dev: whole('dev'), test: whole('test') };
  const approach = await approachOf(values.task as string, {
    pattern: wholeNumber(values.pattern, '--pattern', 0),
    lengthPenalty:
      values['length-penalty'] === undefined
        ? undefined
        : numberWithin(values['length-penalty'], '--length-penalty', 0, 10),
    head: values.head === undefined ? undefined : oneOf(values.head, '--head', ['cls', 'mean'] as const),
    smoothing: numberWithin(values.smoothing, '--smoothing', 0, 0.99),
    targetTokens: whole('target-tokens'),
  });
  const { examples, data } = await examplesOf(values.task as string, approach, {
    counts,
    seed: settings.seed,
    folder: values.data,
    corpus: values.corpus,
  });
  if (values.out) await checkSavable(model, values.out, approach.kind);

  const loaded = await loadModel(model, { level: kernelLevel(), threads: execution.threads });
  loaded.runtime.dispose();
  const started = performance.now();
  const maxTokens = Math.min(whole('tokens'), loaded.folder.config.maxLength);
  const { trainer, ...result } = await runFineTuning({
    ...settings,
    base: loaded.folder,
    tokenizer: loaded.tokenizer,
    approach,
    examples,
    maxTokens,
    execution,
    onStep: (step, steps, loss) => progress(`step ${step}/${steps}  loss ${loss.toFixed(3)}`),
    onEpoch: ({ epoch, devLoss, devScore }) =>
      progress(`epoch ${epoch}: development loss ${devLoss.toFixed(3)}, score ${devScore.toFixed(3)}`),
    signal: stop.signal,
  });
  progress('');
  const report = {
    format: 'cloze-finetune' as const,
    version: 1 as const,
    command,
    model: await measuredModel(loaded, model),
    machine: machine(),
    task: values.task as string,
    data,
    examples: { train: examples.train.length, dev: examples.dev.length, test: examples.test.length },
    settings: { ...settings, maxTokens },
    ...result,
    seconds: Math.round((performance.now() - started) / 1000),
  };
  const markdown = fineTuneMarkdown(report);
  process.stdout.write(markdown);
  if (values.json) await writeFileAtomically(values.json, `${JSON.stringify(report, null, 2)}\n`);
  if (values.markdown) await writeFileAtomically(values.markdown, markdown);
  if (values.out) await saveFineTuned(trainer, loaded, values.out, values.task as string, settings.seed);
  return 0;
}

function numberWithin(value: string, option: string, least: number, most: number): number {
  const number = Number(value);
  if (value.trim() === '' || !(number >= least && number <= most)) {
    throw new RangeError(`${option} takes a number from ${least} to ${most}, but was given "${value}".`);
  }
  return number;
}
