/**
 * The line to a worker: one request at a time, answers in order; a worker that ends takes all that waits with it. Workers
 * whose models are on a graphics device take turns with each other: their threads share onnxruntime's one context for it,
 * which two threads corrupt.
 */
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { DeviceFailure, deviceFailure } from '../device-failure.ts';
import type { Hosted, Reply, Request } from './messages.ts';

export interface WorkerLine {
  /** Resolves with the logits of a step. A request that is aborted before its turn is never sent. */
  ask(request: Request, signal?: AbortSignal): Promise<Float32Array | undefined>;
  /** Frees the model after all that was asked for before. */
  end(): void;
}

/** Settles when nothing is under way on the device; never rejects. */
let deviceQueue: Promise<unknown> = Promise.resolve();

/** Does `work` when everything before it on the device is done. */
function onDevice<R>(work: () => Promise<R>): Promise<R> {
  const result = deviceQueue.then(work);
  deviceQueue = result.catch(() => undefined);
  return result;
}

/** Starts the worker; rejects with `DeviceFailure` when it cannot load the graph. */
export function openWorkerLine(host: string, hosted: Hosted): Promise<WorkerLine> {
  return hosted.provider === 'cpu'
    ? startWorker(host, hosted, (work) => work())
    : onDevice(() => startWorker(host, hosted, onDevice));
}

async function startWorker(host: string, hosted: Hosted, inTurn: typeof onDevice): Promise<WorkerLine> {
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
  const exited = new Promise<void>((resolve) => {
    worker.on('exit', (code) => {
      die(`its worker ended with code ${code}`);
      resolve();
    });
  });

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
  if (first.kind !== 'ready') {
    await exited;
    throw new DeviceFailure(first.kind === 'failed' ? first.message : 'it did not start');
  }
  worker.unref();

  function inOrder<R>(work: () => Promise<R>): Promise<R> {
    const result = queue.then(() => inTurn(work));
    queue = result.catch(() => undefined);
    return result;
  }
  return {
    ask: (request, signal) => inOrder(() => turn(request, signal)),
    // The thread frees the last of the library's objects as it ends.
    end: () => void inOrder(() => turn({ kind: 'unload' }, undefined).then(() => exited)).catch(() => undefined),
  };
}
