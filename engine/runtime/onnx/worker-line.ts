/** The line to a worker: one request at a time, answers in order; a worker that ends takes all that waits with it. */
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { DeviceFailure, deviceFailure } from '../device-failure.ts';
import type { Hosted, Reply, Request } from './messages.ts';

export interface WorkerLine {
  /** Resolves with the logits of a step. A request that is aborted before its turn is never sent. */
  ask(request: Request, signal?: AbortSignal): Promise<Float32Array | undefined>;
  /** Frees the model after all that was asked for before. */
  end(): void;
}

/** Starts the worker; rejects with `DeviceFailure` when it cannot load the graph. */
export async function openWorkerLine(host: string, hosted: Hosted): Promise<WorkerLine> {
  // What the worker sets in its environment is for the library, which sees that of the process alone.
  const worker = new Worker(host, { workerData: hosted, env: SHARE_ENV });
  let dead: DeviceFailure | undefined;
  let waiting: { resolve(reply: Reply): void; reject(error: Error): void } | undefined;
  /** Settles when everything asked for so far is done; never rejects. */
  let queue: Promise<unknown> = Promise.resolve();

  function die(message: string): void {
    dead ??= new DeviceFailure(message);
    waiting?.reject(dead);
    waiting = undefined;
  }
  worker.on('message', (reply: Reply) => {
    const { resolve } = waiting ?? {};
    waiting = undefined;
    resolve?.(reply);
  });
  worker.on('error', (error) => die(error.message));
  worker.on('exit', (code) => die(`its worker ended with code ${code}`));

  function reply(): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (dead) reject(dead);
      else waiting = { resolve, reject };
    });
  }

  async function turn(request: Request, signal: AbortSignal | undefined): Promise<Float32Array | undefined> {
    signal?.throwIfAborted();
    if (dead) throw dead;
    // Only work keeps the process alive.
    worker.ref();
    try {
      worker.postMessage(request);
      const answer = await reply();
      if (answer.kind === 'failed') throw deviceFailure(answer.message);
      return answer.kind === 'done' ? answer.logits : undefined;
    } finally {
      worker.unref();
    }
  }

  const first = await reply();
  worker.unref();
  if (first.kind !== 'ready') throw new DeviceFailure(first.kind === 'failed' ? first.message : 'it did not start');

  function ask(request: Request, signal?: AbortSignal): Promise<Float32Array | undefined> {
    const result = queue.then(() => turn(request, signal));
    queue = result.catch(() => undefined);
    return result;
  }
  return {
    ask,
    end: () => void ask({ kind: 'unload' }).catch(() => undefined),
  };
}
