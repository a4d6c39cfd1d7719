/** A model from a hub into the data folder: file by file into a folder aside, which is renamed and installed when it is whole. */
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describeModelFolder } from '../model/load.ts';
import { type RetryOptions, standardRetries } from '../remote/failure.ts';
import { downloadFile } from './download-file.ts';
import { readHubModel } from './hub.ts';
import { addModel, checkName, type InstalledModel, modelsFolder, readRegistry } from './registry.ts';

export interface ModelDownload {
  /** The model's page. */
  url: string;
  /** Another hub with the same pages. */
  mirror?: string | undefined;
  /** Default: the model's name on the hub. */
  name?: string | undefined;
  data: string;
  /** Bytes of all files. */
  onProgress: (done: number, all: number, file: string) => void;
  retries?: RetryOptions;
  /** Most milliseconds without a byte; default 30 s. */
  silence?: number;
}

/** What was fetched before it was ended, or failed, is kept, and the same call goes on from there. */
export async function downloadModel(options: ModelDownload, signal: AbortSignal): Promise<InstalledModel> {
  const { url, mirror, data, onProgress, retries = standardRetries, silence = 30_000 } = options;
  const { name: own, files } = await readHubModel(url, { mirror, silence }, signal);
  const name = options.name ?? own;
  checkName(name);
  const folder = join(modelsFolder(data), name);
  if (existsSync(folder) || (await readRegistry(data)).models.some((model) => model.name === name))
    throw new Error(`There is a model "${name}" already. Give another name with --name, or remove it first.`);
  // No model's name begins like this one's.
  const aside = join(modelsFolder(data), `.${name}.part`);
  await mkdir(aside, { recursive: true });
  const all = files.reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  for (const file of files) {
    const path = join(aside, file.name);
    const report = (done: number) => onProgress(before + done, all, file.name);
    if (!existsSync(path)) await downloadFile(file, path, { retries, silence, onProgress: report }, signal);
    before += file.size;
    report(0);
  }
  await describeModelFolder(aside);
  await rename(aside, folder);
  return addModel(data, folder, { name, own: true });
}
