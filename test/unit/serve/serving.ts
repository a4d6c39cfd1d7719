/** A server around a scripted engine for one test, closed after it. */
import { type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { onTestFinished } from 'vitest';
import { type ServeOptions, startServer } from '../../../engine/serve/server.ts';
import { echo, type Script, type ScriptedEngine, scriptedEngine } from './scripted-engine.ts';

export const TOKEN = 'open-sesame';

export interface Serving {
  engine: ScriptedEngine;
  url: string;
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

export async function serving(script: Script = echo, options: Partial<ServeOptions> = {}): Promise<Serving> {
  const engine = scriptedEngine(script);
  const access = { tokens: [TOKEN], hosts: [], origins: [] };
  const server = await startServer({ engine, host: '127.0.0.1', port: 0, access, grace: 0, ...options });
  onTestFinished(() => {
    engine.release();
    return server.close();
  });
  return {
    engine,
    url: server.url,
    post: (path, body, init = {}) =>
      fetch(`${server.url}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        ...init,
      }),
    close: () => server.close(),
  };
}

/** What fetch does not allow: other Host headers, bodies that never end. */
export async function raw(
  url: string,
  options: RequestOptions,
  write: (request: ClientRequest) => void = (r) => r.end(),
): Promise<{ status: number; headers: IncomingMessage['headers']; json: { error: Record<string, unknown> } }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(url, options, resolve);
    // The server may close while the rest of a refused body is still on its way.
    sent.on('error', reject);
    write(sent);
  });
  let text = '';
  for await (const chunk of response) text += chunk;
  return {
    status: response.statusCode as number,
    headers: response.headers,
    json: text === '' ? {} : JSON.parse(text),
  };
}

/** The `data:` lines of an event stream. */
export function events(text: string): string[] {
  return text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => event.replace(/^data: /, ''));
}
