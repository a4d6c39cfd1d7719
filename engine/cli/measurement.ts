/** What the commands that measure a model share: who was measured, how to do it again, progress, files of plots. */
import { mkdir } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { sha256Of } from '../checkpoint/file-hash.ts';
import type { Plots } from '../evaluation/plots/report-plots.ts';
import type { Subject } from '../evaluation/report.ts';
import type { LoadedModel } from '../load-model.ts';
import { parameterCount } from '../model/config.ts';

/** The command as a shell would take it, for the report. */
export function commandLine(args: readonly string[]): string {
  return ['cloze', ...args].map(quoted).join(' ');
}

export async function measuredModel(model: LoadedModel, folder: string): Promise<Subject['model']> {
  return {
    name: model.name,
    parameters: parameterCount(model.folder.config),
    sha256: await sha256Of(join(folder, 'model.safetensors')),
    metadata: model.folder.metadata,
    device: model.runtime.device,
  };
}

export function machine(): string {
  return `${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.versions.node}`;
}

export async function writePlots(folder: string, plots: Plots): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, svg] of Object.entries(plots)) await writeFileAtomically(join(folder, name), svg);
}

/** As a shell would need it. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}

let shown = 0;

/** On a terminal one line that is rewritten; elsewhere a line now and then. */
export function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
  else if (line !== '' && shown++ % 50 === 0) process.stderr.write(`${line}\n`);
}
