/** `cloze plot-run`: loss and gradient norm of one training run or of several side by side, as SVG. */
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { type RunCurve, runCurves } from '../evaluation/plots/run-curves.ts';
import { readLog } from '../training/run-log.ts';

const USAGE = `Usage: cloze plot-run RUN … --svg FILE [options]

Draws loss, held-out loss and gradient norm over the tokens seen, from log.jsonl in the folder of each training run. A run
that is under way can be drawn too.

  --svg FILE      where the drawing goes
  --title TEXT    default: Training`;

export async function plotRunCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      svg: { type: 'string' },
      title: { type: 'string', default: 'Training' },
    },
  });
  if (values.help || positionals.length === 0 || !values.svg) {
    (values.help ? process.stdout : process.stderr).write(`${USAGE}\n`);
    return values.help ? 0 : 2;
  }
  const runs: RunCurve[] = [];
  for (const run of positionals) {
    const entries = await readLog(join(run, 'log.jsonl'));
    if (entries.length === 0) {
      throw new Error(`${run} has no log.jsonl with a step in it: give the folder that "cloze pretrain" wrote to.`);
    }
    runs.push({ name: basename(resolve(run)), entries });
  }
  await writeFileAtomically(values.svg, runCurves(values.title, runs));
  return 0;
}
