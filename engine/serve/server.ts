/**
 * The local engine behind HTTP, for other editors and programs: OpenAI's completions and chat, and llama.cpp's
 * `/infill`. As many
 * requests as there are slots reach the model at once, the others wait in a fair queue. It knows nothing of models or
 * prompts.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AccessOptions, answerPreflight, checkHost, checkOrigin, checkToken } from './access.ts';
import { ApiError } from './api-error.ts';
import { type BodyLimits, readFields } from './body.ts';
import { chatCall } from './chat.ts';
import { completionCall } from './completions.ts';
import type { Endpoint } from './endpoint.ts';
import { createFairQueue } from './fair-queue.ts';
import { infillCall } from './infill.ts';
import { runCall, type ServedEngine, sendError, sendJson } from './run-call.ts';

export interface ServeOptions {
  engine: ServedEngine;
  /** Address to listen on. */
  host: string;
  /** 0 takes a free one. */
  port: number;
  access: AccessOptions;
  body?: BodyLimits;
  /** Requests that the engine takes at once, default 1. */
  slots?: number;
  /** Most requests that wait for the model. */
  queuePlaces?: number;
  /** Milliseconds for a request to wait and be answered. */
  requestTime?: number;
  /** Milliseconds that a closing server leaves to the request the model is at. */
  grace?: number;
  /** Called with a line for each failure that is the server's own; never with text of a request. */
  log?: (line: string) => void;
}

export interface CompletionServer {
  /** e.g. `http://127.0.0.1:8012`. */
  readonly url: string;
  /** Refuses what is new or waits, lets the running request end within the grace time, then stops the model. */
  close(): Promise<void>;
}

/** A model of 1,000 tokens reads some kilobytes; editors may send whole files all the same. */
const BODY: BodyLimits = { size: 2 ** 20, time: 10_000 };
const QUEUE_PLACES = 128;
const REQUEST_TIME = 120_000;
const GRACE = 5_000;
const HEADERS_TIME = 10_000;
const FLUSH_TIME = 1_000;
const IDLE_TIME = 60_000;
/** More than any queue; beyond it connections are dropped, which costs nothing. */
const CONNECTIONS = 2_048;

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  '/v1/completions': completionCall,
  '/v1/chat/completions': chatCall,
  '/infill': infillCall,
};
const READABLE = ['/health', '/v1/models'];

/** Rejects when the address cannot be listened on, with an error that says why. */
export async function startServer(options: ServeOptions): Promise<CompletionServer> {
  const { engine, access, log = () => undefined } = options;
  const { body = BODY, slots = 1, queuePlaces = QUEUE_PLACES, requestTime = REQUEST_TIME, grace = GRACE } = options;
  const clients = Math.max(1, access.tokens.length);
  const queue = createFairQueue({ slots, places: queuePlaces, placesEach: Math.ceil(queuePlaces / clients) });
  const created = Math.floor(Date.now() / 1000);
  const closing = new AbortController();
  const halted = new AbortController();

  async function answer(request: IncomingMessage, response: ServerResponse, unwanted: AbortSignal): Promise<void> {
    checkHost(request, access);
    checkOrigin(request, response, access);
    if (request.method === 'OPTIONS') return answerPreflight(response);
    const path = (request.url ?? '').split('?', 1)[0] as string;
    const endpoint = Object.hasOwn(ENDPOINTS, path) ? ENDPOINTS[path] : undefined;
    if (!endpoint && !READABLE.includes(path)) {
      throw new ApiError(
        404,
        `There is no ${path}; this server has ${[...Object.keys(ENDPOINTS), ...READABLE].join(', ')}.`,
      );
    }
    const method = endpoint ? 'POST' : 'GET';
    if (request.method !== method) {
      response.setHeader('allow', method);
      throw new ApiError(405, `${path} takes ${method}, not ${request.method}.`);
    }
    // Asked by supervisors, which know no token; it tells nothing else.
    if (path === '/health') return sendJson(response, 200, { status: 'ok' });
    const token = checkToken(request, access);
    if (!endpoint) {
      const model = { id: engine.name, object: 'model', created, owned_by: 'cloze' };
      return sendJson(response, 200, { object: 'list', data: [model] });
    }
    const call = endpoint(await readFields(request, body), engine.name);
    if (call.ready) return sendJson(response, 200, call.ready);
    closing.signal.throwIfAborted();
    // Several tokens are several people; with one, the connections take turns.
    const { remoteAddress, remotePort } = request.socket;
    const client = access.tokens.length > 1 ? `token ${token}` : `${remoteAddress} ${remotePort}`;
    await runCall(call, response, { engine, queue, client, time: requestTime, unwanted, closing: closing.signal });
  }

  const server = createServer((request, response) => {
    const gone = new AbortController();
    response.on('close', () => {
      gone.abort(new Error('The client is gone.'));
      if (closing.signal.aborted) setImmediate(() => server.closeIdleConnections());
    });
    const unwanted = AbortSignal.any([gone.signal, halted.signal]);
    answer(request, response, unwanted).catch((error: unknown) => {
      if (gone.signal.aborted) return;
      if (error instanceof ApiError) return sendError(response, error);
      if (halted.signal.aborted) return sendError(response, halted.signal.reason);
      log(
        `${request.method} ${request.url} failed: ${error instanceof Error ? (error.stack ?? error.message) : error}`,
      );
      sendError(response, new ApiError(500, 'The model failed; the log of the server says why.'));
    });
  });
  server.headersTimeout = HEADERS_TIME;
  server.maxConnections = CONNECTIONS;
  // Without a byte in either direction: who neither reads nor hangs up.
  server.setTimeout(requestTime + IDLE_TIME);
  await listen(server, options);

  return {
    url: urlOf(server.address() as AddressInfo),
    async close() {
      const shutdown = new ApiError(503, 'The server is shutting down.', { retryAfter: 5, closes: true });
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      closing.abort(shutdown);
      server.closeIdleConnections();
      const timer = setTimeout(() => halted.abort(shutdown), grace);
      await queue.idle();
      clearTimeout(timer);
      // The last answers are on their way; who still sends a body or does not read is cut off.
      const cut = setTimeout(() => server.closeAllConnections(), FLUSH_TIME);
      await closed;
      clearTimeout(cut);
    },
  };
}

function listen(server: Server, { host, port }: ServeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why: Record<string, string> = {
        EADDRINUSE: 'another program listens there; choose a free port',
        EACCES: 'this needs rights that you do not have; choose a port above 1023',
        EADDRNOTAVAIL: 'this machine does not have that address',
        ENOTFOUND: 'that name has no address',
      };
      reject(new Error(`The server cannot listen on ${host} port ${port}: ${why[error.code ?? ''] ?? error.message}.`));
    });
    server.listen({ host, port }, resolve);
  });
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
