/** `npm run mutations -- [--cases N] [--seed N]`: damages every kind of file of a model folder N times and reads it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { meets, readers } from './readers.ts';

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '10000' }, seed: { type: 'string', default: '0' } },
});
const home = mkdtempSync(join(tmpdir(), 'cloze-mutations-'));
let failures = 0;
try {
  const all = await readers(home, join(import.meta.dirname, '../test/fixtures'));
  const each = Math.ceil(Number(values.cases) / all.length);
  for (const reader of all) {
    let slowest = { seed: 0, milliseconds: 0 };
    for (let index = 0; index < each; index++) {
      const seed = Number(values.seed) + index;
      const started = performance.now();
      const complaint = await meets(reader, seed);
      const milliseconds = performance.now() - started;
      if (milliseconds > slowest.milliseconds) slowest = { seed, milliseconds };
      if (complaint === undefined) continue;
      failures++;
      process.stdout.write(`${reader.name}, seed ${seed}: ${complaint}\n`);
    }
    process.stdout.write(
      `${reader.name}: ${each} cases, the slowest (seed ${slowest.seed}) ${slowest.milliseconds.toFixed(0)} ms\n`,
    );
  }
  const peak = process.resourceUsage().maxRSS / 1024;
  process.stdout.write(`${each * all.length} cases, ${failures} failures, at most ${peak.toFixed(0)} MB resident\n`);
} finally {
  rmSync(home, { recursive: true });
}
process.exitCode = failures > 0 ? 1 : 0;
