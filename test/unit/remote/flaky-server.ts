/** A server that answers as each test tells it to, request by request; the last answer is for all that follow. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { FillOptions, Passage } from '../../../engine/infill/fill.ts';
import { connectRemote, type RemoteEngine, type RemoteOptions } from '../../../engine/remote/remote-engine.ts';

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

export interface Asked {
  path: string;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
}

export interface Flaky {
  url: string;
  asked: Asked[];
  /** Milliseconds of each pause that the engine made; none of them is waited for. */
  pauses: number[];
  connect(options?: Partial<RemoteOptions>): Promise<RemoteEngine>;
}

export async function flaky(...answers: Answer[]): Promise<Flaky> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    asked.push({ path: request.url ?? '', headers: request.headers, body: text === '' ? {} : JSON.parse(text) });
    answers[Math.min(asked.length, answers.length) - 1]?.(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const pauses: number[] = [];
  const retry = { pause: async (milliseconds: number) => void pauses.push(milliseconds), jitter: () => 0.5 };
  return {
    url,
    asked,
    pauses,
    connect: (options = {}) => connectRemote({ url, style: 'completions', model: 'glm', retry, ...options }),
  };
}

const chunk = (text: string, finish: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, text, finish_reason: finish }] })}\n\n`;

/** A stream of these texts that ends as it should. */
export const speaks =
  (...texts: string[]): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`${texts.map((text) => chunk(text)).join('')}${chunk('', 'stop')}data: [DONE]\n\n`);
  };

/** Begins a stream and leaves it open. */
export const begins =
  (text: string, then: (response: ServerResponse) => void = () => undefined): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(chunk(text), () => then(response));
  };

export const fails =
  (status: number, body: object | string = '', headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  };

export const resets: Answer = (_, request) => request.socket.resetAndDestroy();

export const passage: Passage = {
  path: 'src/a.ts',
  languageId: 'typescript',
  before: 'f(',
  after: ')\n',
  forced: '',
  neighbours: [],
  kind: 'sentence',
};

export const options: FillOptions = {
  maxTokens: 32,
  temperature: 0,
  topP: 1,
  seed: 3,
  singleLine: false,
  timeLimit: 0,
};
