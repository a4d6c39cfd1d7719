/**
 * Which models are installed: `models.json` in the data folder, with a name, a folder, and whether the folder is the
 * project's own (downloaded) or the user's (added). Written whole and renamed.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { describeModelFolder } from '../model/load.ts';

/**
 * What a model can be the default of: completions while typing; blanks that were asked for, in the editor and in a
 * terminal; conversations; the server of `cloze serve`.
 */
export const TASKS = ['inline', 'fill', 'chat', 'serve'] as const;
export type Task = (typeof TASKS)[number];

/** The model that ships, which is no entry of the registry: as a default it is the absence of one. */
export const SHIPPED = 'embedded';

export interface InstalledModel {
  name: string;
  folder: string;
  /** Downloaded: removing the model removes the folder. */
  own: boolean;
}

export interface Registry {
  models: InstalledModel[];
  /** Names, by task. */
  defaults: Partial<Record<Task, string>>;
}

/** Downloaded models lie here, one folder each. */
export function modelsFolder(data: string): string {
  return join(data, 'models');
}

/** An empty registry where nothing was installed yet. Throws where the file is damaged. */
export async function readRegistry(data: string): Promise<Registry> {
  const path = registryPath(data);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { models: [], defaults: {} };
    throw error;
  }
  try {
    const { models, defaults } = JSON.parse(text) as Registry;
    const isModel = (m: InstalledModel) =>
      typeof m.name === 'string' && typeof m.folder === 'string' && typeof m.own === 'boolean';
    if (!Array.isArray(models) || !models.every(isModel) || typeof defaults !== 'object' || defaults === null)
      throw new Error('it has no models and defaults');
    return { models, defaults };
  } catch (error) {
    throw new Error(`${path} is damaged (${(error as Error).message}). Remove it and add the models again.`);
  }
}

/** Throws where the folder holds no model, or the name is taken. */
export async function addModel(
  data: string,
  folder: string,
  options: { name?: string | undefined; own: boolean },
): Promise<InstalledModel> {
  const path = resolve(folder);
  const name = options.name ?? basename(path);
  checkName(name);
  await describeModelFolder(path);
  const registry = await readRegistry(data);
  const taken = registry.models.find((model) => model.name === name);
  if (taken)
    throw new Error(
      `There is a model "${name}" already, in ${taken.folder}. Give another name with --name, or remove it first.`,
    );
  const model = { name, folder: path, own: options.own };
  registry.models.push(model);
  await write(data, registry);
  return model;
}

/** Throws where there is no such model. A folder of the user's stays as it is. */
export async function removeModel(data: string, name: string): Promise<InstalledModel> {
  const registry = await readRegistry(data);
  const model = find(registry, name);
  const defaults = Object.fromEntries(Object.entries(registry.defaults).filter(([, own]) => own !== name));
  await write(data, { models: registry.models.filter((other) => other !== model), defaults });
  // The name alone decides what is removed: a registry that was tampered with removes nothing elsewhere.
  if (model.own) await rm(join(modelsFolder(data), model.name), { recursive: true, force: true });
  return model;
}

/** Throws where there is no such model; `SHIPPED` is always there. */
export async function setDefault(data: string, name: string, tasks: readonly Task[]): Promise<void> {
  const registry = await readRegistry(data);
  if (name !== SHIPPED) find(registry, name);
  for (const task of tasks) {
    if (name === SHIPPED) delete registry.defaults[task];
    else registry.defaults[task] = name;
  }
  await write(data, registry);
}

/** The folder of a task's default, where one was chosen. */
export function defaultFolder({ models, defaults }: Registry, task: Task): string | undefined {
  return models.find((model) => model.name === defaults[task])?.folder;
}

/** The folder of what was asked for, a name or a folder; without it that of the task's default, else `otherwise`. */
export async function chosenFolder(
  data: string,
  asked: string | undefined,
  task: Task,
  otherwise: string,
): Promise<string> {
  const registry = await readRegistry(data);
  if (asked === undefined) return defaultFolder(registry, task) ?? otherwise;
  return registry.models.find((model) => model.name === asked)?.folder ?? asked;
}

function find({ models }: Registry, name: string): InstalledModel {
  const model = models.find((candidate) => candidate.name === name);
  if (model) return model;
  const names = models.map((candidate) => candidate.name).join(', ');
  throw new Error(`There is no model "${name}" installed; ${names === '' ? 'none is' : `there are: ${names}`}.`);
}

export function checkName(name: string): void {
  if (!/^\w[\w.-]{0,99}$/.test(name) || name === SHIPPED)
    throw new Error(
      `"${name}" is no name for a model: letters, digits, ".", "-" and "_" make one, and ${SHIPPED} is taken. Give another with --name.`,
    );
}

function registryPath(data: string): string {
  return join(data, 'models.json');
}

async function write(data: string, registry: Registry): Promise<void> {
  await mkdir(data, { recursive: true });
  await writeFileAtomically(registryPath(data), `${JSON.stringify(registry, null, 2)}\n`);
}
