/** `cloze`: one file per command; this one only chooses. */
import { corpusCommand } from './corpus.ts';
import { evalCommand } from './eval.ts';
import { fillCommand } from './fill.ts';
import { plotRunCommand } from './plot-run.ts';
import { pretrainCommand } from './pretrain.ts';
import { quantizeCommand } from './quantize.ts';
import { serveCommand } from './serve.ts';
import { tuneCommand } from './tune.ts';
import { verifyCommand } from './verify.ts';

const USAGE = `Usage: cloze COMMAND [options]

  fill FILE:LINE:COLUMN   complete at a position (line and column count from 1)
  serve                   offer the engine to other programs over HTTP
  corpus                  fetch, filter and tokenize the training text
  pretrain                train a model by blank infilling
  tune FOLDER             train the model that ships on a project of your own
  eval                    measure a model on packages it has not seen, or on a benchmark
  verify FOLDER           run recorded cases of the original code again
  quantize FOLDER         write a model with weights of 8 or 4 bits
  plot-run RUN …          draw the loss curves of training runs

cloze COMMAND --help explains a command.`;

const COMMANDS: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  fill: fillCommand,
  serve: serveCommand,
  corpus: corpusCommand,
  pretrain: pretrainCommand,
  tune: tuneCommand,
  eval: evalCommand,
  verify: verifyCommand,
  quantize: quantizeCommand,
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
