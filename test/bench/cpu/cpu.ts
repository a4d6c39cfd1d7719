/**
 * `npm run bench -- cpu [--peer] [--shape NAME] [--threads N] [--precision NAME] [--clock wall|cpu] [--rounds N]
 * [--json FILE]`: reading and writing with random weights of three sizes, beside the floor that the processor sets and,
 * with `--peer`, beside llama.cpp as `node-llama-cpp` ships it, in turn. Prints a table of Markdown. An option of
 * shapes, threads or precisions may be given several times; without it all are measured.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { writeFileAtomically } from '../../../engine/checkpoint/atomic-write.ts';
import { type Clock, type Engine, installPeer, openCloze, openLlama } from './engines.ts';
import { bytesOfToken, floorOfReading, floorOfToken, measureLimits, millions } from './floors.ts';
import type { GgufType } from './gguf.ts';
import { type Precision, SHAPES, type Shape } from './shapes.ts';

const PRECISIONS: readonly (readonly [Precision, GgufType])[] = [
  ['int8', 'Q8_0'],
  ['int4', 'Q4_0'],
  ['bfloat16', 'F16'],
  ['float32', 'F32'],
];
/** New tokens, and after how many. */
const WRITTEN = 64;
const BEFORE = 1024;
/** Pool threads of either engine have stopped spinning by then. */
const REST = 50;

interface Spread {
  median: number;
  least: number;
  most: number;
}

interface Figure {
  shape: string;
  precision: Precision;
  threads: number;
  what: string;
  /** Milliseconds. */
  cloze: Spread;
  peer?: Spread;
  floor?: number;
}

export async function benchCpu(args: string[], machine: string): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      peer: { type: 'boolean', default: false },
      shape: { type: 'string', multiple: true, default: SHAPES.map(({ name }) => name) },
      threads: { type: 'string', multiple: true, default: ['1', '2'] },
      precision: { type: 'string', multiple: true },
      clock: { type: 'string', default: 'wall' },
      rounds: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const clock: Clock = values.clock === 'cpu' ? 'cpu' : 'wall';
  const installed = values.peer ? await installPeer() : undefined;
  const work = mkdtempSync(join(tmpdir(), 'cloze-gguf-'));
  const figures: Figure[] = [];
  process.stdout.write(`${machine}, ${clock} time\n\n${HEADING}\n`);
  try {
    for (const shape of SHAPES.filter(({ name }) => values.shape.includes(name))) {
      const rounds = Number(values.rounds ?? shape.rounds);
      const precisions = PRECISIONS.filter(
        ([name]) => values.precision?.includes(name) ?? shape.precisions.includes(name),
      );
      for (const threads of values.threads.map(Number)) {
        const sizes = precisions.map(([name]) => bytesOfToken(shape, name, BEFORE));
        const limits = measureLimits(threads, sizes);
        for (const [precision, type] of precisions) {
          const engines = [await openCloze(shape, precision, threads)];
          if (installed) engines.push(await openLlama(shape, type, threads, { installed, work }));
          const [cloze, peer] = await inTurn(engines, { ...shape, rounds }, clock);
          for (const engine of engines) await engine.dispose();
          for (const what of [...shape.lengths, 'token'] as const) {
            const size = bytesOfToken(shape, precision, BEFORE);
            const figure: Figure = {
              shape: `${shape.name} (${millions(shape)} M)`,
              precision,
              threads,
              what: what === 'token' ? `a token after ${BEFORE}` : `read ${what}`,
              cloze: spread(cloze?.get(what)),
              ...(peer ? { peer: spread(peer.get(what)) } : {}),
              ...(limits
                ? {
                    floor:
                      what === 'token' ? floorOfToken(size, limits) : floorOfReading(shape, precision, what, limits),
                  }
                : {}),
            };
            figures.push(figure);
            process.stdout.write(`${line(figure)}\n`);
          }
        }
      }
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  if (values.json) await writeFileAtomically(values.json, `${JSON.stringify({ machine, clock, figures }, null, 2)}\n`);
}

type Times = Map<number | 'token', number[]>;

/** Milliseconds of each engine; the first round only warms up. */
async function inTurn(engines: readonly Engine[], { rounds, config, lengths }: Shape, clock: Clock): Promise<Times[]> {
  const all = engines.map((): Times => new Map());
  for (let round = -1; round < rounds; round++) {
    for (const length of lengths) {
      const prompt = Array.from({ length }, (_, index) => 300 + ((index * 7919) % (config.vocabSize - 300)));
      for (const [index, engine] of engines.entries()) {
        await wait(REST);
        const { read, token } = await engine.run(prompt, length === BEFORE ? WRITTEN : 0, clock);
        if (round < 0) continue;
        const times = all[index] as Times;
        for (const [what, time] of [[length, read] as const, ...(length === BEFORE ? [['token', token] as const] : [])])
          times.set(what, [...(times.get(what) ?? []), time]);
      }
    }
  }
  return all;
}

function spread(times: readonly number[] = []): Spread {
  const sorted = [...times].sort((a, b) => a - b);
  return { median: sorted[sorted.length >> 1] ?? 0, least: sorted[0] ?? 0, most: sorted.at(-1) ?? 0 };
}

const HEADING = `| shape | precision | threads | | Cloze ms | llama.cpp ms | times faster | floor ms |
|---|---|---|---|---|---|---|---|`;

function line({ shape, precision, threads, what, cloze, peer, floor }: Figure): string {
  const show = ({ median, least, most }: Spread) => `${short(median)} (${short(least)}–${short(most)})`;
  const times = peer ? (peer.median / cloze.median).toFixed(1) : '';
  const cells = [
    shape,
    precision,
    threads,
    what,
    show(cloze),
    peer ? show(peer) : '',
    times,
    floor ? short(floor) : '',
  ];
  return `| ${cells.join(' | ')} |`;
}

function short(milliseconds: number): string {
  return milliseconds >= 100 ? milliseconds.toFixed(0) : milliseconds.toPrecision(3);
}
