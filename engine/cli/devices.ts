/** `cloze devices`: what a model could run on here. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { measureBandwidth } from '../fit/bandwidth.ts';
import { findDevices } from '../fit/devices.ts';
import { inWords } from '../fit/fit.ts';
import { nativeExecution } from '../runtime/native.ts';
import { kernelLevel } from './environment.ts';

const USAGE = `Usage: cloze devices [options]

Lists the processor and the graphics cards: name, kind, driver, memory in all and free, and how fast the processor reads
a model's weights, measured for a moment with a model of zeros. Nothing is asked of the network.

  --json    for programs: bytes, and bytes a second`;

export async function devicesCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { help: { type: 'boolean', short: 'h' }, json: { type: 'boolean' } } });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const form = nativeExecution({}, { level: kernelLevel(), precision: 'float32' });
  const bandwidth = await measureBandwidth(form);
  const devices = (await findDevices()).map((device) => ({
    ...device,
    ...(device.kind === 'cpu' ? { bandwidth } : {}),
  }));
  if (values.json) {
    process.stdout.write(`${JSON.stringify(devices, null, 2)}\n`);
    return 0;
  }
  for (const { name, kind, driver, total, free, ...device } of devices) {
    const speed =
      'bandwidth' in device
        ? [
            `${inWords(device.bandwidth)}/s read by ${form.threads} of ${availableParallelism()} threads (${form.level})`,
          ]
        : [];
    const facts = [
      kind,
      ...(driver ? [`driver ${driver}`] : []),
      total === undefined ? 'memory not said' : `${inWords(total)} of memory`,
      ...(free === undefined ? [] : [`${inWords(free)} free`]),
      ...speed,
    ];
    process.stdout.write(`${name}: ${facts.join(', ')}\n`);
  }
  return 0;
}
