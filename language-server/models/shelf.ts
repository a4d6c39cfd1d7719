/** The installed models as the server sees them. The engine's code for them is loaded when it is first asked for. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Device } from '../../engine/fit/devices.ts';
import type { Circumstances } from '../../engine/fit/overview.ts';
import type { InstalledModel } from '../../engine/installed/registry.ts';
import { messageOf } from '../error-message.ts';
import { EDITOR_TASKS, type EditorTask, type ModelInfo, type ModelsResult, type ModelWay } from './messages.ts';

export interface ShelfParts {
  /** Folder of the registry and of downloaded models. */
  data: string;
  embeddedModel: string;
  /** Of the kernels; empty for the best. */
  level: string;
}

/** A folder that is used, and why where it is not installed. */
export interface UsedFolder {
  folder: string;
  origin: 'tuned' | 'setting';
}

export interface Shelf {
  /** Folders of the chosen defaults. Throws where the registry is damaged. */
  defaults(): Promise<Partial<Record<EditorTask, string>>>;
  /** `used`: what each task has now; `others`: folders in use that need not be installed. */
  list(
    used: Record<EditorTask, string> | undefined,
    others: readonly UsedFolder[],
    threads: number,
  ): Promise<Omit<ModelsResult, 'setting'>>;
  add(folder: string, name: string | undefined): Promise<InstalledModel>;
  remove(name: string): Promise<void>;
  use(name: string, tasks: readonly EditorTask[]): Promise<void>;
  download(
    options: { url: string; name?: string; mirror?: string },
    onProgress: (done: number, all: number, file: string) => void,
    signal: AbortSignal,
  ): Promise<InstalledModel>;
}

export function createShelf({ data, embeddedModel, level }: ShelfParts): Shelf {
  const registry = () => import('../../engine/installed/registry.ts');
  let devices: Promise<Device[]> | undefined;

  async function circumstances(threads: number): Promise<Circumstances> {
    const { findDevices } = await import('../../engine/fit/devices.ts');
    const { measureMemory } = await import('../../engine/fit/memory.ts');
    const { USUAL_CONTEXT } = await import('../../engine/fit/fit.ts');
    // The system's tools take their time, and cards do not come and go. A machine without such tools has none to show.
    devices ??= findDevices().catch(() => []);
    const { available } = measureMemory();
    return { context: USUAL_CONTEXT, threads, level, available, devices: await devices };
  }

  async function describe(model: Omit<ModelInfo, 'ways'>, here: Circumstances): Promise<ModelInfo> {
    const { loadModelFolder } = await import('../../engine/model/load.ts');
    const { parameterCount } = await import('../../engine/model/config.ts');
    try {
      const folder = await loadModelFolder(model.folder);
      const bytes = await sizeOf(model.folder);
      return { ...model, parameters: parameterCount(folder.config), bytes, ways: await waysOf(folder, here) };
    } catch (error) {
      return { ...model, ways: [], problem: messageOf(error) };
    }
  }

  return {
    async defaults() {
      const { defaultFolder, readRegistry } = await registry();
      const read = await readRegistry(data);
      return Object.fromEntries(
        EDITOR_TASKS.flatMap((task) => {
          const folder = defaultFolder(read, task);
          return folder === undefined ? [] : [[task, folder]];
        }),
      );
    },
    async list(used, others, threads) {
      const { readRegistry, SHIPPED } = await registry();
      const { measureMemory } = await import('../../engine/fit/memory.ts');
      const { models } = await readRegistry(data);
      const here = await circumstances(threads);
      const known = [
        { name: SHIPPED, folder: embeddedModel, origin: 'shipped' as const },
        ...models.map(({ name, folder, own }) => ({ name, folder, origin: own ? 'downloaded' : 'added' }) as const),
      ];
      const more = others
        .filter(({ folder }) => known.every((model) => model.folder !== folder))
        .map(({ folder, origin }) => ({ name: lastPart(folder), folder, origin }));
      const described = [...known, ...more].map((model) =>
        describe({ ...model, usedFor: EDITOR_TASKS.filter((task) => used?.[task] === model.folder) }, here),
      );
      return { models: await Promise.all(described), memory: measureMemory() };
    },
    add: async (folder, name) => (await registry()).addModel(data, folder, { name, own: false }),
    async remove(name) {
      await (await registry()).removeModel(data, name);
    },
    use: async (name, tasks) => (await registry()).setDefault(data, name, tasks),
    async download({ url, name, mirror }, onProgress, signal) {
      const { downloadModel } = await import('../../engine/installed/download-model.ts');
      return downloadModel({ data, url, name, mirror, onProgress }, signal);
    },
  };
}

/** Those that the settings can choose: the usual precision natively, and float32 on each of onnxruntime's providers. */
async function waysOf(
  folder: Parameters<typeof import('../../engine/fit/overview.ts').waysHere>[0],
  here: Circumstances,
): Promise<ModelWay[]> {
  const { waysHere } = await import('../../engine/fit/overview.ts');
  const { totalDemand } = await import('../../engine/fit/demand.ts');
  const { usual, ways } = waysHere(folder, here);
  return ways
    .filter(({ name, runtime }) => name === usual || name === `${runtime} float32`)
    .filter(({ name, runtime }) => runtime !== 'native' || name === usual)
    .map(({ runtime, name, demand, available, fits }) => ({
      runtime,
      name,
      bytes: totalDemand(demand),
      ...(available === undefined ? {} : { available }),
      ...(fits === undefined ? {} : { fits }),
    }));
}

/** Bytes of a folder's own files. */
async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder, { withFileTypes: true });
  const sizes = names.map(async (entry) => (entry.isDirectory() ? 0 : (await stat(join(folder, entry.name))).size));
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

function lastPart(folder: string): string {
  return folder.split(/[\\/]/).findLast((part) => part !== '') ?? folder;
}
