/**
 * `npm run bench -- load [--at FOLDER] [--json FILE]`: checkpoints of 2 GB and more in the shapes of ChatGLM-6B and
 * GLM-4-9B, with fewer layers, are quantised by `cloze quantize`, and loaded, quantising or quantised; each step in a
 * process of its own, whose largest resident memory is compared with what it leaves. Before each step the system reads
 * the same file alone (`dd`); both find nothing of it in the system's cache.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { writeFileAtomically } from '../../../engine/checkpoint/atomic-write.ts';
import { quantizeCommand } from '../../../engine/cli/quantize.ts';
import { loadEngine } from '../../../engine/index.ts';
import type { Passage } from '../../../engine/infill/fill.ts';
import { FORMS, writeCheckpoint } from './checkpoints.ts';

interface Step {
  model: string;
  what: string;
  /** Of weights read. */
  bytes: number;
  seconds: number;
  /** Seconds of all processors together; other programs on the machine leave them alone. */
  processor: number;
  /** Seconds that reading the same file alone took just before. */
  alone?: number;
  /** Bytes of quantised weights, written or kept. */
  result: number;
  /** Largest resident memory of the process, in bytes. */
  peak: number;
  /** Tokens of a completion, where one was asked for. */
  tokens?: number;
}

export async function benchLoad(args: string[], machine: string): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      at: { type: 'string', default: tmpdir() },
      json: { type: 'string' },
      /** What the bench starts itself with: a step and its folders. */
      step: { type: 'string', multiple: true },
    },
  });
  if (values.step) return runStep(values.step);
  const work = mkdtempSync(join(values.at, 'cloze-load-'));
  const steps: Step[] = [];
  try {
    for (const [model, form] of Object.entries(FORMS)) {
      const source = join(work, model);
      const bytes = await writeCheckpoint(form, source);
      process.stdout.write(`${machine}\n${model}: ${gigabytes(bytes)} GB\n${HEADING}\n`);
      const run = async (what: string, read: number, result: number | undefined, step: string[]) => {
        const alone = secondsAlone(join(step[2] as string, 'model.safetensors'));
        const done = await inProcess(step);
        const out = result ?? statSync(join(step.at(-1) as string, 'model.safetensors')).size;
        steps.push({ model, what, bytes: read, result: out, ...done, ...(alone ? { alone } : {}) });
        process.stdout.write(`${line(steps.at(-1) as Step)}\n`);
        return out;
      };
      for (const precision of ['int8', 'int4']) {
        const quantised = join(work, `${model}-${precision}`);
        const size = await run(`cloze quantize --to ${precision}`, bytes, undefined, [
          'quantize',
          precision,
          source,
          quantised,
        ]);
        await run(`load as ${precision}, and complete`, bytes, size, ['fill', precision, source]);
        await run(`load what is ${precision}, and complete`, size, size, ['fill', precision, quantised]);
        rmSync(quantised, { recursive: true });
      }
      rmSync(source, { recursive: true });
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  if (values.json) await writeFileAtomically(values.json, `${JSON.stringify({ machine, steps }, null, 2)}\n`);
}

type Done = Pick<Step, 'seconds' | 'processor' | 'peak' | 'tokens'>;

async function inProcess(step: readonly string[]): Promise<Done> {
  const self = process.argv[1] as string;
  const { stdout } = await promisify(execFile)(process.execPath, [
    self,
    'load',
    ...step.flatMap((part) => ['--step', part]),
  ]);
  return JSON.parse(stdout.trim().split('\n').at(-1) as string) as Done;
}

async function runStep([kind, precision = '', from = '', to = '']: readonly string[]): Promise<void> {
  const start = performance.now();
  let done = { seconds: 0, processor: 0 };
  let tokens = {};
  const stop = () => {
    const { user, system } = process.cpuUsage();
    done = { seconds: (performance.now() - start) / 1000, processor: (user + system) / 1e6 };
  };
  if (kind === 'quantize') {
    await quantizeCommand([from, '--to', precision, '--out', to]);
    stop();
  } else {
    const engine = await loadEngine({ modelFolder: from, precision: precision as 'int8' | 'int4', threads: 2 });
    stop();
    const passage: Passage = {
      path: 'sum.py',
      languageId: 'python',
      before: 'def add(a, b):\n    return ',
      after: '\n\nprint(add(1, 2))\n',
      forced: '',
      neighbours: [],
      kind: 'sentence',
    };
    const options = { maxTokens: 8, temperature: 0, topP: 1, seed: 0, singleLine: false, timeLimit: 0 };
    tokens = { tokens: (await engine.fill(passage, options)).tokens.length };
    await engine.dispose();
  }
  const all: Done = { ...done, peak: process.resourceUsage().maxRSS * 1024, ...tokens };
  process.stdout.write(`${JSON.stringify(all)}\n`);
}

/** Of reading a file from the disk, where `dd` can forget what is cached of it; it is forgotten again afterwards. */
function secondsAlone(path: string): number | undefined {
  const dd = (...operands: string[]) => spawnSync('dd', [`if=${path}`, ...operands], { encoding: 'utf8' });
  const forget = () => dd('iflag=nocache', 'count=0').status === 0;
  if (!forget()) return undefined;
  const start = performance.now();
  if (dd('of=/dev/null', 'bs=8M').status !== 0) return undefined;
  const seconds = (performance.now() - start) / 1000;
  forget();
  return seconds;
}

const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(2);

const HEADING = `| model | | seconds | processor seconds | GB/s of weights read | of the disk's rate | result GB | peak GB | above the result | |
|---|---|---|---|---|---|---|---|---|---|`;

function line({ model, what, bytes, seconds, alone, processor, result, peak, tokens }: Step): string {
  const rate = gigabytes(bytes / seconds);
  const cells = [
    model,
    what,
    seconds.toFixed(1),
    processor.toFixed(1),
    rate,
    alone === undefined ? '' : `${((100 * alone) / seconds).toFixed(0)} %`,
    gigabytes(result),
    gigabytes(peak),
    gigabytes(peak - result),
  ];
  return `| ${[...cells, tokens === undefined ? '' : `${tokens} tokens`].join(' | ')} |`;
}
