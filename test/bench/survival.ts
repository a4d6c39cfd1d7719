/** Milliseconds of completions in the real server: before a device fails, the one in which it fails, and after. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { blanks } from '../fixtures/blanks/blanks.ts';
import { type BadDevice, badDevices } from '../server/bad-devices.ts';
import { startClient } from '../server/client.ts';
import type { Row } from './main.ts';

export async function benchSurvival(): Promise<Row[]> {
  const cache = mkdtempSync(join(tmpdir(), 'cloze-survival-'));
  try {
    const rows: Row[] = [];
    for (const [what, device] of Object.entries(badDevices(resolve('dist/dying-host.mjs'))))
      rows.push(...(await survive(what, device, cache)));
    return rows;
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}

async function survive(what: string, { runtime, env }: BadDevice, cache: string): Promise<Row[]> {
  const start = performance.now();
  const client = await startClient({
    server: 'dist/server.cjs',
    env: { ...env, XDG_CACHE_HOME: cache, CLOZE_DATA: join(cache, 'data') },
    initializationOptions: { model: { runtime }, threads: 1, completion: { timeLimit: 0, maxTokens: 16 } },
  });
  let told: number | undefined;
  client.connection.onNotification('window/showMessage', () => {
    told = performance.now();
  });
  const times: { begun: number; ended: number }[] = [];
  try {
    await client.status('ready');
    const ready = performance.now() - start;
    for (const [index, { before, after }] of [...blanks, ...blanks, ...blanks].entries()) {
      const text = `// ${index}\n${before}`;
      const lines = text.split('\n');
      const uri = await client.open(text + after, `file:///project/${index}.ts`);
      const begun = performance.now();
      await client.complete(uri, lines.length - 1, lines.at(-1)?.length ?? 0);
      times.push({ begun, ended: performance.now() });
    }
    const failed = told ?? 0;
    const during = times.filter(({ begun, ended }) => begun <= failed && failed <= ended);
    return [
      rowOf(`${what}: start until ready`, [ready]),
      rowOf(`${what}: on the device`, times.filter(({ ended }) => ended < failed).map(took)),
      rowOf(`${what}: the one in which it fails`, during.map(took)),
      rowOf(`${what}: on the fallback`, times.filter(({ begun }) => begun > failed).map(took)),
    ].filter(({ median }) => !Number.isNaN(median));
  } finally {
    await client.close();
  }
}

const took = ({ begun, ended }: { begun: number; ended: number }) => ended - begun;

function rowOf(what: string, values: number[]): Row {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  return { what, unit: 'ms', median: at(sorted.length >> 1), least: at(0), most: at(sorted.length - 1) };
}
