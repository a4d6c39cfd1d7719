/** `cloze fill FILE:LINE:COLUMN`: prints what the model puts at a position. */
import { parseArgs } from 'node:util';
import { loadEngine } from '../index.ts';
import { MOST_BEAMS } from '../infill/fill.ts';
import { connectRemote, type RemoteEngine } from '../remote/remote-engine.ts';
import { REMOTE_STYLES, type RemoteStyle } from '../remote/styles.ts';
import { isLoopback } from '../serve/access.ts';
import { wholeNumber } from './arguments.ts';
import { remoteKey } from './environment.ts';
import { modelAt } from './model-at.ts';
import { isPlace, passageAt } from './place.ts';
import { RUNTIME_FLAGS, RUNTIME_USAGE, runtimeOptions } from './runtime-options.ts';

const USAGE = `Usage: cloze fill FILE:LINE:COLUMN [options]

Prints the completion at a position of a file. Line and column count from 1; the column counts UTF-16 units.

  --json                everything a program wants: model, text, tokens with log probabilities, finish, confidence,
                        timings in milliseconds, partA and partB (numbers of tokens), device; and trace: what was
                        computed, the same data that the Lens shows, with both position rows and rivals of each token
  --model MODEL         an installed model's name, or a folder (default: see cloze model, then the one tuned on the file's
                        project that is in use, see cloze tune, else the embedded model)
  --max-tokens N        default 64
  --single-line         stop at the end of the line
  --model-alone         do not mix in what the document says at like places, as a small model otherwise does
  --temperature T       0 (default) is greedy
  --beams N             the most probable whole text, by a beam search of this width, instead of the most probable next
                        token each time; 1 (default) to ${MOST_BEAMS}
  --seed N              for temperatures above 0, default 0
${RUNTIME_USAGE}

A model that runs elsewhere; the text around the position is sent there, with the key in $CLOZE_REMOTE_KEY:

  --remote URL           an OpenAI-compatible server, e.g. http://127.0.0.1:8012
  --remote-style STYLE   how it takes a blank: ${REMOTE_STYLES.join(', ')} (default: completions)
  --remote-model NAME    default: the first that the server names`;

/** As many as the Lens shows. */
const RIVALS = 5;

export async function fillCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      json: { type: 'boolean' },
      model: { type: 'string' },
      'max-tokens': { type: 'string', default: '64' },
      'single-line': { type: 'boolean' },
      'model-alone': { type: 'boolean' },
      temperature: { type: 'string', default: '0' },
      beams: { type: 'string', default: '1' },
      seed: { type: 'string', default: '0' },
      ...RUNTIME_FLAGS,
      remote: { type: 'string' },
      'remote-style': { type: 'string' },
      'remote-model': { type: 'string' },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  if (positionals.length !== 1 || !isPlace(positionals[0])) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const passage = await passageAt(positionals[0]);

  const { remote, model } = values;
  if (model !== undefined && remote !== undefined) throw new Error('--model and --remote exclude each other.');
  const beams = wholeNumber(values.beams, '--beams', 1, MOST_BEAMS);
  if (beams > 1 && remote !== undefined)
    throw new Error('--beams and --remote exclude each other: a server elsewhere searches as it likes.');
  const local = runtimeOptions(values);
  const engine =
    remote === undefined
      ? await loadEngine({ modelFolder: await modelAt(passage.path, model), ...local })
      : await connect(remote, values['remote-style'], values['remote-model']);
  try {
    const fill = await engine.fill(passage, {
      maxTokens: wholeNumber(values['max-tokens'], '--max-tokens', 1),
      temperature: Number(values.temperature),
      topP: 1,
      seed: wholeNumber(values.seed, '--seed', 0),
      singleLine: values['single-line'] ?? false,
      timeLimit: 0,
      ...(beams > 1 ? { beams } : {}),
      ...(values['model-alone'] ? { documentCache: false } : {}),
      ...(values.json ? { rivals: RIVALS } : {}),
    });
    process.stdout.write(
      values.json
        ? `${JSON.stringify({ model: engine.name, ...fill, trace: engine.trace() }, null, 2)}\n`
        : `${fill.text}\n`,
    );
  } finally {
    await engine.dispose();
  }
  return 0;
}

async function connect(url: string, style = 'completions', model?: string): Promise<RemoteEngine> {
  if (!isStyle(style)) throw new Error(`--remote-style takes ${REMOTE_STYLES.join(', ')}, but was given "${style}".`);
  const key = remoteKey();
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : {};
  if (key !== undefined && protocol === 'http:' && !isLoopback((hostname ?? '').replace(/^\[|\]$/g, ''))) {
    process.stderr.write(`Text and key go to ${hostname} unencrypted; an https URL would protect them.\n`);
  }
  return connectRemote({
    url,
    style,
    ...(model === undefined ? {} : { model }),
    ...(key === undefined ? {} : { key }),
  });
}

function isStyle(style: string): style is RemoteStyle {
  return (REMOTE_STYLES as readonly string[]).includes(style);
}
