/** One request's way through the queue and the model to its answer, whole or as a stream of events. */
import type { ServerResponse } from 'node:http';
import type { Engine } from '../index.ts';
import { ApiError } from './api-error.ts';
import type { Call } from './endpoint.ts';
import type { FairQueue } from './fair-queue.ts';

/** What the server needs of an engine; it makes as many fills at once as the queue has slots. */
export interface ServedEngine {
  name: string;
  fill: Engine['fillBeside'];
}

export interface CallContext {
  engine: ServedEngine;
  queue: FairQueue;
  client: string;
  /** Milliseconds for waiting and generating together. */
  time: number;
  /** Fires when nobody waits for the answer any more: takes the request out of the queue, or stops the model. */
  unwanted: AbortSignal;
  /** Fires when no further call is to begin. */
  closing: AbortSignal;
}

/**
 * Rejects with ApiError where the client can still be told, with the signal's reason when the call is unwanted. Nothing
 * is sent before the model has begun, so a full queue is still a plain 429.
 */
export async function runCall(call: Call, response: ServerResponse, context: CallContext): Promise<void> {
  const { engine, queue, client, time, unwanted, closing } = context;
  const deadline = performance.now() + time;
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new ApiError(503, `The model was busy for ${time / 1000} s; try again later.`, { retryAfter: 1 })),
    time,
  );
  const waiting = AbortSignal.any([unwanted, closing, late.signal]);
  try {
    await queue.run(
      client,
      async () => {
        clearTimeout(timer);
        const left = Math.max(1, deadline - performance.now());
        const options = { ...call.options, timeLimit: Math.min(left, call.options.timeLimit || left) };
        if (call.stream)
          return streamFill(call, response, (hooks) => engine.fill(call.passage, options, hooks), unwanted);
        sendJson(
          response,
          200,
          call.whole(await engine.fill(call.passage, options, { signal: unwanted, stopsReading: true })),
        );
      },
      waiting,
    );
  } finally {
    clearTimeout(timer);
  }
}

type Filling = (hooks: NonNullable<Parameters<Engine['fill']>[2]>) => ReturnType<Engine['fill']>;

/** A client that reads slowly does not hold the model up: what waits for it in memory is one span at most. */
async function streamFill(call: Call, response: ServerResponse, fill: Filling, signal: AbortSignal): Promise<void> {
  const send = (event: object | string) => {
    if (!response.headersSent) {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
    }
    response.write(`data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`);
  };
  let sent = 0;
  const filled = await fill({
    signal,
    stopsReading: true,
    onToken(token, text) {
      sent += text.length;
      const event = call.piece(text, token);
      if (event) send(event);
    },
  });
  for (const event of call.last(filled.text.slice(sent), filled)) send(event);
  response.end();
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/** An error becomes a status, or the last event of a stream that has begun. */
export function sendError(response: ServerResponse, error: ApiError): void {
  if (response.headersSent) {
    response.end(`data: ${JSON.stringify(error.body())}\n\n`);
    return;
  }
  if (error.retryAfter !== undefined) response.setHeader('retry-after', error.retryAfter);
  if (error.status === 401) response.setHeader('www-authenticate', 'Bearer');
  if (error.closes) response.setHeader('connection', 'close');
  sendJson(response, error.status, error.body());
}
