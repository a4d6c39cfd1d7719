/**
 * `npm run bench -- train [--peer] [--recipe NAME] [--samples N] [--threads N] [--level NAME] [--precision NAME]
 * [--rounds N] [--clock wall|cpu] [--json FILE]`: tokens a second of a training step at each kernel level, its share of
 * what the processor's registers can do, and where its time goes; with `--peer` the same step in PyTorch, in turn. An
 * option of threads, levels or precisions may be given several times; without it all are measured.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFileAtomically } from '../../../engine/checkpoint/atomic-write.ts';
import { loadAddon, type NativeTrainer } from '../../../engine/native.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { initialTensors } from '../../../engine/training/initialize.ts';
import { RECIPES } from '../../../engine/training/recipes.ts';
import { measureLimits } from '../cpu/floors.ts';
import type { Row } from '../main.ts';
import { type Alternative, interleaved } from '../spread.ts';
import { openTorch, torchVersion } from './torch.ts';
import { flopOfPhases, flopOfStep, LENGTH, OPTIMIZER, PART_A, randomBatch, type Work } from './work.ts';

const LEVELS = ['portable', 'avx2', 'avx512', 'amx'];
/** Shown by itself: it is for machines that have none of the others, and slow. */
const FASTER_LEVELS = LEVELS.slice(1);
const PRECISIONS = ['bfloat16', 'float32'] as const;

type Clock = 'wall' | 'cpu';

/** A measured trainer: ours at one level, or PyTorch. */
interface Runner {
  name: string;
  precision: (typeof PRECISIONS)[number];
  threads: number;
  /** Seconds of a step. */
  step(): Promise<number>;
  /** Seconds of a step by phase, mean of all. */
  phases?(): Record<string, number>;
  close(): void;
}

