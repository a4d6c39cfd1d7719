/** `cloze lab`: experiments that anyone can run again. */
import { labParadigmsCommand } from './lab-paradigms.ts';
import { labQuantizationCommand } from './lab-quantization.ts';

const USAGE = `Usage: cloze lab EXPERIMENT [options]

  paradigms      nine ways of pre-training, in one transformer, beside one another
  quantization   what 8 and 4 bits cost models of several sizes of two recipes

cloze lab EXPERIMENT --help explains one.`;

const EXPERIMENTS: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  paradigms: labParadigmsCommand,
  quantization: labQuantizationCommand,
};

export async function labCommand([name = '', ...args]: string[]): Promise<number> {
  const experiment = Object.hasOwn(EXPERIMENTS, name) ? EXPERIMENTS[name] : undefined;
  if (experiment) return experiment(args);
  const asked = name === '--help' || name === '-h';
  (asked ? process.stdout : process.stderr).write(
    `${name === '' || asked ? '' : `Unknown experiment "${name}".\n`}${USAGE}\n`,
  );
  return asked ? 0 : 2;
}
