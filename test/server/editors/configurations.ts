/** The configurations of docs/language-server.md, word for word, and the editors that run them where they are installed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The blocks of code in a language, for this checkout's server instead of the one at `/path/to/cloze`. */
export function configuration(language: 'lua' | 'elisp'): string {
  const page = readFileSync('docs/language-server.md', 'utf8');
  const blocks = [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, code]) => code);
  return blocks.join('\n').replaceAll('/path/to/cloze', process.cwd());
}

/** The editor's program, if what it says of itself fits; `undefined` where it is not installed. */
export function installed(program: string, args: readonly string[], fits: RegExp): string | undefined {
  const { stdout } = spawnSync(program, args, { encoding: 'utf8' });
  return fits.test(stdout ?? '') ? program : undefined;
}

const LOOP = '  for (const item of items) {\n    total += item.price;\n  }\n';

/** Two loops, and a third that has just begun: what comes next is beyond doubt. The cursor's place is marked by `|`. */
export const BEGUN = `interface Item {
  price: number;
}

export function first(items: Item[]): number {
  let total = 0;
${LOOP}  return total;
}

export function second(items: Item[]): number {
  let total = 0;
${LOOP}  return total;
}

export function third(items: Item[]): number {
  let total = 0;
  for |
}
`;

export interface Project {
  folder: string;
  /** Holds `BEGUN` without its mark; `line` and `column` of the cursor, both from 1. */
  file: string;
  line: number;
  column: number;
  dispose(): Promise<void>;
}

export function createProject(): Project {
  const folder = mkdtempSync(join(tmpdir(), 'cloze-editors-'));
  const file = join(folder, 'prices.ts');
  writeFileSync(file, BEGUN.replace('|', ''));
  const before = BEGUN.slice(0, BEGUN.indexOf('|')).split('\n');
  return {
    folder,
    file,
    line: before.length,
    column: (before.at(-1) ?? '').length + 1,
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}
