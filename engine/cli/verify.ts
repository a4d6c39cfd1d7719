/** `cloze verify FOLDER`: recorded runs of the original code, run again here. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadModelFolder, type ModelFolder } from '../model/load.ts';
import { openNativeRuntime } from '../runtime/native.ts';
import { PROVIDERS } from '../runtime/onnx/providers.ts';
import { openProvider } from '../runtime/open.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { recordedCases } from '../verification/cases.ts';
import { verifyCase } from '../verification/verify.ts';
import { oneOf, wholeNumber } from './arguments.ts';
import { graphFolder, kernelLevel, onnxHost } from './environment.ts';

const RUNTIMES = ['native', ...PROVIDERS.map((provider) => `onnx-${provider}` as const)] as const;

const USAGE = `Usage: cloze verify FOLDER [options]

Runs the recorded cases of a model folder (config.json, weights, cases.json) and prints a line for each: whether all logits
lie within the tolerance and every greedy token is the recorded one. Exits with 1 when a case fails.

  --cases FILE       the cases (default: cases.json in the folder)
  --runtime NAME     native (default), or one of onnxruntime's, which no other takes over from:
                     ${RUNTIMES.slice(1).join(', ')}
  --tolerance X      largest difference of a logit, default 0.002
  --threads N        default: one fewer than the processors`;

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
  const name = oneOf(values.runtime, '--runtime', RUNTIMES);
  const tolerance = Number(values.tolerance);
  if (!(tolerance > 0))
    throw new RangeError(`--tolerance takes a number above 0, but was given "${values.tolerance}".`);
  const path = values.cases ?? join(folder, 'cases.json');
  const cases = recordedCases(parse(await readFile(path, 'utf8'), path), path);
  const threads = wholeNumber(values.threads, '--threads', 0);
  const model = await loadModelFolder(folder);
  const runtime = await open(model, name, threads);
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

async function open(model: ModelFolder, name: (typeof RUNTIMES)[number], threads: number): Promise<Runtime> {
  if (name === 'native') return openNativeRuntime(model, { level: kernelLevel(), threads, precision: 'float32' });
  const provider = PROVIDERS.find((each) => name === `onnx-${each}`) as (typeof PROVIDERS)[number];
  try {
    return await openProvider(model, provider, { threads, cacheFolder: graphFolder(), ...onnxHost() });
  } catch (error) {
    throw new Error(`${name} cannot be used: ${(error as Error).message}.`, { cause: error });
  }
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${path} is not JSON: ${(error as Error).message}.`);
  }
}
