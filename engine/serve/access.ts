/**
 * Who may talk to the server. A page in a browser reaches loopback too, so beside the token every request must name
 * the server by an address or a known name (against DNS rebinding) and come from no foreign origin.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { ApiError } from './api-error.ts';

export interface AccessOptions {
  /** Any of these opens the server; none: no token is asked for. */
  tokens: readonly string[];
  /** Names beside addresses and `localhost` under which the server may be addressed. */
  hosts: readonly string[];
  /** Origins of pages that may call the server; `*` is all. */
  origins: readonly string[];
}

/** Whether only this machine can connect to a server at this host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** An address can be no rebound name: the browser resolved nothing. */
export function checkHost({ headers }: IncomingMessage, { hosts }: AccessOptions): void {
  const name = /^(\[[^\]]+\]|[^:]+)(?::\d+)?$/.exec(headers.host ?? '')?.[1]?.toLowerCase() ?? '';
  const bare = name.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) !== 0 || bare === 'localhost' || hosts.some((host) => host.toLowerCase() === bare)) return;
  throw new ApiError(
    403,
    `This server does not answer to the name "${bare}"; --allow-host ${bare || 'NAME'} permits it.`,
  );
}

/** Sets the headers that let a permitted page read the answer. Pages of other origins are refused. */
export function checkOrigin({ headers }: IncomingMessage, response: ServerResponse, { origins }: AccessOptions): void {
  const { origin } = headers;
  if (origin === undefined) return;
  if (!origins.includes('*') && !origins.includes(origin)) {
    throw new ApiError(403, `Pages of ${origin} may not call this server; --allow-origin ${origin} permits it.`);
  }
  response.setHeader('access-control-allow-origin', origins.includes('*') ? '*' : origin);
  response.setHeader('vary', 'origin');
}

export function answerPreflight(response: ServerResponse): void {
  response.writeHead(204, {
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': 'authorization, content-type',
    'access-control-max-age': '600',
  });
  response.end();
}

/** Returns the index of the token that the request carries; -1 where none is asked for. */
export function checkToken({ headers }: IncomingMessage, { tokens }: AccessOptions): number {
  if (tokens.length === 0) return -1;
  const given = digest(/^Bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1]?.trim() ?? '');
  const index = tokens.findIndex((token) => timingSafeEqual(digest(token), given));
  if (index >= 0) return index;
  const message = headers.authorization === undefined ? 'The bearer token is missing' : 'The bearer token is wrong';
  throw new ApiError(401, `${message}: send the header "Authorization: Bearer TOKEN".`);
}

/** Digests have one length, which the comparison needs. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
