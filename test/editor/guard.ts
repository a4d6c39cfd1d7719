/** Sees to it that nothing is left behind, however this process ends: even killed, or with its machine out of memory. */
import { type ChildProcess, spawn } from 'node:child_process';

/** Waits for the pipe from its parent to close, which needs no cooperation, and then ends and removes. */
const WATCH = `
  const [group, folder] = process.argv.slice(1);
  process.stdin.resume().on('end', () => {
    try { process.kill(-Number(group), 'SIGKILL'); } catch {}
    require('node:fs').rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  });`;

/**
 * A process that outlives this one just long enough to kill the process group of `leader` and to remove `folder`.
 * Closing its standard input sets it off as well; the returned promise then tells when it is done.
 */
export function guard(leader: ChildProcess, folder: string): () => Promise<void> {
  const watcher = spawn(process.execPath, ['-e', WATCH, String(leader.pid), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => watcher.once('exit', () => resolve()));
  return () => {
    watcher.stdin?.end();
    return ended;
  };
}
