/** Whether the machine runs on its battery, where that can be found out. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SUPPLIES = '/sys/class/power_supply';

/** `supplies`: Linux's folder of them. False where nobody can tell, as on Windows. */
export async function runsOnBattery(platform: NodeJS.Platform, supplies = SUPPLIES): Promise<boolean> {
  if (platform === 'darwin') {
    const told = await promisify(execFile)('/usr/bin/pmset', ['-g', 'batt']).catch(() => ({ stdout: '' }));
    return told.stdout.includes("'Battery Power'");
  }
  if (platform !== 'linux') return false;
  const read = (supply: string, name: string) =>
    readFile(join(supplies, supply, name), 'utf8').then(
      (text) => text.trim(),
      () => '',
    );
  for (const supply of await readdir(supplies).catch(() => [] as string[])) {
    // A mouse has a battery too: its scope says so.
    const [type, status, scope] = await Promise.all(['type', 'status', 'scope'].map((name) => read(supply, name)));
    if (type === 'Battery' && status === 'Discharging' && scope !== 'Device') return true;
  }
  return false;
}
