/** `cloze pretrain`: trains a model on the packed corpus. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadModelFolder } from '../model/load.ts';
import { loadTokenizer } from '../tokenizer/load.ts';
import { openPackedCorpus } from '../training/corpus/packed-corpus.ts';
import { type Progress, pretrain } from '../training/pretrain.ts';
import { RECIPES } from '../training/recipes.ts';
import { amount, oneOf, wholeNumber } from './arguments.ts';
import { dataFolder, embeddedModel, kernelLevel } from './environment.ts';

const USAGE = `Usage: cloze pretrain --recipe NAME --tokens N [options]

Trains by autoregressive blank infilling on the corpus that "cloze corpus" has packed. Ctrl+C ends the run after the
step under way, with a checkpoint; --resume goes on from it as if it had never stopped.

  --recipe NAME      ${Object.keys(RECIPES).join(', ')}
  --tokens N         tokens to see in all, e.g. 30M
  --run FOLDER       log, checkpoints and model (default: runs/NAME in the data folder)
  --resume           continue the run in that folder
  --from FOLDER      begin with the weights of this model, which may have fewer layers, instead of random ones
  --seed N           default 1
  --threads N        default: all processors
  --precision P      bfloat16 (default), float32, or float16, with a dynamic scale of the loss
  --save-every S     seconds between checkpoints, default 300`;

export async function pretrainCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean', short: 'h' },
      recipe: { type: 'string' },
      tokens: { type: 'string' },
      run: { type: 'string' },
      resume: { type: 'boolean', default: false },
      from: { type: 'string' },
      seed: { type: 'string', default: '1' },
      threads: { type: 'string', default: String(availableParallelism()) },
      precision: { type: 'string', default: 'bfloat16' },
      'save-every': { type: 'string', default: '300' },
    },
  });
  const recipe = RECIPES[values.recipe ?? ''];
  const { tokens } = values;
  if (values.help || !recipe || tokens === undefined) {
    (values.help ? process.stdout : process.stderr).write(`${USAGE}\n`);
    return values.help ? 0 : 2;
  }

  const execution = {
    level: kernelLevel(),
    threads: wholeNumber(values.threads, '--threads', 1, 1024),
    precision: oneOf(values.precision, '--precision', ['float32', 'bfloat16', 'float16'] as const),
  };
  const data = dataFolder();
  const tokenizerFolder = embeddedModel();
  const { tokenizer, sha256 } = await loadTokenizer(join(tokenizerFolder, 'tokenizer.json'));
  const stop = new AbortController();
  process.once('SIGINT', () => {
    process.stderr.write('\nStopping after this step …\n');
    stop.abort();
  });
  process.once('SIGTERM', () => stop.abort());
  const run = values.run ?? join(data, 'runs', recipe.name);
  const end = await pretrain({
    recipe,
    run,
    tokenizer,
    tokenizerFolder,
    tokenizerSha256: sha256,
    corpus: await openPackedCorpus(join(data, 'corpus'), 'train', sha256),
    heldOut: await openPackedCorpus(join(data, 'corpus'), 'heldout', sha256),
    seed: wholeNumber(values.seed, '--seed', 0),
    tokens: amount(tokens, '--tokens'),
    resume: values.resume,
    from: values.from === undefined ? undefined : await loadModelFolder(values.from),
    execution,
    saveEvery: wholeNumber(values['save-every'], '--save-every', 1),
    signal: stop.signal,
    onProgress: report,
  });
  process.stderr.write(`\n${end.tokens} tokens seen; the model is in ${join(run, 'model')}\n`);
  return stop.signal.aborted ? 130 : 0;
}

function report(p: Progress): void {
  const line = [
    `step ${p.step}/${p.steps}`,
    `${(p.tokens / 1e6).toFixed(2)} M tokens`,
    `${Math.round(p.tokensPerSecond)} tokens/s`,
    `loss ${p.loss.toFixed(3)}`,
    `rate ${p.learningRate.toExponential(1)}`,
    `${Math.floor(p.secondsLeft / 60)} min left`,
  ].join('  ');
  const extra = [
    ...(p.heldOut === undefined ? [] : [`held-out loss ${p.heldOut.toFixed(3)} after step ${p.step}`]),
    ...(p.warning ? [p.warning] : []),
  ];
  // On a terminal the line is rewritten in place; a file gets one line for each hundred steps.
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}${extra.map((text) => `\n${text}\n`).join('')}`);
  else if (p.step % 100 === 0 || extra.length > 0) process.stderr.write(`${[line, ...extra].join('  ')}\n`);
}
