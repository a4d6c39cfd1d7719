/** Finds out in another process whether a provider works: a driver that aborts takes only that one down. */
import { fork } from 'node:child_process';

/** A driver may compile its first programs meanwhile. */
const TIME_LIMIT = 20_000;

/** What is wrong with a provider, in words; undefined when it works. `host` is the path of the bundled `host.ts`. */
export async function probeProvider(provider: string, host: string): Promise<string | undefined> {
  const child = fork(host, ['probe', provider], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] });
  let complaints = '';
  child.stderr?.on('data', (chunk) => {
    complaints = (complaints + chunk).slice(-4000);
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), TIME_LIMIT);
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(undefined);
      else resolve(reasonIn(complaints) ?? (signal ? `it was ended by ${signal}` : `it ended with code ${code}`));
    });
  });
}

/** The message of the error that ended the process, without the place in onnxruntime's source and its condition. */
function reasonIn(complaints: string): string | undefined {
  const message = /^(?:\w*Error|.*?what\(\)): *(.+)$/m.exec(complaints)?.[1];
  return message?.replace(/^\S+\.(?:cc|h):\d+ .* was false\. /, '').slice(0, 300);
}
