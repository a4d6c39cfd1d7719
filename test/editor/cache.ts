/** Where large downloads for the browser workbench are kept between runs, outside the work tree. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'cloze');
}

/**
 * The folder `name` of the cache, filled by `install` when it is not there yet. It is filled aside and renamed when
 * complete: an installation that was killed never looks finished, and of two at the same time one wins.
 */
export async function installOnce(name: string, install: (folder: string) => Promise<void>): Promise<string> {
  const finished = join(cacheFolder(), name);
  if (existsSync(finished)) return finished;
  mkdirSync(cacheFolder(), { recursive: true });
  removeAbandoned(name);
  const aside = `${finished}.partial-${process.pid}`;
  mkdirSync(aside);
  try {
    await install(aside);
    if (!existsSync(finished)) renameSync(aside, finished);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  return finished;
}

/** Removes what killed installations of `name` left behind. */
function removeAbandoned(name: string): void {
  for (const entry of readdirSync(cacheFolder())) {
    const pid = entry.startsWith(`${name}.partial-`) ? Number(entry.split('-').at(-1)) : undefined;
    if (pid !== undefined && !isRunning(pid)) rmSync(join(cacheFolder(), entry), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return pid !== process.pid;
  } catch {
    return false;
  }
}
