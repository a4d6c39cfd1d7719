/**
 * An engine that runs elsewhere: the face of a loaded model over an OpenAI-compatible server. What the server does not
 * tell is not invented: token ids are -1, unknown log probabilities NaN, the confidence without any is 0, and there is
 * no trace.
 */
import type { Engine } from '../index.ts';
import type { FillHooks } from '../infill/decode.ts';
import type { Fill, FillOptions } from '../infill/fill.ts';
import { answeredEvents } from './answer.ts';
import { type Answer, type Connection, openConnection } from './connection.ts';
import { RemoteFailure, type RetryOptions, standardRetries, withRetries } from './failure.ts';
import { listModels } from './models.ts';
import { createReceiver } from './receiver.ts';
import { type RemotePiece, type RemoteStyle, type StyledRequest, styledRequest } from './styles.ts';

export type RemoteEngine = Pick<Engine, 'name' | 'device' | 'fill' | 'trace' | 'dispose'>;

export interface RemoteOptions {
  /** `https://host:port`, with or without `/v1`. */
  url: string;
  style: RemoteStyle;
  /** The first that the server names when left out. */
  model?: string;
  /** Sent as a bearer token; held in memory only. */
  key?: string;
  /** Most milliseconds without a byte from the server; default a minute, for models that read long passages. */
  silence?: number;
  retry?: Partial<RetryOptions>;
}

const SILENCE = 60_000;

/** Asks for the models where no name is given. Rejects with an error that says what was wrong and what to do. */
export async function connectRemote(options: RemoteOptions, signal?: AbortSignal): Promise<RemoteEngine> {
  const { url, style, key, silence = SILENCE } = options;
  const connection = openConnection(key === undefined ? { url, silence } : { url, key, silence });
  const retry = { ...standardRetries, ...options.retry };
  const disposed = new AbortController();
  const name = options.model ?? (await listModels(connection, retry, signal ?? disposed.signal))[0].id;
  return {
    name,
    device: connection.origin,
    async fill(passage, fillOptions, hooks = {}) {
      const request = styledRequest(style, name, passage, fillOptions);
      return fillRemotely({ connection, request, retry, disposed: disposed.signal }, fillOptions, hooks);
    },
    trace: () => undefined,
    dispose() {
      disposed.abort(new Error('The remote engine has been closed.'));
      return Promise.resolve();
    },
  };
}

interface Filling {
  connection: Connection;
  request: StyledRequest;
  retry: RetryOptions;
  disposed: AbortSignal;
}

/**
 * The time limit counts from here, pauses included, and gives back what has come. An attempt that fails after text was
 * handed on is not repeated: the caller has seen it.
 */
async function fillRemotely(filling: Filling, options: FillOptions, { signal, onToken }: FillHooks): Promise<Fill> {
  const { connection, request, retry, disposed } = filling;
  const started = performance.now();
  const stop = AbortSignal.any(signal ? [signal, disposed] : [disposed]);
  stop.throwIfAborted();
  const limit = new AbortController();
  const timer = options.timeLimit > 0 ? setTimeout(() => limit.abort(), options.timeLimit) : undefined;
  const either = AbortSignal.any([stop, limit.signal]);
  const newReceiver = () => createReceiver(options, request.stops, onToken);
  let receiver = newReceiver();

  const read = async (answer: Answer): Promise<void> => {
    receiver = newReceiver();
    // Leaving the loop early breaks the answer off, and with it the model's work; an answer that has come to its end is
    // read on, so that its connection can be used again.
    for await (const piece of piecesOf(answer, request, connection)) if (!receiver.take(piece)) return;
    if (!receiver.finished) throw connection.failure('broke its answer off.', { retryable: true });
  };
  const attempt = async () => {
    try {
      await connection.exchange(request.path, request.body, read, either);
    } catch (error) {
      stop.throwIfAborted();
      if (receiver.finished) return;
      if (!receiver.handedOn || !(error instanceof RemoteFailure)) throw error;
      throw new RemoteFailure(`${error.message} Part of the answer had been handed on, so it was not asked for again.`);
    }
  };
  try {
    await withRetries(attempt, retry, either);
  } catch (error) {
    if (stop.aborted || !limit.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
  return receiver.toFill('time', started, connection.origin);
}

async function* piecesOf(answer: Answer, request: StyledRequest, connection: Connection): AsyncGenerator<RemotePiece> {
  for await (const event of answeredEvents(answer, connection)) {
    yield event ? request.read(event) : { text: '', tokens: [], finish: 'eop' };
  }
}
