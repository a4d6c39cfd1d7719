/** Blanks of held-out documents, and the model that is measured on them: what the benches of this folder begin with. */
import { parseArgs } from 'node:util';
import { wholeNumber } from '../../../engine/cli/arguments.ts';
import { dataFolder } from '../../../engine/cli/environment.ts';
import { packedDocuments } from '../../../engine/evaluation/documents.ts';
import { drawTasks } from '../../../engine/evaluation/draw-tasks.ts';
import { type DrawnKind, drawnKinds, type Task, taskLanguages } from '../../../engine/evaluation/task.ts';
import { type Engine, loadEngine } from '../../../engine/index.ts';
import type { FillOptions, Passage } from '../../../engine/infill/fill.ts';
import { loadTokenizer } from '../../../engine/tokenizer/load.ts';
import { corpusPlaces } from '../../../engine/training/corpus/corpus.ts';
import { openPackedCorpus } from '../../../engine/training/corpus/packed-corpus.ts';

/** As an editor asks, without a limit of time: nothing depends on how busy the machine is. */
export const OPTIONS: FillOptions = {
  maxTokens: 64,
  contextTokens: 800,
  temperature: 0,
  topP: 1,
  seed: 0,
  singleLine: false,
  timeLimit: 0,
};

export interface Measured {
  engine: Engine;
  cases: number;
  docs: string | undefined;
  json: string | undefined;
  /** Tasks of these kinds, as many of each, drawn with a seed. */
  tasks(kinds: readonly DrawnKind[], perKind: number): Promise<Task[]>;
}

/** Reads the arguments that these benches share and loads the model; undefined where only help was asked for. */
export async function openMeasured(
  usage: string,
  args: readonly string[],
  cases: number,
): Promise<Measured | undefined> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h' },
      cases: { type: 'string', default: `${cases}` },
      model: { type: 'string', default: 'engine/embedded-model' },
      threads: { type: 'string', default: '1' },
      seed: { type: 'string', default: '4' },
      json: { type: 'string' },
      docs: { type: 'string' },
    },
  });
  if (values.help) {
    process.stdout.write(`${usage}

  --cases N       default ${cases}
  --model FOLDER  default: the embedded model
  --threads N     default 1
  --seed N        of the blanks that are drawn, default 4: those of the pages in docs; others to try something out
  --json FILE     every case with its answers
  --docs FOLDER   write the page there
`);
    return undefined;
  }
  const seed = wholeNumber(values.seed, '--seed', 0);
  const { tokenizer, sha256 } = await loadTokenizer('engine/embedded-model/tokenizer.json');
  const packed = await openPackedCorpus(corpusPlaces(dataFolder()).corpus, 'heldout', sha256);
  const documents = packedDocuments(packed, tokenizer);
  return {
    engine: await loadEngine({ modelFolder: values.model, threads: wholeNumber(values.threads, '--threads', 0) }),
    cases: wholeNumber(values.cases, '--cases', taskLanguages.length * drawnKinds.length),
    docs: values.docs,
    json: values.json,
    tasks: async (kinds, perKind) =>
      drawTasks(documents, { perKind, seed }).filter(({ kind }) => kinds.some((wanted) => wanted === kind)),
  };
}

/** Characters on either side that are handed to the engine, which cuts them to its tokens. */
const REACH = 6000;

export function passageOf(
  { path, language, neighbours }: Task,
  before: string,
  forced: string,
  after: string,
): Passage {
  return {
    path,
    languageId: language,
    before: before.slice(-REACH),
    after: after.slice(0, REACH),
    reachesEnd: after.length <= REACH,
    forced,
    neighbours,
    kind: 'sentence',
  };
}

export function tell(done: number, all: number): void {
  if (done % 20 === 0 || done === all) process.stderr.write(`${done} of ${all}\n`);
}
