/** Tokens per second that `cloze serve` gives 1, 4 and 16 clients at once, one request after another and together. */
import { readFileSync } from 'node:fs';
import { type Engine, loadEngine } from '../../engine/index.ts';
import { startServer } from '../../engine/serve/server.ts';
import type { Row } from './main.ts';
import { interleaved } from './spread.ts';

const CLIENTS = [1, 4, 16];
const ROUNDS = 5;
/** Characters before each place: about 256 tokens. */
const BEFORE = 900;
const TOKENS = 32;

export async function benchServe(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const precision of ['float32', 'int8'] as const) {
    const engine = await loadEngine({ modelFolder: 'engine/embedded-model', threads: 1, precision });
    try {
      rows.push(...(await throughput(engine)));
    } finally {
      await engine.dispose();
    }
  }
  return rows;
}

async function throughput(engine: Engine): Promise<Row[]> {
  const served = { name: engine.name, fill: engine.fillBeside };
  const access = { tokens: [], hosts: [], origins: [] };
  const open = (slots: number) => startServer({ engine: served, host: '127.0.0.1', port: 0, access, slots });
  const servers = { 'in turn': await open(1), together: await open(Math.max(...CLIENTS)) };
  const source = readFileSync('engine/infill/passage.ts', 'utf8');
  let place = 0;

  /** Tokens of one answer, at a place that was not asked for before. */
  async function ask(url: string): Promise<number> {
    const cut = BEFORE + ((place * 37) % (source.length - 2 * BEFORE));
    const response = await fetch(`${url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        prompt: source.slice(cut - BEFORE, cut),
        suffix: '\n',
        path: `${place++}.ts`,
        max_tokens: TOKENS,
        temperature: 1,
        seed: place,
      }),
    });
    return (await response.json()).usage.completion_tokens;
  }

  const alternatives = CLIENTS.flatMap((clients) =>
    Object.entries(servers).map(([how, { url }]) => ({
      what: `${clients} clients ${how}, ${engine.device}`,
      unit: 'tokens/s',
      async measure() {
        const start = performance.now();
        const counts = await Promise.all(Array.from({ length: clients }, () => ask(url)));
        return (1000 * counts.reduce((sum, count) => sum + count, 0)) / (performance.now() - start);
      },
    })),
  );
  try {
    return await interleaved(alternatives, ROUNDS);
  } finally {
    await Promise.all(Object.values(servers).map((server) => server.close()));
  }
}
