/**
 * The real server over stdio: milliseconds from starting its process to the answer to `initialize`, to the model's being
 * ready and to the first completion, asked for at once in a document of some 900 tokens; and what the process holds then.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MEASURED_METHOD } from '../../language-server/protocol.ts';
import { startClient } from '../server/client.ts';
import type { Row } from './main.ts';
import { residentMegabytes } from './soak/memory.ts';
import { interleaved } from './spread.ts';

const ROUNDS = 11;
/** Characters on either side of the cursor: some 900 tokens together, more than are read. */
const AROUND = 1600;
const SUFFIX = 1100;
/** The cursor stands after it. */
const TYPED = 'const allBefore = tokenizer';

interface Started {
  answered: number;
  ready: number;
  completed: number;
  memory: number;
}

export async function benchStart(): Promise<Row[]> {
  const data = mkdtempSync(join(tmpdir(), 'cloze-start-'));
  let started: Started | undefined;
  const figure = (what: string, key: keyof Started, unit: string) => ({
    what,
    unit,
    async measure() {
      if (key === 'answered') started = await start(data);
      return (started as Started)[key];
    },
  });
  try {
    return await interleaved(
      [
        figure('from the start of the process to the answer to initialize', 'answered', 'ms'),
        figure('from the start to the model being ready', 'ready', 'ms'),
        figure('from the start to the first completion', 'completed', 'ms'),
        figure('resident memory after the first completion', 'memory', 'MB'),
      ],
      ROUNDS,
    );
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

async function start(data: string): Promise<Started> {
  const source = readFileSync('engine/infill/passage.ts', 'utf8');
  const cut = source.indexOf(TYPED) + TYPED.length;
  const before = source.slice(cut - AROUND, cut);
  const after = source.slice(source.indexOf('\n', cut));
  const lines = before.split('\n');
  const begun = performance.now();
  const since = () => performance.now() - begun;
  // All that the model says, however unsure it is and however busy the machine: then the answer is the same.
  const initializationOptions = { completion: { timeLimit: 0, threshold: 0 } };
  const client = await startClient({ server: 'dist/server.cjs', env: { CLOZE_DATA: data }, initializationOptions });
  const answered = since();
  let calls = 0;
  client.connection.onNotification(MEASURED_METHOD, () => {
    calls++;
  });
  try {
    const ready = client.status('ready').then(since);
    const uri = await client.open(before + after.slice(0, SUFFIX));
    const items = await client.complete(uri, lines.length - 1, lines.at(-1)?.length ?? 0);
    const completed = since();
    if (calls === 0 || items.length === 0) throw new Error('There was no first completion.');
    return { answered, ready: await ready, completed, memory: residentMegabytes(client.process.pid as number) };
  } finally {
    await client.close();
  }
}
