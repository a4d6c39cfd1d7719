/** Why a remote server did not answer, and whether asking again may help. Its message never holds the key. */
import { setTimeout as pause } from 'node:timers/promises';

export class RemoteFailure extends Error {
  readonly retryable: boolean;
  /** Milliseconds that the server asks to wait. */
  readonly wait: number;

  constructor(message: string, { retryable = false, wait = 0 }: { retryable?: boolean; wait?: number } = {}) {
    super(message);
    this.retryable = retryable;
    this.wait = wait;
  }
}

export interface RetryOptions {
  /** In all, the first one included. */
  attempts: number;
  /** Resolves after so many milliseconds; rejects when the signal fires. */
  pause: (milliseconds: number, signal: AbortSignal) => Promise<unknown>;
  /** Uniform in [0, 1): spreads clients that failed together. */
  jitter: () => number;
}

export const standardRetries: RetryOptions = {
  attempts: 4,
  pause: (milliseconds, signal) => pause(milliseconds, undefined, { signal }),
  jitter: Math.random,
};

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8_000;
/** A server that asks for more is not waited for. */
const LONGEST_WAIT = 60_000;

/** Exponential back-off: each pause is twice the one before, its second half random; never less than asked for. */
export async function withRetries<R>(
  attempt: () => Promise<R>,
  { attempts, pause, jitter }: RetryOptions,
  signal: AbortSignal,
): Promise<R> {
  for (let made = 1; ; made++) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof RemoteFailure) || !error.retryable) throw error;
      if (made >= attempts) {
        throw made === 1 ? error : new RemoteFailure(`${error.message} (asked ${made} times)`);
      }
      if (error.wait > LONGEST_WAIT) {
        throw new RemoteFailure(`${error.message} It asks to wait for ${Math.round(error.wait / 1000)} s.`);
      }
      const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (made - 1));
      await pause(Math.max(error.wait, longest * (0.5 + 0.5 * jitter())), signal).catch((reason: unknown) => {
        signal.throwIfAborted();
        throw reason;
      });
    }
  }
}
