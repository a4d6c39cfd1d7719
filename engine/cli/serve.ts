/** `cloze serve`: the local engine over HTTP, until it is interrupted. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { loadEngine } from '../index.ts';
import { chosenFolder } from '../installed/registry.ts';
import { isLoopback } from '../serve/access.ts';
import { startServer } from '../serve/server.ts';
import { wholeNumber } from './arguments.ts';
import { dataFolder, embeddedModel, serverToken } from './environment.ts';
import { RUNTIME_FLAGS, RUNTIME_USAGE, runtimeOptions } from './runtime-options.ts';

const USAGE = `Usage: cloze serve [options]

Offers the engine over HTTP: POST /v1/completions (OpenAI's, with suffix), POST /v1/chat/completions where the model
converses, POST /infill (llama.cpp's), GET /v1/models, GET /health. Ctrl+C ends it after the requests under way.

  --host ADDRESS        default 127.0.0.1: this machine only; the traffic is not encrypted
  --port N              default 8012; 0 takes a free one
  --token-file FILE     bearer tokens, one a line, each served in turn
                        (default: $CLOZE_TOKEN, else a random one that is printed)
  --no-token            ask for none; on loopback only
  --allow-host NAME     answer to this name too (may be repeated)
  --allow-origin URL    let pages of this origin call the server, * for all (may be repeated)
  --model MODEL         an installed model's name, or a folder (default: see cloze model)
${RUNTIME_USAGE}
  --parallel N          requests that are computed together, default 4; each takes memory for its context
  --queue N             most requests that wait, default 128; one more is answered 429
  --time-limit S        seconds for a request to wait and be answered, default 120
  --max-body KB         largest request, default 1024`;

export async function serveCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean', short: 'h' },
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '8012' },
      'token-file': { type: 'string' },
      'no-token': { type: 'boolean', default: false },
      'allow-host': { type: 'string', multiple: true, default: [] },
      'allow-origin': { type: 'string', multiple: true, default: [] },
      model: { type: 'string' },
      ...RUNTIME_FLAGS,
      parallel: { type: 'string', default: '4' },
      queue: { type: 'string', default: '128' },
      'time-limit': { type: 'string', default: '120' },
      'max-body': { type: 'string', default: '1024' },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const { host } = values;
  const port = wholeNumber(values.port, '--port', 0, 65_535);
  const local = runtimeOptions(values);
  const slots = wholeNumber(values.parallel, '--parallel', 1, 256);
  const queuePlaces = wholeNumber(values.queue, '--queue', 0);
  const requestTime = 1000 * wholeNumber(values['time-limit'], '--time-limit', 1, 86_400);
  const size = 1024 * wholeNumber(values['max-body'], '--max-body', 1, 1_048_576);
  const { tokens, random } = await chooseTokens(host, values['token-file'], values['no-token']);

  const stop = new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  const engine = await loadEngine({
    modelFolder: await chosenFolder(dataFolder(), values.model, 'serve', embeddedModel()),
    ...local,
  });
  try {
    const server = await startServer({
      engine: { name: engine.name, fill: engine.fillBeside, ...(engine.chat ? { chat: engine.chat } : {}) },
      slots,
      host,
      port,
      access: { tokens, hosts: [host, ...values['allow-host']], origins: values['allow-origin'] },
      body: { size, time: 10_000 },
      queuePlaces,
      requestTime,
      log: (line) => process.stderr.write(`${line}\n`),
    });
    process.stderr.write(`${engine.name} on ${engine.device} listens on ${server.url}\n`);
    if (random) process.stderr.write(`Token: ${tokens[0]}\n`);
    if (!isLoopback(host))
      process.stderr.write('Text and token travel unencrypted: use this on trusted networks only.\n');
    await stop;
    process.stderr.write('Ending after the requests under way; once more ends at once.\n');
    process.once('SIGINT', () => process.exit(130));
    await server.close();
  } finally {
    await engine.dispose();
  }
  return 0;
}

/** A random token is to be shown; one that was given is not. */
export async function chooseTokens(
  host: string,
  file: string | undefined,
  none: boolean,
): Promise<{ tokens: string[]; random: boolean }> {
  if (none) {
    if (file !== undefined) throw new Error('--no-token and --token-file exclude each other.');
    if (isLoopback(host)) return { tokens: [], random: false };
    throw new Error(`--no-token is for loopback only: at ${host} anybody on the network could use the server.`);
  }
  if (file !== undefined) {
    const lines = (await readFile(file, 'utf8')).split('\n').map((line) => line.trim());
    const tokens = [...new Set(lines.filter((line) => line !== ''))];
    if (tokens.length === 0) throw new Error(`${file} holds no token; write one to a line.`);
    return { tokens, random: false };
  }
  const given = serverToken();
  return given === undefined
    ? { tokens: [randomBytes(32).toString('base64url')], random: true }
    : { tokens: [given], random: false };
}
