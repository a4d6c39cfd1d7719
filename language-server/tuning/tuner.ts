/**
 * One tuning at a time, in a process of its own at the lowest priority. It stands still while keys come, on battery, and
 * when the user says so: stopped by a signal, at once and in the middle of a step.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { STOP_NOTE, type TuningNote } from '../../engine/tuning/notes.ts';
import { runsOnBattery } from '../../engine/tuning/power.ts';
import { tunedToMarkdown } from '../../engine/tuning/report.ts';
import type { TunedResult, TuningProgress } from './messages.ts';

export interface TunerParts {
  /** Path of the command line's bundle. */
  program(): string;
  /** Whether the machine runs on battery; by default it is found out. */
  onBattery?: () => Promise<boolean>;
  /** Milliseconds without a key until it goes on. */
  quietAfter?: number;
}

export interface Tuner {
  /** `args` follow the folder. Rejects when it fails, when `signal` fires, and while another one runs. */
  tune(
    folder: string,
    args: readonly string[],
    onProgress: (progress: TuningProgress) => void,
    signal: AbortSignal,
  ): Promise<TunedResult>;
  /** A key came, or something else that the user waits for. */
  keyCame(): void;
  pause(paused: boolean): void;
  /** Ends what runs, at once; it goes on from its last checkpoint when asked for again. */
  dispose(): void;
}

const QUIET_AFTER = 1500;
const LOOK_AT_BATTERY_EVERY = 30_000;
/** Milliseconds for the step under way after it was asked to stop. */
const PATIENCE = 20_000;
/** Bytes of what it said last that are kept for an error. */
const LAST_WORDS = 2000;

export function createTuner({ program, onBattery, quietAfter = QUIET_AFTER }: TunerParts): Tuner {
  const reasons = new Set<'keys' | 'user' | 'battery'>();
  const discharging = onBattery ?? (() => runsOnBattery(process.platform));
  let child: ChildProcess | undefined;
  let last: TuningProgress = { stage: 'reading', done: 0, all: 0 };
  let tell: (progress: TuningProgress) => void = () => undefined;
  let quiet: NodeJS.Timeout | undefined;

  /** The process stands still while there is any reason. */
  function set(reason: 'keys' | 'user' | 'battery', holds: boolean): void {
    const stood = reasons.size > 0;
    if (holds === reasons.has(reason)) return;
    if (holds) reasons.add(reason);
    else reasons.delete(reason);
    const stands = reasons.size > 0;
    if (stands !== stood && process.platform !== 'win32') child?.kill(stands ? 'SIGSTOP' : 'SIGCONT');
    if (reason !== 'keys') report(last);
  }

  function report(progress: TuningProgress): void {
    last = progress;
    const paused = reasons.has('user') ? 'user' : reasons.has('battery') ? 'battery' : undefined;
    tell({ stage: progress.stage, done: progress.done, all: progress.all, ...(paused ? { paused } : {}) });
  }

  function kill(): void {
    child?.kill('SIGKILL');
  }

  async function run(
    folder: string,
    args: readonly string[],
    onProgress: (progress: TuningProgress) => void,
    signal: AbortSignal,
  ): Promise<TunedResult> {
    signal.throwIfAborted();
    const started = fork(program(), ['tune', folder, '--use-if-better', ...args], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
      // The editor's own program is Node only when told so.
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    });
    child = started;
    tell = onProgress;
    let words = '';
    let patience: NodeJS.Timeout | undefined;
    started.stderr?.on('data', (chunk: Buffer) => {
      words = (words + chunk.toString()).slice(-LAST_WORDS);
    });
    const stop = () => {
      started.kill('SIGCONT');
      if (started.connected) started.send(STOP_NOTE, () => undefined);
      patience = setTimeout(kill, PATIENCE);
    };
    signal.addEventListener('abort', stop, { once: true });
    // A stopped process would outlive this one.
    process.on('exit', kill);
    const battery = setInterval(async () => set('battery', await discharging()), LOOK_AT_BATTERY_EVERY);
    set('battery', await discharging());
    try {
      return await new Promise<TunedResult>((resolve, reject) => {
        let problem: string | undefined;
        let result: TunedResult | undefined;
        started.on('message', (note: TuningNote) => {
          if ('problem' in note) problem = note.problem;
          else if ('tuned' in note) result = resultOf(note);
          else report(note);
        });
        started.once('error', reject);
        started.once('close', (code) => {
          if (result) resolve(result);
          else if (signal.aborted) reject(signal.reason);
          else reject(new Error(problem ?? `Tuning ended with ${code}: ${words.trim().split('\n').at(-1)}`));
        });
      });
    } finally {
      clearInterval(battery);
      clearTimeout(patience);
      clearTimeout(quiet);
      process.off('exit', kill);
      signal.removeEventListener('abort', stop);
      child = undefined;
      reasons.clear();
    }
  }

  return {
    async tune(folder, args, onProgress, signal) {
      if (child) throw new Error('A folder is being tuned already. Wait for that, or stop it.');
      last = { stage: 'reading', done: 0, all: 0 };
      return run(folder, args, onProgress, signal);
    },
    keyCame() {
      if (!child) return;
      set('keys', true);
      clearTimeout(quiet);
      quiet = setTimeout(() => set('keys', false), quietAfter);
    },
    pause(paused) {
      if (child && process.platform !== 'win32') set('user', paused);
    },
    dispose: kill,
  };
}

function resultOf({ tuned, used }: Extract<TuningNote, { tuned: unknown }>): TunedResult {
  const { project, guard } = tuned.comparisons;
  const shares = ({ exactMatch }: typeof project) => ({
    before: exactMatch.before.value,
    after: exactMatch.after.value,
  });
  return {
    number: tuned.number,
    used,
    unseen: shares(project),
    guard: shares(guard),
    report: tunedToMarkdown(tuned),
  };
}
