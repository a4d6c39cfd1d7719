/**
 * An engine that runs elsewhere: the face of a loaded model over an OpenAI-compatible server. What the server does not
 * tell is not invented: token ids are -1, unknown log probabilities NaN, the confidence without any is 0, and there is
 * no trace.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Engine } from '../index.ts';
import type { FillHooks } from '../infill/decode.ts';
import type { Fill, FillOptions } from '../infill/fill.ts';
import { type Answer, type Connection, firstText, openConnection } from './connection.ts';
import { eventData } from './events.ts';
import { RemoteFailure, type RetryOptions, withRetries } from './failure.ts';
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
/** Of an answer that is not a stream, and of the list of models. */
const LARGEST_ANSWER = 2 ** 22;

/** Asks for the models where no name is given. Rejects with an error that says what was wrong and what to do. */
export async function connectRemote(options: RemoteOptions, signal?: AbortSignal): Promise<RemoteEngine> {
  const { url, style, key, silence = SILENCE } = options;
  const connection = openConnection(key === undefined ? { url, silence } : { url, key, silence });
  const retry: RetryOptions = {
    attempts: 4,
    pause: (milliseconds, by) => pause(milliseconds, undefined, { signal: by }),
    jitter: Math.random,
    ...options.retry,
  };
  const disposed = new AbortController();
  const name = options.model ?? (await firstModel(connection, retry, signal ?? disposed.signal));
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

async function firstModel(connection: Connection, retry: RetryOptions, signal: AbortSignal): Promise<string> {
  const read = async ({ body }: Answer) => firstText(body, LARGEST_ANSWER);
  const text = await withRetries(() => connection.exchange('/v1/models', undefined, read, signal), retry, signal);
  try {
    const id: unknown = JSON.parse(text)?.data?.[0]?.id;
    if (typeof id === 'string') return id;
  } catch {
    // Said below, as for a list without names.
  }
  throw connection.failure('names no model under /v1/models: give the name of the model.');
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

/** Events of a stream; a server that does not stream sends its whole answer as one. */
async function* piecesOf(answer: Answer, request: StyledRequest, connection: Connection): AsyncGenerator<RemotePiece> {
  const { contentType, body } = answer;
  const understand = (data: string): RemotePiece => {
    let event: unknown;
    try {
      event = JSON.parse(data);
    } catch {
      throw connection.failure('sent an event that is not JSON.', { retryable: true });
    }
    const { error } = (event ?? {}) as { error?: { message?: string } };
    if (error) throw connection.failure(`failed: ${error.message ?? JSON.stringify(error)}`, { retryable: true });
    if (typeof event !== 'object' || event === null) throw connection.failure('sent an event that is no object.');
    return request.read(event);
  };
  if (contentType === 'application/json') {
    yield understand(await firstText(body, LARGEST_ANSWER));
    return;
  }
  if (contentType !== 'text/event-stream') {
    throw connection.failure(`answered with ${contentType || 'no content type'}, not with events: is the URL right?`);
  }
  const tooLong = () => connection.failure('sent an event without end.');
  for await (const data of eventData(body, tooLong)) {
    if (data === '[DONE]') yield { text: '', tokens: [], finish: 'eop' };
    else yield understand(data);
  }
}
