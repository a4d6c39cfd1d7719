/**
 * `npm run bench -- tuning FOLDER`: what a completion costs in the real server while it tunes on FOLDER, and while that stands
 * still. A round is a rest long enough for training to go on, a first key, and more keys at a typist's pace.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pass } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { CancellationTokenSource } from 'vscode-languageserver-protocol/node';
import { wholeNumber } from '../../engine/cli/arguments.ts';
import { readProject } from '../../engine/tuning/project-files.ts';
import {
  PAUSE_TUNING_METHOD,
  TUNE_METHOD,
  TUNING_METHOD,
  type TuneParams,
  type TuningProgress,
} from '../../language-server/protocol.ts';
import { type Client, startClient } from '../server/client.ts';

/** Milliseconds: longer than training stands still after a key. */
const REST = 2500;
const BETWEEN_KEYS = 120;
const KEYS = 5;

type State = 'tuning' | 'paused';

export async function benchTuning(args: readonly string[], machine: string): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { rounds: { type: 'string', default: '20' }, threads: { type: 'string', default: '1' } },
  });
  const folder = resolve(positionals[0] ?? '.');
  const rounds = wholeNumber(values.rounds, '--rounds', 1);
  const { files } = await readProject(folder);
  const data = mkdtempSync(join(tmpdir(), 'cloze-bench-tuning-'));
  const client = await startClient({
    server: 'dist/server.cjs',
    rootUri: pathToFileURL(folder).href,
    initializationOptions: { threads: wholeNumber(values.threads, '--threads', 0), completion: { timeLimit: 0 } },
    env: { CLOZE_DATA: data },
  });
  const stop = new CancellationTokenSource();
  try {
    await client.status('ready');
    const training = new Promise<void>((go) => {
      client.connection.onNotification(TUNING_METHOD, ({ stage }: TuningProgress) => {
        if (stage === 'training') go();
      });
    });
    const params: TuneParams = { folder: pathToFileURL(folder).href, tasks: 3, minutes: 60 };
    const ended = client.connection.sendRequest(TUNE_METHOD, params, stop.token).catch(() => undefined);
    await training;
    const spent: Record<State, { first: number[]; next: number[] }> = {
      tuning: { first: [], next: [] },
      paused: { first: [], next: [] },
    };
    for (let round = 0; round < rounds; round++) {
      const { path, text } = files[round % files.length] as (typeof files)[number];
      // In turn, as what comes second finds caches warm.
      const states: readonly State[] = round % 2 === 0 ? ['paused', 'tuning'] : ['tuning', 'paused'];
      for (const state of states) {
        await client.connection.sendNotification(PAUSE_TUNING_METHOD, { paused: state === 'paused' });
        const uri = await client.open(text, `file:///bench/${state}/${round}/${path}`);
        await pass(REST);
        const [first, ...next] = await typeOn(client, uri, text, round);
        spent[state].first.push(first as number);
        spent[state].next.push(...next);
      }
      process.stderr.write(`round ${round + 1} of ${rounds}\n`);
    }
    stop.cancel();
    await ended;
    process.stdout.write(`${machine}\n`);
    for (const which of ['first', 'next'] as const) {
      const [rest, busy] = [spent.paused[which], spent.tuning[which]];
      const row = [0.5, 0.95].map((share) => {
        const [a, b] = [quantile(rest, share), quantile(busy, share)];
        return `${share === 0.5 ? 'median' : '95 %'} ${a.toFixed(1)} -> ${b.toFixed(1)} ms (${(b / a).toFixed(2)})`;
      });
      process.stdout.write(`${which === 'first' ? 'first key after a rest' : 'keys after it'}: ${row.join(', ')}\n`);
    }
  } finally {
    client.process.kill();
    rmSync(data, { recursive: true, force: true });
  }
}

/** Milliseconds of each completion, while letters come at the end of a line in the middle of the file. */
async function typeOn(client: Client, uri: string, text: string, round: number): Promise<number[]> {
  const lines = text.split('\n');
  const line = Math.floor((lines.length * (round % 7)) / 8);
  const start = (lines[line] as string).length;
  const spent: number[] = [];
  for (let key = 0; key < KEYS; key++) {
    const letter = ' const'[key] as string;
    await client.edit(uri, line, start + key, start + key, letter);
    const began = performance.now();
    await client.complete(uri, line, start + key + 1);
    spent.push(performance.now() - began);
    await pass(BETWEEN_KEYS);
  }
  return spent;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
}
