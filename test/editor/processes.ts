/** The processes of this machine with their command lines, from /proc where there is one, else from `ps`. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

export function processesWith(...parts: string[]): number[] {
  const found = [...(existsSync('/proc/self/cmdline') ? fromProc() : fromPs())];
  return found.filter(([, command]) => parts.every((part) => command.includes(part))).map(([pid]) => pid);
}

function* fromProc(): Generator<[number, string]> {
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      yield [Number(entry), readFileSync(`/proc/${entry}/cmdline`, 'utf8')];
    } catch {
      // It ended between the two reads.
    }
  }
}

function* fromPs(): Generator<[number, string]> {
  for (const line of execFileSync('ps', ['-A', '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n')) {
    yield [Number.parseInt(line, 10), line];
  }
}
