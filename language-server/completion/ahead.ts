/**
 * The suggestion after the one on the screen. While that is being looked at the model has nothing to do, so what would come
 * next if it were accepted is prepared: it is there at once, and most of what the user accepts is accepted in a row.
 */
import { messageOf } from '../error-message.ts';
import type { Log } from '../log.ts';

/** Milliseconds without a request before it begins: whoever types on would only be kept waiting. */
const IDLE = 80;

export interface Ahead {
  /** Does this when nothing was asked for a moment, in place of what was to be done before. */
  prepare(task: (signal: AbortSignal) => Promise<unknown>): void;
  /** Any request puts an end to it. */
  stop(): void;
}

export function createAhead(log: Log): Ahead {
  let timer: NodeJS.Timeout | undefined;
  let running: AbortController | undefined;

  function stop(): void {
    clearTimeout(timer);
    running?.abort();
    running = undefined;
  }

  /** Nobody waits for it, so nobody else would hear of it. */
  function failed(error: unknown): void {
    log.error(`The next suggestion could not be prepared: ${messageOf(error)}`);
  }

  return {
    prepare(task) {
      stop();
      const own = new AbortController();
      running = own;
      timer = setTimeout(() => void task(own.signal).catch(failed), IDLE);
      timer.unref();
    },
    stop,
  };
}