export async function benchTrain(args: string[], machine: string): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      peer: { type: 'boolean', default: false },
      recipe: { type: 'string', default: 'cursor-7m' },
      samples: { type: 'string', default: '8' },
      threads: { type: 'string', multiple: true, default: ['1', '2'] },
      level: { type: 'string', multiple: true },
      precision: { type: 'string', multiple: true, default: [...PRECISIONS] },
      rounds: { type: 'string', default: '5' },
      clock: { type: 'string', default: 'wall' },
      json: { type: 'string' },
    },
  });
  const config = RECIPES[values.recipe]?.config;
  if (!config) throw new Error(`There is no recipe "${values.recipe}".`);
  const work: Work = { config, samples: Number(values.samples) };
  const clock: Clock = values.clock === 'cpu' ? 'cpu' : 'wall';
  const detected = LEVELS.indexOf(loadAddon().detectedLevel);
  const levels = (values.level ?? FASTER_LEVELS).filter((level) => LEVELS.indexOf(level) <= detected);
  const precisions = PRECISIONS.filter((precision) => values.precision.includes(precision));
  const threads = values.threads.map(Number);
  const peer = values.peer ? torchVersion() : undefined;
  const folder = mkdtempSync(join(tmpdir(), 'cloze-torch-'));
  const runners: Runner[] = [];
  try {
    for (const count of threads) {
      for (const precision of precisions) {
        for (const level of levels) runners.push(await openOurs(work, level, precision, count, clock));
        if (peer) runners.push(await openPeer(work, precision, count, clock, folder));
      }
    }
    const tokens = work.samples * LENGTH;
    const measured = await interleaved(
      [
        ...runners.map(({ name, precision, step }): Alternative => {
          return { what: `${name}, ${precision}`, unit: 'tokens/s', measure: async () => tokens / (await step()) };
        }),
        ...threads.map((count): Alternative => {
          const measure = async () => 2 * (measureLimits(count, [])?.float ?? Number.NaN);
          return { what: `register rate, ${threadsOf(count)}`, unit: 'FLOP/s', measure };
        }),
      ],
      Number(values.rounds),
    );
    const rows = measured.slice(0, runners.length);
    const rates = new Map(threads.map((count, index) => [count, measured[runners.length + index] as Row]));
    process.stdout.write(
      `${machine}${peer ? `, PyTorch ${peer}` : ''}\n${values.recipe}, ${work.samples} samples of ${LENGTH} tokens, ${PART_A} of them Part A, ` +
        `${(flopOfStep(work) / tokens / 1e6).toFixed(1)} MFLOP a token; ${values.rounds} rounds, ${clock} time\n\n`,
    );
    process.stdout.write(`${speedTable(work, runners, rows, rates)}\n`);
    for (const runner of runners) {
      if (runner.phases && runner.name === LEVELS[detected]) {
        process.stdout.write(`\n${phaseTable(work, runner, rates.get(runner.threads)?.median ?? Number.NaN)}\n`);
      }
    }
    if (values.json) {
      const figures = rows.map((row, index) => ({ ...row, threads: runners[index]?.threads }));
      const phases = runners.map(({ name, precision, threads: count, phases }) => ({
        name,
        precision,
        count,
        seconds: phases?.(),
      }));
      await writeFileAtomically(
        values.json,
        `${JSON.stringify({ machine, peer, work, clock, rates: [...rates], figures, phases }, null, 2)}\n`,
      );
    }
  } finally {
    for (const runner of runners) runner.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openOurs(
  work: Work,
  level: string,
  precision: Runner['precision'],
  threads: number,
  clock: Clock,
): Promise<Runner> {
  const trainer: NativeTrainer = new (loadAddon().Trainer)(work.config, { level, threads, precision });
  for (const { name, values } of initialTensors(work.config, createRandom(1))) trainer.set(name, values, 'parameter');
  await trainer.pack();
  const batch = randomBatch(work);
  const counted = work.samples * (LENGTH - PART_A);
  return {
    name: level,
    precision,
    threads,
    async step() {
      const [wall, cpu] = [performance.now(), process.cpuUsage()];
      trainer.zeroGradients();
      await trainer.forwardBackward(batch, 1 / counted, 1);
      await trainer.update({ ...OPTIMIZER, decayAll: false });
      const { user, system } = process.cpuUsage(cpu);
      return clock === 'wall' ? (performance.now() - wall) / 1000 : (user + system) / 1e6 / threads;
    },
    phases: () =>
      Object.fromEntries(
        Object.entries(trainer.phases()).map(([phase, { wall, cpu }]) => [
          phase,
          (clock === 'wall' ? wall : cpu / threads) / trainer.steps,
        ]),
      ),
    close: () => trainer.cancel(),
  };
}

async function openPeer(
  work: Work,
  precision: Runner['precision'],
  threads: number,
  clock: Clock,
  folder: string,
): Promise<Runner> {
  const torch = await openTorch(work, precision, threads, folder);
  return {
    name: 'PyTorch',
    precision,
    threads,
    async step() {
      const { wall, cpu } = await torch.step();
      return clock === 'wall' ? wall : cpu / threads;
    },
    close: () => torch.close(),
  };
}

function speedTable(
  work: Work,
  runners: readonly Runner[],
  rows: readonly Row[],
  rates: ReadonlyMap<number, Row>,
): string {
  const perToken = flopOfStep(work) / (work.samples * LENGTH);
  const lines = rows.map(({ median, least, most }, index) => {
    const { name, precision, threads } = runners[index] as Runner;
    // PyTorch's best precision for so many threads.
    const peers = rows.filter((_, at) => runners[at]?.name === 'PyTorch' && runners[at]?.threads === threads);
    const best = Math.max(...peers.map((row) => row.median));
    const times = peers.length > 0 && name !== 'PyTorch' ? (median / best).toFixed(1) : '';
    const flops = median * perToken;
    const share = percent(flops / (rates.get(threads)?.median ?? Number.NaN));
    const spread = `${median.toFixed(0)} (${least.toFixed(0)}–${most.toFixed(0)})`;
    return `| ${name} | ${precision} | ${threads} | ${spread} | ${(flops / 1e9).toFixed(1)} | ${share} | ${times} |`;
  });
  const registers = [...rates].map(([count, { median, least, most }]) => {
    const [middle, low, high] = [median, least, most].map((rate) => (rate / 1e9).toFixed(0));
    return `${middle} (${low}–${high}) GFLOP/s with ${threadsOf(count)}`;
  });
  return [
    `Register rate of float32, in the same rounds: ${registers.join(', ')}.`,
    '',
    "| | precision | threads | tokens/s | model GFLOP/s | of the register rate | times PyTorch's best |",
    '|---|---|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}

const PHASES: Readonly<Record<string, string>> = {
  layersForward: 'layers forward: norms, products, activation',
  attentionForward: 'attention forward',
  head: 'logits, cross-entropy, their gradients',
  headGradient: "gradient of the head's matrix",
  layersBackward: 'layers backward: products, norms, activation',
  attentionBackward: 'attention backward',
  weightGradients: "gradients of the layers' matrices",
  embedding: 'gradient of the embedding',
  zeroing: 'gradients set to zero',
  optimizer: 'norm of the gradients, AdamW',
  packing: 'weights packed for products',
};

/** Mean of all steps, the one to warm up included; and what each phase reaches. */
function phaseTable(work: Work, { name, precision, threads, phases }: Runner, rate: number): string {
  const seconds = phases?.() ?? {};
  const flop = flopOfPhases(work);
  const line = (what: string, time: number, own?: number) => {
    const reached = own === undefined ? ' | ' : `${(own / time / 1e9).toFixed(1)} | ${percent(own / time / rate)}`;
    return `| ${what} | ${(1000 * time).toFixed(1)} | ${percent(time / whole)} | ${reached} |`;
  };
  const whole = Object.values(seconds).reduce((sum, value) => sum + value, 0);
  return [
    `Where the time goes: ${name}, ${precision}, ${threadsOf(threads)}`,
    '',
    '| | ms a step | of the step | GFLOP/s | of the register rate |',
    '|---|---|---|---|---|',
    ...Object.entries(PHASES).map(([phase, what]) => line(what, seconds[phase] ?? 0, flop[phase])),
    line('the step', whole, flopOfStep(work)),
  ].join('\n');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function threadsOf(count: number): string {
  return `${count} thread${count === 1 ? '' : 's'}`;
}
