/**
 * `npm run bench -- load [--at FOLDER] [--rounds N] [--json FILE]`: checkpoints of 2 GB and more in the shapes of
 * ChatGLM-6B and GLM-4-9B, with fewer layers, are quantised by `cloze quantize`, and loaded, quantising or quantised;
 * each step in a process of its own, whose largest resident memory is compared with what it leaves. Immediately before
 * each step the disk's own rate is taken of the same file (disk-rate.ts); nothing finds it in the system's cache, and
 * all find memory that the machine has (held-memory.ts).
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { writeFileAtomically } from '../../../engine/checkpoint/atomic-write.ts';
import { quantizeCommand } from '../../../engine/cli/quantize.ts';
import type { Passage } from '../../../engine/infill/fill.ts';
import { fillBlank } from '../../../engine/infill/infill.ts';
import { openModel, selfTest } from '../../../engine/load-model.ts';
import { FORMS, writeCheckpoint } from './checkpoints.ts';
import { type AloneReads, readAlone } from './disk-rate.ts';
import { heldMemory, holdMemory } from './held-memory.ts';
import { HEADING, lineOf } from './table.ts';

/** A step of one round. */
export interface Step extends Done {
  model: string;
  what: string;
  /** Of weights read. */
  bytes: number;
  /** Reading the same file alone just before. */
  alone: AloneReads | undefined;
  /** Bytes of quantised weights, written or kept. */
  result: number;
}

interface Done {
  /** Until the weights were read and quantised, from the step's beginning: in their place, or written to the disk. */
  seconds: number;
  /** Until the first text was there: with the self-test and a completion. */
  whole?: number;
  /** Seconds of all processors together until the weights were there. */
  processor: number;
  /** Largest resident memory of the process, in bytes. */
  peak: number;
  /** Tokens of the completion. */
  tokens?: number;
}

export async function benchLoad(args: string[], machine: string): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      at: { type: 'string', default: tmpdir() },
      rounds: { type: 'string', default: '5' },
      json: { type: 'string' },
      /** What the bench starts itself with: a step and its folders. */
      step: { type: 'string', multiple: true },
    },
  });
  if (values.step) return runStep(values.step);
  const rounds = Number(values.rounds);
  const memory = heldMemory([process.argv[1] as string, 'load', '--step', 'hold']);
  const work = mkdtempSync(join(values.at, 'cloze-load-'));
  const steps: Step[] = [];
  try {
    process.stdout.write(`${machine}\n`);
    for (const [model, form] of Object.entries(FORMS)) {
      const source = join(work, model);
      const bytes = await writeCheckpoint(form, source);
      process.stdout.write(`${model}: ${(bytes / 1e9).toFixed(2)} GB; ${rounds} rounds\n`);
      const run = async (what: string, read: number, result: number | undefined, step: string[]) => {
        await memory.take();
        const alone = await readAlone(join(step[2] as string, 'model.safetensors'), memory);
        await memory.give();
        const done = await inProcess(step);
        await memory.take();
        const out = result ?? statSync(join(step.at(-1) as string, 'model.safetensors')).size;
        steps.push({ model, what, bytes: read, result: out, ...done, alone });
        return out;
      };
      for (let round = 0; round < rounds; round++) {
        for (const precision of ['int8', 'int4']) {
          const quantised = join(work, `${model}-${precision}`);
          const to = ['quantize', precision, source, quantised];
          const size = await run(`cloze quantize --to ${precision}`, bytes, undefined, to);
          await run(`load as ${precision}`, bytes, size, ['fill', precision, source]);
          await run(`load what is ${precision}`, size, size, ['fill', precision, quantised]);
          rmSync(quantised, { recursive: true });
        }
      }
      rmSync(source, { recursive: true });
      const own = steps.filter((step) => step.model === model);
      const whats = [...new Set(own.map((step) => step.what))];
      const lines = whats.map((what) => lineOf(own.filter((step) => step.what === what)));
      process.stdout.write(`${HEADING}\n${lines.join('\n')}\n`);
    }
  } finally {
    await memory.give();
    rmSync(work, { recursive: true, force: true });
  }
  if (values.json) await writeFileAtomically(values.json, `${JSON.stringify({ machine, steps }, null, 2)}\n`);
}

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
  if (kind === 'hold') return holdMemory();
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  const spent = () => {
    const { user, system } = process.cpuUsage();
    return { seconds: elapsed(), processor: (user + system) / 1e6 };
  };
  let done: Omit<Done, 'peak'>;
  if (kind === 'quantize') {
    await quantizeCommand([from, '--to', precision, '--out', to]);
    done = spent();
  } else {
    const model = await openModel(from, { precision: precision as 'int8' | 'int4', threads: 2 });
    done = spent();
    await selfTest(model);
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
    const { tokens } = await fillBlank(model, passage, options);
    done = { ...done, whole: elapsed(), tokens: tokens.length };
    model.runtime.dispose();
  }
  const all: Done = { ...done, peak: process.resourceUsage().maxRSS * 1024 };
  process.stdout.write(`${JSON.stringify(all)}\n`);
}
