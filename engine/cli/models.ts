/** `cloze models`: what each installed model needs in every precision, whether it fits, and how fast it could be. */
import { parseArgs } from 'node:util';
import { measureBandwidth } from '../fit/bandwidth.ts';
import { NATIVE_PRECISIONS, type NativeForm, totalDemand } from '../fit/demand.ts';
import { findDevices } from '../fit/devices.ts';
import { inWords, tokensPerSecond, USUAL_CONTEXT } from '../fit/fit.ts';
import { measureMemory } from '../fit/memory.ts';
import { type WayHere, waysHere } from '../fit/overview.ts';
import { readRegistry, SHIPPED } from '../installed/registry.ts';
import { loadModelFolder } from '../model/load.ts';
import { nativeExecution } from '../runtime/native.ts';
import { wholeNumber } from './arguments.ts';
import { dataFolder, embeddedModel, kernelLevel } from './environment.ts';

const USAGE = `Usage: cloze models [options]

For each installed model, and each way of running it: memory for weights, for keys and values of the context, for work
space; whether that fits into what is free now; and tokens a second at best, from the measured speed of memory (native
only). Nothing is loaded. Memory of a graphics card is not known before it is used, so fits is "?" there.

  --context N   tokens of context (default ${USUAL_CONTEXT}, at most what the model takes)
  --threads N   default: one fewer than the processors
  --json        for programs: bytes, tokens a second`;

interface Row extends WayHere {
  model: string;
  tokensPerSecond?: number;
}

export async function modelsCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean', short: 'h' },
      context: { type: 'string', default: String(USUAL_CONTEXT) },
      threads: { type: 'string', default: '0' },
      json: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const wanted = wholeNumber(values.context, '--context', 1);
  const threads = wholeNumber(values.threads, '--threads', 0);
  const { models } = await readRegistry(dataFolder());
  const { available } = measureMemory();
  const here = { threads, level: kernelLevel(), available, devices: await findDevices() };
  const bandwidths = await measuredBandwidths(threads);
  const rows: Row[] = [];
  const wrong: string[] = [];
  for (const { name, folder } of [{ name: SHIPPED, folder: embeddedModel() }, ...models]) {
    try {
      const { ways } = waysHere(await loadModelFolder(folder), { ...here, context: wanted });
      rows.push(...ways.map((way) => rowOf(name, way, bandwidths)));
    } catch (error) {
      wrong.push(`${name}: ${(error as Error).message}`);
    }
  }
  process.stdout.write(values.json ? `${JSON.stringify(rows, null, 2)}\n` : table(rows, available));
  for (const line of wrong) process.stderr.write(`${line}\n`);
  return wrong.length > 0 ? 1 : 0;
}

type Bandwidths = ReadonlyMap<string, number>;

async function measuredBandwidths(threads: number): Promise<Bandwidths> {
  const found = new Map<string, number>();
  for (const precision of NATIVE_PRECISIONS) {
    const form: NativeForm = nativeExecution({}, { level: kernelLevel(), threads, precision });
    found.set(`native ${precision}`, await measureBandwidth(form));
  }
  return found;
}

function rowOf(model: string, way: WayHere, bandwidths: Bandwidths): Row {
  const bandwidth = bandwidths.get(way.name);
  const speed = bandwidth === undefined ? {} : { tokensPerSecond: tokensPerSecond(way.demand, bandwidth) };
  return { model, ...way, ...speed };
}

function table(rows: readonly Row[], available: number): string {
  const head = ['model', 'way', 'weights', 'context', 'work', 'at most', 'fits', 'tokens/s'];
  const lines = rows.map(({ model, name, demand, ...row }) => [
    model,
    name,
    inWords(demand.weights),
    inWords(demand.cache),
    inWords(demand.workSpace),
    inWords(totalDemand(demand)),
    row.fits === undefined ? '?' : row.fits ? 'yes' : 'no',
    row.tokensPerSecond === undefined ? '' : `< ${row.tokensPerSecond.toPrecision(2)}`,
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => (line[column] ?? '').length)),
  );
  const text = [head, ...lines].map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${text.join('\n')}\n${inWords(available)} of memory are free.\n`;
}
