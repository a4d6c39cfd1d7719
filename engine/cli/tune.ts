/** `cloze tune`: a model of one's own for one project, switched on only where it proves better. */
import { readdirSync } from 'node:fs';
import { availableParallelism, setPriority } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { sha256Of } from '../checkpoint/file-hash.ts';
import type { Progress } from '../training/pretrain.ts';
import { STOP_NOTE, type TuningNote } from '../tuning/notes.ts';
import { RATES, type TuningMethod } from '../tuning/recipe.ts';
import { tunedToMarkdown } from '../tuning/report.ts';
import { tune } from '../tuning/tune.ts';
import {
  inUse,
  listTuned,
  modelFolderOf,
  projectHome,
  rollBack,
  tunedFolder,
  useTuned,
} from '../tuning/tuned-models.ts';
import { wholeNumber } from './arguments.ts';
import { dataFolder, embeddedModel, kernelLevel } from './environment.ts';
import { progress } from './measurement.ts';

const DEFAULT_METHOD: TuningMethod = 'adapters';

const USAGE = `Usage: cloze tune FOLDER [options]
       cloze tune FOLDER --list | --use N | --rollback

Tunes the model that ships on the project in FOLDER: on its TypeScript, JavaScript and Python, without what git ignores,
hidden files and whatever looks like a secret. It gets a memory of the project's text, and its weights are trained; each
is kept only if it is better on a fifth of the files, kept unseen, and not worse on text of other projects. The model that ships
stays as it is; nothing is written into FOLDER, and nothing leaves this machine. Ctrl+C is safe: the same command goes on.

  --minutes N        time for training, default 4; memory and measuring come on top of it
  --tokens N         train on so many tokens instead, which repeats exactly
  --use-if-better    switch the project over to the new model if it is better
  --guard FOLDER     another project, on which it must not become worse; may be given several times
  --tasks N          blanks of each kind to measure on; default one for 10 lines of the unseen files, 9 to 60
  --open-files N     files near the one of a blank that are open in the editor too, default 8
  --method M         what is trained beside the memory: adapters (low-rank, on the layers' projections), full (all
                     weights) or memory (nothing), default ${DEFAULT_METHOD}
  --rate R           learning rate at its peak, default ${RATES.adapters} for adapters and ${RATES.full} for full
  --seed N           of split, memory, training and tasks, default 1
  --task-seed N      of the tasks alone, for a second measurement
  --threads N        default: half of the processors
  --out FOLDER       where tuned models are kept (default: tuned in the data folder)
  --json FILE        write what was measured to FILE

  --list             the tuned models of the project; * is in use
  --use N            use tuned model N in this project, in the editor and in cloze fill
  --rollback         go back to the model that was used before`;

const NICE = 15;

export async function tuneCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      minutes: { type: 'string', default: '4' },
      tokens: { type: 'string' },
      'use-if-better': { type: 'boolean' },
      guard: { type: 'string', multiple: true, default: [] },
      tasks: { type: 'string' },
      method: { type: 'string', default: DEFAULT_METHOD },
      rate: { type: 'string' },
      seed: { type: 'string', default: '1' },
      'task-seed': { type: 'string' },
      'open-files': { type: 'string' },
      threads: { type: 'string', default: String(Math.max(1, availableParallelism() >> 1)) },
      out: { type: 'string' },
      json: { type: 'string' },
      list: { type: 'boolean' },
      use: { type: 'string' },
      rollback: { type: 'boolean' },
    },
  });
  const [project, ...more] = positionals;
  if (values.help || project === undefined || more.length > 0) {
    (values.help ? process.stdout : process.stderr).write(`${USAGE}\n`);
    return values.help ? 0 : 2;
  }
  const tuned = values.out ?? tunedFolder(dataFolder());
  if (values.list || values.rollback || values.use !== undefined) return switchModels(tuned, project, values);

  const budget =
    values.tokens === undefined
      ? { minutes: positive(values.minutes, '--minutes') }
      : { tokens: wholeNumber(values.tokens, '--tokens', 1) };
  const method = methodNamed(values.method);
  const options = {
    project,
    tuned,
    base: embeddedModel(),
    budget,
    method,
    rate: values.rate === undefined ? RATES[method === 'full' ? 'full' : 'adapters'] : positive(values.rate, '--rate'),
    seed: wholeNumber(values.seed, '--seed', 0),
    ...(values['task-seed'] === undefined ? {} : { taskSeed: wholeNumber(values['task-seed'], '--task-seed', 0) }),
    ...(values.tasks === undefined ? {} : { tasks: wholeNumber(values.tasks, '--tasks', 3) }),
    ...(values['open-files'] === undefined
      ? {}
      : { openFiles: wholeNumber(values['open-files'], '--open-files', 0, 20) }),
    guardFolders: values.guard,
    threads: wholeNumber(values.threads, '--threads', 1, 1024),
    level: kernelLevel(),
  };
  const stop = new AbortController();
  const onInterrupt = () => {
    process.stderr.write('\nStopping after this step; the same command goes on from there.\n');
    stop.abort();
  };
  process.once('SIGINT', onInterrupt);
  process.once('SIGTERM', onInterrupt);
  // Of the process that began this one, as the language server does: without it nobody waits for the result.
  process.on('message', (message) => message === STOP_NOTE && onInterrupt());
  process.once('disconnect', onInterrupt);
  const tell = (note: TuningNote) => void (process.connected && process.send?.(note));
  yieldToOthers();
  try {
    const model = await tune({
      ...options,
      onStage: (line) => process.stderr.write(`${process.stderr.isTTY ? '\r\x1b[K' : ''}${line}\n`),
      onStep(step) {
        progress(describe(step));
        tell({ stage: 'training', done: step.step, all: step.steps });
      },
      onTask(done, all, stage) {
        progress(`blank ${done + 1}/${all}`);
        tell({ stage, done, all });
      },
      signal: stop.signal,
    });
    progress('');
    process.stdout.write(tunedToMarkdown(model));
    if (values.json) await writeFileAtomically(values.json, `${JSON.stringify(model, null, 2)}\n`);
    const home = await projectHome(tuned, project);
    process.stdout.write(`\nModel folder: ${modelFolderOf(home, model.number)}\n`);
    const used = model.verdict.usable && values['use-if-better'] === true;
    if (used) await useTuned(home, model.project, model.number, model.base.sha256);
    tell({ tuned: model, used });
    if (!model.verdict.usable) return 3;
    if (used) {
      process.stdout.write('It is in use now. Go back with: cloze tune FOLDER --rollback\n');
    } else process.stdout.write(`Use it with: cloze tune FOLDER --use ${model.number}\n`);
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return 130;
    tell({ problem: error instanceof Error ? error.message : String(error) });
    throw error;
  } finally {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onInterrupt);
    process.off('disconnect', onInterrupt);
    if (process.connected) process.disconnect();
  }
}

