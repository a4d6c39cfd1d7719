/**
 * `npm run bench -- soak`: hours of typing on the real language server, without the pauses: does its memory stay flat, and is
 * nothing left of it at the end?
 */
import { parseArgs } from 'node:util';
import { writeFileAtomically } from '../../../engine/checkpoint/atomic-write.ts';
import { wholeNumber } from '../../../engine/cli/arguments.ts';
import { dataFolder } from '../../../engine/cli/environment.ts';
import { corpusPlaces } from '../../../engine/training/corpus/corpus.ts';
import { FILL_METHOD, type FillParams, REQUESTS_METHOD } from '../../../language-server/protocol.ts';
import { type Client, startClient } from '../../server/client.ts';
import { folderSources, heldOutSources } from '../golf/holes.ts';
import { createPlayer } from '../typing/replay.ts';
import { drawScripts } from '../typing/script.ts';
import { descendants, isAlive, residentMegabytes, slopeOf } from './memory.ts';

const USAGE = `Usage: npm run bench -- soak [FOLDER] [options]

Types held-out documents (or the .ts, .js and .py files in FOLDER) again on the language server over stdio, one key after
another without a pause, with six of them open; between them it fills two blanks and asks for the last requests. Reports the
memory of the server over time, and whether a process is left behind.

  --hours N       of work, 1500 keys each, default 8
  --minutes N     of real time after which it stops, default 10
  --model FOLDER  default: the embedded model
  --threads N     default 1
  --json FILE     every sample`;

/** What somebody who programs types in an hour, on average over a day. */
const KEYS_PER_HOUR = 1500;
const SAMPLES_PER_HOUR = 12;
const FILES = 24;
const LENGTH = 240;
const TABS = 6;

export async function benchSoak(args: readonly string[], machine: string): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      hours: { type: 'string', default: '8' },
      minutes: { type: 'string', default: '10' },
      model: { type: 'string', default: '' },
      threads: { type: 'string', default: '1' },
      json: { type: 'string' },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const hours = wholeNumber(values.hours, '--hours', 1);
  const minutes = wholeNumber(values.minutes, '--minutes', 1);
  const [folder] = positionals;
  const sources =
    folder === undefined
      ? await heldOutSources(corpusPlaces(dataFolder()).corpus, 'engine/embedded-model/tokenizer.json', FILES)
      : await folderSources(folder, FILES);
  const client = await startClient({
    transport: 'stdio',
    server: 'dist/server.cjs',
    initializationOptions: {
      threads: wholeNumber(values.threads, '--threads', 0),
      model: { path: values.model },
      completion: { timeLimit: 0 },
    },
  });
  const server = client.process.pid ?? 0;
  try {
    const { model, device } = await client.status('ready');
    const atStart = residentMegabytes(server);
    const started = performance.now();
    const { keys, samples } = await type(client, drawScripts(sources, LENGTH), hours, started + minutes * 60_000);
    const children = [server, ...descendants(server)];
    await client.close();
    const left = children.filter(isAlive);

    const typed = keys / KEYS_PER_HOUR;
    const minutesTaken = (performance.now() - started) / 60_000;
    const afterFirst = samples.slice(SAMPLES_PER_HOUR);
    const lines = [
      machine,
      `${model}, ${device}: ${keys} keys, ${typed.toFixed(1)} hours of ${hours}, in ${minutesTaken.toFixed(1)} minutes`,
      ...(typed < hours ? [`Stopped after ${minutes} minutes (--minutes).`] : []),
      `  loaded     ${atStart.toFixed(0)} MB`,
      ...hourly(samples).map((megabytes, hour) => `  hour ${`${hour + 1}`.padStart(2)}    ${megabytes.toFixed(0)} MB`),
      `After the first hour: ${slopeOf(afterFirst, 1 / SAMPLES_PER_HOUR).toFixed(2)} MB an hour, at most ${Math.max(...samples).toFixed(0)} MB.`,
      `Processes left behind: ${left.length === 0 ? 'none' : left.join(', ')} of ${children.length}.`,
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
    if (values.json) {
      const report = { machine, model, device, keys, hours: typed, minutes: minutesTaken, atStart, samples, left };
      await writeFileAtomically(values.json, `${JSON.stringify(report, null, 2)}\n`);
    }
  } finally {
    client.process.kill('SIGKILL');
  }
}

/** Samples are megabytes, `SAMPLES_PER_HOUR` of them for each hour's keys. */
async function type(client: Client, scripts: ReturnType<typeof drawScripts>, hours: number, deadline: number) {
  const player = createPlayer(client, { tabs: TABS });
  const samples: number[] = [];
  let keys = 0;
  const every = KEYS_PER_HOUR / SAMPLES_PER_HOUR;
  for (let turn = 0; keys < hours * KEYS_PER_HOUR && performance.now() < deadline; turn++) {
    const script = scripts[turn % scripts.length] as (typeof scripts)[number];
    keys += (await player.play(script)).length;
    await fillTwo(client, turn);
    await client.connection.sendRequest(REQUESTS_METHOD);
    while (samples.length < Math.floor(keys / every)) samples.push(residentMegabytes(client.process.pid ?? 0));
    process.stderr.write(`${keys} keys, ${(samples.at(-1) ?? 0).toFixed(0)} MB\n`);
  }
  return { keys, samples };
}

const HOLES = 'export function total(items) {\n  const sum = ;\n  return ;\n}\n';

async function fillTwo(client: Client, turn: number): Promise<void> {
  const uri = `file:///project/holes-${turn}.js`;
  const textDocument = { uri, languageId: 'javascript', version: 1, text: HOLES };
  await client.connection.sendNotification('textDocument/didOpen', { textDocument });
  const blank = (line: number, character: number) => ({
    range: { start: { line, character }, end: { line, character } },
  });
  const params: FillParams = {
    textDocument: { uri, version: 1 },
    blanks: [blank(1, 14), blank(2, 9)],
    options: { length: 'line' },
  };
  await client.connection.sendRequest(FILL_METHOD, params);
  await client.connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
}

/** The last sample of each hour, and of the one that is not over. */
function hourly(samples: readonly number[]): number[] {
  const ends: number[] = [];
  for (let at = 0; at < samples.length; at += SAMPLES_PER_HOUR) {
    ends.push(samples[Math.min(at + SAMPLES_PER_HOUR, samples.length) - 1] as number);
  }
  return ends;
}
