/**
 * Runs one Python program under limits, isolated or not, and tells whether it came to its end without an error. That is
 * told by a secret that is written after the last line of the program, so leaving early, with whatever exit code, is
 * no success. Only a program that sets out to search its own interpreter's memory for the secret could pretend.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Interpreter } from './interpreter.ts';
import { isolatedCommand, TOOL_PATH } from './isolation.ts';
import { type ExecutionLimits, resourceLimits } from './limits.ts';

/** `unprotected`: limits, an empty folder and an empty environment, but the machine's files and network lie open. */
export type Confinement = 'isolated' | 'unprotected';

export interface Outcome {
  /** `time` and `output`: stopped at a limit of wall-clock time or of output; every other failure is `failed`. */
  result: 'passed' | 'failed' | 'time' | 'output';
  /** The last line of standard error, at most 200 characters: usually the exception. */
  detail: string;
}

export interface RunOptions {
  python: Interpreter;
  confinement: Confinement;
  limits: ExecutionLimits;
  signal?: AbortSignal;
}

/** Arguments: `NAME=VALUE` for each limit. Standard input: the secret, a line break, the program. */
const BOOTSTRAP = `
import os, resource, sys
secret, program = sys.stdin.buffer.read().split(b"\\n", 1)
os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
for name, value in (argument.split("=") for argument in sys.argv[1:]):
    resource.setrlimit(getattr(resource, "RLIMIT_" + name), (int(value), int(value)))
del sys.argv[1:]
exec(compile(program, "program.py", "exec"), {"__name__": "__main__"})
os.write(3, secret)
os._exit(0)
`;
const MOST_DETAIL = 200;
const KEPT_ERRORS = 4096;

export async function runPython(program: string, options: RunOptions): Promise<Outcome> {
  options.signal?.throwIfAborted();
  const { python, confinement, limits } = options;
  const settings = resourceLimits(limits, process.platform).map(([name, value]) => `${name}=${value}`);
  const command = [python.executable, '-I', '-S', '-B', '-c', BOOTSTRAP, ...settings];
  if (confinement === 'isolated') {
    const [file, args] = isolatedCommand(python, command, process.getuid?.() === 0);
    return watch(file, args, program, '/', { PATH: TOOL_PATH }, options);
  }
  const folder = await mkdtemp(join(tmpdir(), 'cloze-program-'));
  try {
    const [file, ...args] = command as [string, ...string[]];
    return await watch(file, args, program, folder, { HOME: folder, LANG: 'C.UTF-8', PATH: TOOL_PATH }, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function watch(
  file: string,
  args: string[],
  program: string,
  cwd: string,
  env: NodeJS.ProcessEnv,
  { limits, signal }: RunOptions,
): Promise<Outcome> {
  const secret = randomBytes(16).toString('hex');
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    // A process group of its own, so that one signal reaches all that did not leave it.
    const child = spawn(file, args, { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
    let stopped: 'time' | 'output' | undefined;
    const killGroup = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // Nobody of the group is left.
      }
    };
    const kill = () => {
      if (child.exitCode === null && child.signalCode === null) killGroup();
      for (const stream of child.stdio) stream?.destroy();
    };
    const stop = (why: 'time' | 'output') => {
      stopped ??= why;
      kill();
    };
    const clock = setTimeout(stop, limits.wallSeconds * 1000, 'time');
    signal?.addEventListener('abort', kill, { once: true });

    let [written, errors, said] = [0, '', ''];
    const count = (bytes: Buffer) => {
      written += bytes.length;
      if (written > limits.output) stop('output');
    };
    child.stdout.on('data', count);
    child.stderr.on('data', (bytes: Buffer) => {
      errors = (errors + bytes.toString('latin1')).slice(-KEPT_ERRORS);
      count(bytes);
    });
    (child.stdio[3] as Readable).on('data', (bytes: Buffer) => {
      said = (said + bytes.toString('latin1')).slice(0, secret.length + 1);
      count(bytes);
    });
    // A program that dies early closes its end of the pipe.
    child.stdin.on('error', () => {});
    child.stdin.end(`${secret}\n${program}`);

    const finish = () => {
      clearTimeout(clock);
      signal?.removeEventListener('abort', kill);
    };
    child.on('error', (error) => {
      finish();
      reject(new Error(`${file} cannot be started: ${error.message}`));
    });
    // Whoever is left behind would keep the pipes open.
    child.on('exit', killGroup);
    child.on('close', (code, killer) => {
      finish();
      if (signal?.aborted) return reject(signal.reason);
      const passed = stopped === undefined && code === 0 && said === secret;
      // A shell between says so by its exit code.
      const killed = killer ? constants.signals[killer] : Math.max(0, (code ?? 0) - 128);
      const line = Buffer.from(errors, 'latin1').toString().trim().split('\n').at(-1);
      const detail = killed > 0 ? `killed by signal ${killed}` : line || `exit code ${code}`;
      resolve({
        result: stopped ?? (passed ? 'passed' : 'failed'),
        detail: passed ? '' : detail.slice(0, MOST_DETAIL),
      });
    });
  });
}
