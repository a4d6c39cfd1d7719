/** `cloze score FILE:LINE:COLUMN CANDIDATE …`: how probable a model holds given texts at a position. */
import { parseArgs } from 'node:util';
import { loadEngine } from '../index.ts';
import { modelAt } from './model-at.ts';
import { isPlace, passageAt } from './place.ts';
import { RUNTIME_FLAGS, RUNTIME_USAGE, runtimeOptions } from './runtime-options.ts';

const USAGE = `Usage: cloze score FILE:LINE:COLUMN CANDIDATE … [options]

Prints for each candidate, the most probable first: its probability among the candidates, the natural logarithm of its
probability as the whole of what stands at the position (its end included), and the candidate. A candidate that begins
with - goes after a --.

  --json                in the order given, with the tokens of each candidate and their log probabilities
  --model MODEL         an installed model's name, or a folder (default: as for cloze fill)
${RUNTIME_USAGE}`;

export async function scoreCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      json: { type: 'boolean' },
      model: { type: 'string' },
      ...RUNTIME_FLAGS,
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const [place, ...candidates] = positionals;
  if (!isPlace(place) || candidates.length === 0) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const passage = await passageAt(place);
  const engine = await loadEngine({
    modelFolder: await modelAt(passage.path, values.model),
    ...runtimeOptions(values),
  });
  try {
    const scores = await engine.score(passage, candidates);
    if (values.json) {
      process.stdout.write(`${JSON.stringify({ model: engine.name, device: engine.device, scores }, null, 2)}\n`);
    } else {
      for (const { text, logProbability, share } of scores.toSorted((a, b) => b.logProbability - a.logProbability)) {
        process.stdout.write(
          `${share.toFixed(3)}  ${logProbability.toFixed(2).padStart(8)}  ${JSON.stringify(text)}\n`,
        );
      }
    }
  } finally {
    await engine.dispose();
  }
  return 0;
}
