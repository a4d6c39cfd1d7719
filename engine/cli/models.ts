/** `cloze models`: what each installed model needs in every precision, whether it fits, and how fast it could be. */
import { parseArgs } from 'node:util';
import { totalDemand } from '../fit/demand.ts';
import { findDevices } from '../fit/devices.ts';
import { inWords, USUAL_CONTEXT } from '../fit/fit.ts';
import { measureMemory } from '../fit/memory.ts';
import { predictOnnxSpeed } from '../fit/onnx-speed.ts';
import { type WayHere, waysHere } from '../fit/overview.ts';
import { predictSpeed } from '../fit/speed.ts';
import { readRegistry, SHIPPED } from '../installed/registry.ts';
import type { GlmConfig } from '../model/config.ts';
import { loadModelFolder } from '../model/load.ts';
import { programPath } from '../program-path.ts';
import { DeviceFailure } from '../runtime/device-failure.ts';
import { probeProvider } from '../runtime/onnx/probe.ts';
import type { Provider } from '../runtime/onnx/providers.ts';
import { wholeNumber } from './arguments.ts';
import { dataFolder, embeddedModel, kernelLevel } from './environment.ts';

const USAGE = `Usage: cloze models [options]

For each installed model, and each way of running it: memory for weights, for keys and values of the context, for work
space; whether that fits into what is free now; and tokens a second with half of the context read, from a moment's
measurement of layers of zeros of the same shape, on each of onnxruntime's providers that works here too. No model is
loaded. Memory of a graphics card is not known before it is used, so fits is "?" there.

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
        rows.push(await rowOf(name, way, model.config, Math.min(wanted, model.config.maxLength), threads));
    } catch (error) {
      wrong.push(`${name}: ${(error as Error).message}`);
    }
  }
  process.stdout.write(values.json ? `${JSON.stringify(rows, null, 2)}\n` : table(rows, available));
  for (const line of wrong) process.stderr.write(`${line}\n`);
  return wrong.length > 0 ? 1 : 0;
}

/** Speed is measured where there is room for it, and a provider that can do it. */
async function rowOf(model: string, way: WayHere, config: GlmConfig, context: number, threads: number): Promise<Row> {
  const { form, provider, precision, fits } = way;
  if (fits === false) return { model, ...way };
  if (form) return { model, ...way, tokensPerSecond: await predictSpeed(config, form, context) };
  if (!provider || !precision || !(await works(provider))) return { model, ...way };
  try {
    return {
      model,
      ...way,
      tokensPerSecond: await predictOnnxSpeed(config, { provider, precision, threads }, context),
    };
  } catch (error) {
    if (!(error instanceof DeviceFailure)) throw error;
    return { model, ...way };
  }
}

const probes = new Map<Provider, Promise<boolean>>();

/** Whether a provider computes at all, found out in another process, once. */
function works(provider: Provider): Promise<boolean> {
  const found =
    probes.get(provider) ?? probeProvider(provider, programPath('onnx-host.mjs')).then((wrong) => wrong === undefined);
  probes.set(provider, found);
  return found;
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
