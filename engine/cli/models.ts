/** `cloze models`: what each installed model needs in every precision, whether it fits, and how fast it could be. */
import { parseArgs } from 'node:util';
import { totalDemand } from '../fit/demand.ts';
import { findDevices } from '../fit/devices.ts';
import { inWords, USUAL_CONTEXT } from '../fit/fit.ts';
import { measureMemory } from '../fit/memory.ts';
import { type WayHere, waysHere } from '../fit/overview.ts';
import { predictSpeed } from '../fit/speed.ts';
import { readRegistry, SHIPPED } from '../installed/registry.ts';
import type { GlmConfig } from '../model/config.ts';
import { loadModelFolder } from '../model/load.ts';
import { wholeNumber } from './arguments.ts';
import { dataFolder, embeddedModel, kernelLevel } from './environment.ts';

const USAGE = `Usage: cloze models [options]

For each installed model, and each way of running it: memory for weights, for keys and values of the context, for work
space; whether that fits into what is free now; and tokens a second with half of the context read, from a moment's
measurement of layers of zeros of the same shape (native only). No model is loaded. Memory of a graphics card is not known before it is used, so fits is "?" there.

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
  const rows: Row[] = [];
  const wrong: string[] = [];
  for (const { name, folder } of [{ name: SHIPPED, folder: embeddedModel() }, ...models]) {
    try {
      const model = await loadModelFolder(folder);
      for (const way of waysHere(model, { ...here, context: wanted }).ways)
        rows.push(await rowOf(name, way, model.config, wanted));
    } catch (error) {
      wrong.push(`${name}: ${(error as Error).message}`);
    }
  }
  process.stdout.write(values.json ? `${JSON.stringify(rows, null, 2)}\n` : table(rows, available));
  for (const line of wrong) process.stderr.write(`${line}\n`);
  return wrong.length > 0 ? 1 : 0;
}

/** Speed is measured natively, where there is room for it. */
async function rowOf(model: string, way: WayHere, config: GlmConfig, wanted: number): Promise<Row> {
  if (!way.form || !way.fits) return { model, ...way };
  return { model, ...way, tokensPerSecond: await predictSpeed(config, way.form, Math.min(wanted, config.maxLength)) };
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
    row.tokensPerSecond === undefined ? '' : row.tokensPerSecond.toPrecision(2),
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
