/** Tells of every connection that Node programs open: each that is started with `env` writes them into a file. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';

export interface Opened {
  /** The script that the program runs. */
  program: string;
  /** `connect`, `send`, `lookup` and their like; `started` once for each program. */
  way: string;
  /** Where to, as far as the call says so. */
  to: string;
}

/** Loaded before anything else of a program. Pipes on this machine are no connections. */
const HOOK = `
const { appendFileSync } = require('node:fs');
const tell = (way, to) => appendFileSync(process.env.CLOZE_TELL_TALE, JSON.stringify({ program: process.argv[1] ?? '', way, to }) + '\\n');
tell('started', '');
for (const [of, names] of [
  [require('node:net').Socket.prototype, ['connect']],
  [require('node:dgram').Socket.prototype, ['bind', 'connect', 'send']],
  [require('node:dns'), ['lookup', 'resolve', 'resolve4', 'resolve6']],
])
  for (const way of names) {
    const real = of[way];
    of[way] = function (...given) {
      // Node's own callers hand over what they were given as one list.
      const [first] = Array.isArray(given[0]) ? given[0] : given;
      if (!first?.path && !(typeof first === 'string' && first.startsWith('/'))) {
        const to = typeof first === 'object' ? [first?.host ?? '', first?.port ?? ''].join(':') : String(first);
        tell(way, to);
      }
      return real.apply(this, given);
    };
  }`;

/** `folder` takes the hook and what it tells. */
export function tellTale(folder: string): {
  env: Record<string, string>;
  /** For the environment where a program does not hand `NODE_OPTIONS` on; its script is given to `listenIn`. */
  file: Record<string, string>;
  /** Has a script listened to, whoever starts it. */
  listenIn(script: string): void;
  opened(): Opened[];
  /** Programs that are listened to. */
  programs(): string[];
} {
  const hook = join(folder, 'tell-tale.cjs');
  const file = join(folder, 'opened.jsonl');
  writeFileSync(hook, HOOK);
  const told = (): Opened[] => {
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
    return lines.filter(Boolean).map((line) => JSON.parse(line) as Opened);
  };
  // A look-up of what is an address asks nobody.
  const asks = ({ way, to }: Opened): boolean => way !== 'started' && !(way === 'lookup' && isIP(to) > 0);
  return {
    env: { NODE_OPTIONS: `--require ${hook}`, CLOZE_TELL_TALE: file },
    file: { CLOZE_TELL_TALE: file },
    listenIn(script) {
      const text = readFileSync(script, 'utf8');
      const [first = ''] = text.match(/^#!.*\n/) ?? [];
      writeFileSync(script, `${first}require(${JSON.stringify(hook)});${text.slice(first.length)}`);
    },
    opened: () => told().filter(asks),
    programs: () => told().flatMap(({ program, way }) => (way === 'started' ? [program] : [])),
  };
}