async function switchModels(
  tuned: string,
  project: string,
  { list, use, rollback }: { list?: boolean | undefined; use?: string | undefined; rollback?: boolean | undefined },
): Promise<number> {
  if (Number(list ?? false) + Number(rollback ?? false) + Number(use !== undefined) > 1) {
    throw new Error('--list, --use and --rollback exclude each other.');
  }
  const home = await projectHome(tuned, project);
  if (use !== undefined) {
    const sha256 = await sha256Of(join(embeddedModel(), 'model.safetensors'));
    await useTuned(home, resolve(project), wholeNumber(use, '--use', 1), sha256);
  }
  if (rollback) await rollBack(home, resolve(project));
  const current = await inUse(home);
  process.stdout.write(`${current === 0 ? '*' : ' '} 0  the model that ships\n`);
  for (const { number, made, verdict, comparisons } of await listTuned(home)) {
    const { before, after } = comparisons.project.exactMatch;
    const gain = `${(100 * before.value).toFixed(1)} % -> ${(100 * after.value).toFixed(1)} % exact on unseen files`;
    const mark = number === current ? '*' : ' ';
    process.stdout.write(
      `${mark} ${number}  ${made.slice(0, 10)}  ${gain}  ${verdict.usable ? 'usable' : 'not usable'}\n`,
    );
  }
  if (use !== undefined || rollback) process.stdout.write('Open editors take it up when their window is reloaded.\n');
  return 0;
}

/** Whoever types comes first. On Linux priority belongs to threads, and some are there already. */
function yieldToOthers(): void {
  setPriority(NICE);
  if (process.platform !== 'linux') return;
  for (const thread of readdirSync('/proc/self/task')) {
    try {
      setPriority(Number(thread), NICE);
    } catch {
      // A thread that has ended meanwhile has no priority to lower.
    }
  }
}

function methodNamed(name: string): TuningMethod {
  if (name === 'full' || name === 'adapters' || name === 'memory') return name;
  throw new RangeError(`--method is adapters, full or memory, not "${name}".`);
}

function positive(value: string, option: string): number {
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number) || number <= 0) {
    throw new RangeError(`${option} takes a number above 0, but was given "${value}".`);
  }
  return number;
}

function describe({ step, steps, loss, heldOut, tokensPerSecond, secondsLeft, warning }: Progress): string {
  const left = secondsLeft < 90 ? `${Math.ceil(secondsLeft)} s` : `${Math.round(secondsLeft / 60)} min`;
  const unseen = heldOut === undefined ? '' : `  on unseen files ${heldOut.toFixed(3)}`;
  return `step ${step}/${steps}  loss ${loss.toFixed(3)}${unseen}  ${Math.round(tokensPerSecond)} tokens/s  ${left} left${warning ? `  ${warning}` : ''}`;
}
