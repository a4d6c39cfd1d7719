/**
 * A bounded queue before the model that serves its clients in turn: a client with many requests waits behind its own,
 * not others behind all of them. `slots` tasks run at once.
 */
import { ApiError } from './api-error.ts';

export interface FairQueueOptions {
  slots: number;
  /** Most tasks that wait; one more is refused with status 429. */
  places: number;
  /** Most of these that one client may take. */
  placesEach: number;
}

export interface FairQueue {
  readonly running: number;
  readonly waiting: number;
  /** Runs `task` when it is its turn. Rejects with the signal's reason when that fires while the task waits. */
  run<R>(client: string, task: () => Promise<R>, signal: AbortSignal): Promise<R>;
  /** Resolves when no task runs. */
  idle(): Promise<void>;
}

interface Waiting {
  client: string;
  start: () => void;
}

/** Most seconds that a refused client is told to wait. */
const LONGEST_RETRY = 60;
/** Weight of the newest duration in the moving average. */
const NEWEST = 0.2;

export function createFairQueue({ slots, places, placesEach }: FairQueueOptions): FairQueue {
  /** Clients in the order of their turns; each has at least one task. */
  const turns = new Map<string, Waiting[]>();
  let running = 0;
  let waiting = 0;
  /** Milliseconds that a task runs, as a moving average. */
  let duration = 0;
  let idlers: (() => void)[] = [];

  function remove(entry: Waiting): void {
    const own = turns.get(entry.client);
    const index = own?.indexOf(entry) ?? -1;
    if (!own || index < 0) return;
    own.splice(index, 1);
    waiting--;
    if (own.length === 0) turns.delete(entry.client);
  }

  function next(): void {
    const first = turns.entries().next();
    if (first.done || running >= slots) return;
    const [client, own] = first.value;
    const entry = own[0] as Waiting;
    remove(entry);
    // The client's next task waits for all other clients to have had a turn.
    if (turns.delete(client)) turns.set(client, own);
    entry.start();
  }

  function turn(client: string, signal: AbortSignal): Promise<void> {
    if (running < slots && waiting === 0) {
      running++;
      return Promise.resolve();
    }
    if (waiting >= places || (turns.get(client)?.length ?? 0) >= placesEach) {
      const seconds = Math.ceil(((waiting + running) * duration) / slots / 1000);
      throw new ApiError(429, `${waiting} requests wait for the model already; try again later.`, {
        retryAfter: Math.min(LONGEST_RETRY, Math.max(1, seconds)),
      });
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        remove(entry);
        reject(signal.reason);
      };
      const entry: Waiting = {
        client,
        start: () => {
          signal.removeEventListener('abort', leave);
          running++;
          resolve();
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      waiting++;
      turns.set(client, [...(turns.get(client) ?? []), entry]);
    });
  }

  return {
    get running() {
      return running;
    },
    get waiting() {
      return waiting;
    },
    async run(client, task, signal) {
      signal.throwIfAborted();
      await turn(client, signal);
      const started = performance.now();
      try {
        return await task();
      } finally {
        const took = performance.now() - started;
        duration = duration === 0 ? took : duration + NEWEST * (took - duration);
        running--;
        next();
        if (running === 0) {
          for (const idler of idlers) idler();
          idlers = [];
        }
      }
    },
    idle: () => (running === 0 ? Promise.resolve() : new Promise((resolve) => idlers.push(resolve))),
  };
}
