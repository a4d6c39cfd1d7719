/** `cloze`: one file per command; this one only chooses. */
import { convertCommand } from './convert.ts';
import { corpusCommand } from './corpus.ts';
import { devicesCommand } from './devices.ts';
import { evalCommand } from './eval.ts';
import { fillCommand } from './fill.ts';
import { finetuneCommand } from './finetune.ts';
import { labCommand } from './lab.ts';
import { modelCommand } from './model.ts';
import { modelsCommand } from './models.ts';
import { plotRunCommand } from './plot-run.ts';
import { pretrainCommand } from './pretrain.ts';
import { quantizeCommand } from './quantize.ts';
import { scoreCommand } from './score.ts';
import { serveCommand } from './serve.ts';
import { tuneCommand } from './tune.ts';
import { verifyCommand } from './verify.ts';

const USAGE = `Usage: cloze COMMAND [options]

  fill FILE:LINE:COLUMN   complete at a position (line and column count from 1)
  score FILE:LINE:COLUMN  how probable given texts are at a position
  serve                   offer the engine to other programs over HTTP
  devices                 the processor and graphics cards, their memory and its speed
  models                  the installed models: what each needs, whether it fits, how fast it could be
  model                   add, download, list and remove models, choose the default
  corpus                  fetch, filter and tokenize the training text
  pretrain                train a model by blank infilling
  tune FOLDER             train the model that ships on a project of your own
  finetune                teach a model a task by examples, as cloze questions
  lab EXPERIMENT          train small models to test a claim
  eval                    measure a model on packages it has not seen, or on a benchmark
  verify FOLDER           run recorded cases of the original code again
  quantize FOLDER         write a model with weights of 8 or 4 bits
  convert FOLDER          write a model in another layout, or in parts for training at scale
  plot-run RUN …          draw the loss curves of training runs

cloze COMMAND --help explains a command.`;

const COMMANDS: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  fill: fillCommand,
  score: scoreCommand,
  serve: serveCommand,
  devices: devicesCommand,
  models: modelsCommand,
  model: modelCommand,
  corpus: corpusCommand,
  pretrain: pretrainCommand,
  tune: tuneCommand,
  finetune: finetuneCommand,
  lab: labCommand,
  eval: evalCommand,
  verify: verifyCommand,
  quantize: quantizeCommand,
  convert: convertCommand,
  'plot-run': plotRunCommand,
};

async function main([name = '', ...args]: string[]): Promise<number> {
  const command = COMMANDS[name];
  if (command) return command(args);
  const asked = name === '--help' || name === '-h';
  (asked ? process.stdout : process.stderr).write(
    `${name === '' || asked ? '' : `Unknown command "${name}".\n`}${USAGE}\n`,
  );
  return asked ? 0 : 2;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`cloze: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
