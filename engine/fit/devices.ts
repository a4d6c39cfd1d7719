/** What a model could run on here: the processor and the graphics cards, as the system's own tools name them. */
import { cpus } from 'node:os';
import { graphics } from 'systeminformation';
import { measureMemory } from './memory.ts';

export interface Device {
  name: string;
  kind: 'cpu' | 'gpu';
  driver?: string;
  /** Bytes; undefined where the system does not say. */
  total?: number;
  free?: number;
}

/** The processor first. Starts the system's tools (lspci, nvidia-smi, …), none of which uses the network. */
export async function findDevices(): Promise<Device[]> {
  const { total, available } = measureMemory();
  const { controllers } = await graphics();
  return [
    { name: cpus()[0]?.model.trim() || `${process.arch} processor`, kind: 'cpu', total, free: available },
    ...controllers.map(({ model, vendor, name, driverVersion, memoryTotal, vram, memoryFree }): Device => {
      // Of a card that shares the machine's memory, `vram` is what the firmware set apart, if anything.
      const megabytes = memoryTotal ?? vram ?? 0;
      return {
        name: name || [vendor, model].filter(Boolean).join(' ') || 'unnamed graphics card',
        kind: 'gpu',
        ...(driverVersion ? { driver: driverVersion } : {}),
        ...(megabytes > 0 ? { total: megabytes * 2 ** 20 } : {}),
        ...(memoryFree === undefined || memoryFree === null ? {} : { free: memoryFree * 2 ** 20 }),
      };
    }),
  ];
}
