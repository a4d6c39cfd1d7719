/** Finds the Python that runs the programs of a suite. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface Interpreter {
  /** Real path, no link of a virtual environment. */
  executable: string;
  /** Folder of its standard library, with everything that it needs beside the system's libraries. */
  prefix: string;
  version: string;
}

const QUESTION = `
import json, os, platform, resource, sys
print(json.dumps({
  "executable": os.path.realpath(sys.executable),
  "prefix": os.path.realpath(sys.base_prefix),
  "version": platform.python_version(),
}))`;

/** Throws an error that says what is missing when `name` cannot be started or is no Python 3 for POSIX. */
export async function findPython(name: string): Promise<Interpreter> {
  try {
    const { stdout } = await promisify(execFile)(name, ['-I', '-c', QUESTION], { timeout: 30_000 });
    return JSON.parse(stdout) as Interpreter;
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'it is not installed' : lastLine(error);
    throw new Error(
      `The tests of this suite are Python programs, but ${name} cannot run them: ${reason}. Install Python 3 on Linux or macOS, name another with --python FILE, or leave the tests out with --execution none.`,
    );
  }
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return (stderr || message).trim().split('\n').at(-1) ?? message;
}
