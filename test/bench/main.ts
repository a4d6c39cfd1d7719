/**
 * `npm run bench -- NAME [--json FILE]`: timings and shares; the others have arguments of their own (`--help`): keys saved
 * (`golf`), what a keystroke costs (`typing`; `tuning`: beside a tuning), hours of typing (`soak`), the anchored blank (`forced`), candidates
 * (`choices`), text twice (`doubled`), the processor's limits and llama.cpp (`cpu`), checkpoints of some GB (`load`), a training step (`train`). They never decide a test.
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { writeFileAtomically } from '../../engine/checkpoint/atomic-write.ts';
import { benchAgreement } from './agreement.ts';
import { benchBlanks } from './blanks.ts';
import { benchCandidates } from './candidates.ts';
import { benchCpu } from './cpu/cpu.ts';
import { benchDocumentCache } from './document-cache.ts';
import { benchFill } from './fill.ts';
import { benchFitSpeed } from './fit-speed.ts';
import { benchGolf } from './golf/golf.ts';
import { benchChoices } from './held-out/choices.ts';
import { benchDoubled } from './held-out/doubled.ts';
import { benchDrafts } from './held-out/drafts.ts';
import { benchForced } from './held-out/forced.ts';
import { benchLoad } from './load/load.ts';
import { benchNgram } from './ngram.ts';
import { benchOnnx } from './peer/peer.ts';
import { benchServe } from './serve.ts';
import { benchSoak } from './soak/soak.ts';
import { benchStart } from './start.ts';
import { benchSurvival } from './survival.ts';
import { benchTopK } from './top-k.ts';
import { benchTrain } from './train/train.ts';
import { benchTuning } from './tuning.ts';
import { benchTyping } from './typing/typing.ts';

export interface Row {
  what: string;
  median: number;
  least: number;
  most: number;
  unit: string;
}

const TIMINGS: Readonly<Record<string, () => Promise<Row[]>>> = {
  fill: benchFill,
  candidates: benchCandidates,
  blanks: benchBlanks,
  serve: benchServe,
  'document-cache': benchDocumentCache,
  ngram: benchNgram,
  agreement: benchAgreement,
  survival: benchSurvival,
  start: benchStart,
  'top-k': benchTopK,
};

const OTHERS: Readonly<Record<string, (args: string[], machine: string) => Promise<void>>> = {
  golf: benchGolf,
  typing: benchTyping,
  tuning: benchTuning,
  soak: benchSoak,
  forced: benchForced,
  choices: benchChoices,
  drafts: benchDrafts,
  doubled: benchDoubled,
  cpu: benchCpu,
  load: benchLoad,
  train: benchTrain,
};

const [name = '', ...args] = process.argv.slice(2);
const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} processors, Node ${process.version}`;
const timing = TIMINGS[name];
const other = OTHERS[name];
if (timing) await showTimings(timing, args);
else if (name === 'onnx') await showRows(await benchOnnx(args), undefined);
else if (name === 'fit-speed') await showRows(await benchFitSpeed(args), undefined);
else if (other) await other(args, machine);
else {
  const names = [...Object.keys(TIMINGS), 'onnx [--peer]', 'fit-speed', ...Object.keys(OTHERS)].join('|');
  process.stderr.write(`Usage: npm run bench -- ${names} [--json FILE]\n`);
  process.exitCode = 2;
}

async function showTimings(bench: () => Promise<Row[]>, given: string[]): Promise<void> {
  const { values } = parseArgs({ args: given, options: { json: { type: 'string' } } });
  await showRows(await bench(), values.json);
}

async function showRows(rows: Row[], json: string | undefined): Promise<void> {
  process.stdout.write(`${machine}\n`);
  for (const { what, median, least, most, unit } of rows) {
    process.stdout.write(`${what.padEnd(64)} ${format(median)} (${format(least)} to ${format(most)}) ${unit}\n`);
  }
  if (json) await writeFileAtomically(json, `${JSON.stringify({ machine, rows }, null, 2)}\n`);
}

function format(value: number): string {
  return value.toFixed(value < 10 ? 2 : 0);
}
