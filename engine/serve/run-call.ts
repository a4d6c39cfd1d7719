/** One request's way through the queue and the model to its answer, whole or as a stream of events. */
import type { ServerResponse } from 'node:http';
import type { ChatModel } from '../chat/chat-model.ts';
import type { Engine } from '../index.ts';
import { ApiError } from './api-error.ts';
import type { Call, ChatCall, FillCall } from './endpoint.ts';
import type { FairQueue } from './fair-queue.ts';

/** What the server needs of an engine; it makes as many fills at once as the queue has slots. */
export interface ServedEngine {
  name: string;
  fill: Engine['fillBeside'];
  /** Of a model that converses. */
  chat?: Pick<ChatModel, 'answer'>;
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
  if ('messages' in call && !engine.chat)
    throw new ApiError(400, `${engine.name} does not converse: it fills blanks, by /v1/completions and /infill.`);
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
        if ('messages' in call) return converse(call, response, engine, left, unwanted);
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

async function converse(
  call: ChatCall,
  response: ServerResponse,
  { chat }: ServedEngine,
  timeLimit: number,
  signal: AbortSignal,
): Promise<void> {
  const said = { content: '', thoughts: '' };
  const send = sender(response);
  try {
    const answer = await (chat as Pick<ChatModel, 'answer'>).answer(
      call.messages,
      { ...call.options, timeLimit },
      (piece) => {
        said[piece.thought ? 'thoughts' : 'content'] += piece.text;
        if (!call.stream) return;
        if (!response.headersSent) send(call.first());
        send(call.piece(piece));
      },
      signal,
    );
    if (!call.stream) return sendJson(response, 200, call.whole(said.content, said.thoughts, answer));
    if (!response.headersSent) send(call.first());
    for (const event of call.last(answer)) send(event);
    response.end();
  } catch (error) {
    // A conversation that the model does not hold.
    if (error instanceof RangeError) throw new ApiError(400, error.message, { param: 'messages' });
    throw error;
  }
}

/** Sends events of a stream, which begins with the first. */
function sender(response: ServerResponse): (event: object | string) => void {
  return (event) => {
    if (!response.headersSent) {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
    }
    response.write(`data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`);
  };
}

type Filling = (hooks: NonNullable<Parameters<Engine['fill']>[2]>) => ReturnType<Engine['fill']>;

/** A client that reads slowly does not hold the model up: what waits for it in memory is one span at most. */
async function streamFill(call: FillCall, response: ServerResponse, fill: Filling, signal: AbortSignal): Promise<void> {
  const send = sender(response);
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
