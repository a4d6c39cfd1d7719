/** `cloze verify FOLDER`: recorded runs of the original code, run again here. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadModelFolder } from '../model/load.ts';
import { openNativeRuntime } from '../runtime/native.ts';
import { recordedCases } from '../verification/cases.ts';
import { verifyCase } from '../verification/verify.ts';
import { wholeNumber } from './arguments.ts';
import { kernelLevel } from './environment.ts';

const USAGE = `Usage: cloze verify FOLDER [options]

Runs the recorded cases of a model folder (config.json, weights, cases.json) and prints a line for each: whether all logits
lie within the tolerance and every greedy token is the recorded one. Exits with 1 when a case fails.

  --cases FILE       the cases (default: cases.json in the folder)
  --runtime NAME     native (default)
  --tolerance X      largest difference of a logit, default 0.002
  --threads N        default: one fewer than the processors`;

const RUNTIMES = ['native'];

export async function verifyCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      cases: { type: 'string' },
      runtime: { type: 'string', default: 'native' },
      tolerance: { type: 'string', default: '0.002' },
      threads: { type: 'string', default: '0' },
    },
  });
  const [folder] = positionals;
  if (values.help || folder === undefined || positionals.length > 1) {
    (values.help ? process.stdout : process.stderr).write(`${USAGE}\n`);
    return values.help ? 0 : 2;
  }
  if (!RUNTIMES.includes(values.runtime))
    throw new Error(`--runtime takes ${RUNTIMES.join(', ')}, but was given "${values.runtime}".`);
  const tolerance = Number(values.tolerance);
  if (!(tolerance > 0))
    throw new RangeError(`--tolerance takes a number above 0, but was given "${values.tolerance}".`);
  const path = values.cases ?? join(folder, 'cases.json');
  const cases = recordedCases(parse(await readFile(path, 'utf8'), path), path);
  const threads = wholeNumber(values.threads, '--threads', 0);
  const model = await loadModelFolder(folder);
  const runtime = await openNativeRuntime(model, { level: kernelLevel(), threads, precision: 'float32' });
  let failed = 0;
  try {
    const width = Math.max(...cases.map(({ name }) => name.length));
    for (const record of cases) {
      const { name, difference, rows, steps, fault } = await verifyCase(runtime, record, tolerance);
      const compared = `${rows} rows, ${steps} steps, logits within ${difference.toExponential(1)}`;
      process.stdout.write(
        `${fault === undefined ? 'ok  ' : 'FAIL'}  ${name.padEnd(width)}  ${compared}${fault === undefined ? '' : `: ${fault}`}\n`,
      );
      if (fault !== undefined) failed++;
    }
    process.stdout.write(
      `${cases.length - failed} of ${cases.length} cases pass (${model.family}, ${runtime.device}).\n`,
    );
  } finally {
    runtime.dispose();
  }
  return failed > 0 ? 1 : 0;
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${path} is not JSON: ${(error as Error).message}.`);
  }
}
