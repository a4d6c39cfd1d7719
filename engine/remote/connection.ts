/**
 * One HTTP exchange with a remote server, every way it can fail told apart. Certificates are always verified, redirects
 * are not followed (they would carry the text elsewhere), and no message holds the key.
 */
import { RemoteFailure } from './failure.ts';
import { onlineSignal } from './offline-lock.ts';

export interface Connection {
  /** Scheme, host and port, for messages. */
  readonly origin: string;
  /**
   * GET, or POST with a body. `read` takes the answer's bytes; each chunk winds the clock of the silence limit up.
   * Rejects with RemoteFailure, or with the signal's reason.
   */
  exchange<R>(
    path: string,
    body: object | undefined,
    read: (answer: Answer) => Promise<R>,
    signal: AbortSignal,
  ): Promise<R>;
  /** A failure whose message names the server and does not hold the key. */
  failure(what: string, options?: { retryable?: boolean; wait?: number }): RemoteFailure;
}

export interface Answer {
  /** Lower case, without parameters. */
  contentType: string;
  body: AsyncIterable<Uint8Array>;
}

export interface ConnectionOptions {
  /** With or without `/v1`. */
  url: string;
  key?: string;
  /** Most milliseconds without a byte. */
  silence: number;
}

const RETRYABLE = [408, 425, 429, 500, 502, 503, 504, 529];
/** What of an error's body is read and shown. */
const ERROR_BODY = 2_000;
const ERROR_TEXT = 400;

export function openConnection({ url, key, silence }: ConnectionOptions): Connection {
  const base = parseBase(url);
  // fetch would refuse it as a header with an error that shows it.
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key)) {
    throw new Error('The key of the remote server must be printable ASCII without spaces; check how it was copied.');
  }
  const { origin } = new URL(base);
  const failure: Connection['failure'] = (what, options) => {
    const message = `${origin} ${what}`;
    return new RemoteFailure(shortened(key ? message.replaceAll(key, '[key]') : message), options);
  };

  return {
    origin,
    failure,
    exchange(path, body, read, signal) {
      const init: RequestInit = {
        method: body ? 'POST' : 'GET',
        headers: {
          accept: body ? 'text/event-stream, application/json' : 'application/json',
          ...(body ? { 'content-type': 'application/json' } : {}),
          ...(key ? { authorization: `Bearer ${key}` } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      };
      const receive = async (response: Response, bytes: AsyncIterable<Uint8Array>) => {
        if (!response.ok) throw await refusal(response, bytes, path, failure);
        const contentType = (response.headers.get('content-type') ?? '').split(';', 1)[0] as string;
        return read({ contentType: contentType.trim().toLowerCase(), body: bytes });
      };
      return exchangeWith({ url: new URL(`${base}${path}`), init, silence, failure }, receive, signal);
    },
  };
}

/** What a server answers to a plain GET, whatever its status; a redirect is an answer too. */
export interface PlainAnswer {
  status: number;
  headers: Headers;
  body: AsyncIterable<Uint8Array>;
}

/** Bytes of a file; no key goes along. `silence` as in `ConnectionOptions`. Rejects with RemoteFailure, or the signal's reason. */
export function getPlain<R>(
  url: URL,
  { headers, silence }: { headers: Record<string, string>; silence: number },
  read: (answer: PlainAnswer) => Promise<R>,
  signal: AbortSignal,
): Promise<R> {
  const failure: Connection['failure'] = (what, options) => new RemoteFailure(`${url.origin} ${what}`, options);
  // Compressed answers would have other lengths than the files.
  const init = { headers: { ...headers, 'accept-encoding': 'identity' } };
  const receive = ({ status, headers: said }: Response, body: AsyncIterable<Uint8Array>) =>
    read({ status, headers: said, body });
  return exchangeWith({ url, init, silence, failure }, receive, signal);
}

interface Exchange {
  url: URL;
  init: RequestInit;
  silence: number;
  failure: Connection['failure'];
}

async function exchangeWith<R>(
  { url, init, silence, failure }: Exchange,
  receive: (response: Response, bytes: AsyncIterable<Uint8Array>) => Promise<R>,
  signal: AbortSignal,
): Promise<R> {
  signal.throwIfAborted();
  const online = onlineSignal(url.origin);
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), silence);
  const windUp = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silent.abort(), silence);
  };
  const own = AbortSignal.any([signal, silent.signal, online]);
  try {
    const response = await fetch(url, { ...init, redirect: 'manual', signal: own });
    return await receive(response, watched(response.body, windUp));
  } catch (error) {
    signal.throwIfAborted();
    online.throwIfAborted();
    if (error instanceof RemoteFailure) throw error;
    if (silent.signal.aborted) throw failure(`said nothing for ${silence / 1000} s.`, { retryable: true });
    throw isBroken(error) ? broken(error, failure) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** After the key is taken out: half a key at the cut would not be found. */
function shortened(message: string): string {
  return message.length <= ERROR_TEXT ? message : `${message.slice(0, ERROR_TEXT)} …`;
}

/** Throws where the address is none, or holds a password, which would be shown. */
function parseBase(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^https?:$/.test(parsed.protocol)) {
    throw new Error('The remote server needs a URL such as https://gpu.example:8000.');
  }
  if (parsed.username || parsed.password || parsed.search || parsed.hash) {
    throw new Error(`The URL of the remote server at ${parsed.host} may hold no name, password, query or fragment.`);
  }
  return `${parsed.origin}${parsed.pathname}`.replace(/\/+$/, '').replace(/\/v1$/, '');
}

async function* watched(body: Response['body'], onChunk: () => void): AsyncGenerator<Uint8Array> {
  if (!body) return;
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    onChunk();
    yield chunk;
  }
}

async function refusal(
  response: Response,
  body: AsyncIterable<Uint8Array>,
  path: string,
  failure: Connection['failure'],
): Promise<RemoteFailure> {
  const { status, headers } = response;
  if (status >= 300 && status < 400) {
    return failure(
      `redirects to ${headers.get('location') ?? 'another place'}; redirects are not followed, give that URL.`,
    );
  }
  const said = messageOf(await firstText(body, ERROR_BODY));
  const hint =
    status === 401 || status === 403
      ? ' Check the key.'
      : status === 404
        ? ` Is the URL right, and does the server offer ${path}?`
        : status === 400 && said.includes('suffix')
          ? ' A server without suffixes needs another style: infill, codegeex4 or glm-4.5.'
          : '';
  return failure(`answered ${status}${said === '' ? '.' : `: ${said}`}${hint}`, {
    retryable: RETRYABLE.includes(status),
    wait: retryAfter(headers.get('retry-after')),
  });
}

/** Milliseconds; the header holds seconds or a date (RFC 9110, section 10.2.3). */
function retryAfter(value: string | null): number {
  if (value === null) return 0;
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(wait) ? 0 : Math.max(0, wait);
}

/** OpenAI's `error.message`, FastAPI's `detail`, or the text itself. */
function messageOf(text: string): string {
  let message: unknown = text;
  try {
    const { error, detail, message: plain } = JSON.parse(text);
    message = error?.message ?? error ?? detail ?? plain ?? text;
  } catch {
    // Not JSON, or cut: shown as it is.
  }
  const shown = typeof message === 'string' ? message : JSON.stringify(message);
  return shown.trim().replace(/\s+/g, ' ');
}

export async function firstText(body: AsyncIterable<Uint8Array>, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= limit) break;
  }
  return Buffer.concat(chunks).subarray(0, limit).toString('utf8');
}

type SocketFailure = TypeError & { cause?: Error & { code?: string } };

/** fetch rejects with a TypeError whose cause is the socket's error. */
function isBroken(error: unknown): error is SocketFailure {
  return error instanceof TypeError && /^(fetch failed|terminated)$/.test(error.message);
}

function broken({ message, cause }: SocketFailure, failure: Connection['failure']): RemoteFailure {
  const code = cause?.code ?? '';
  if (/CERT|SIGNATURE|ISSUER/.test(code)) {
    return failure(`has a certificate that is not trusted (${code}); NODE_EXTRA_CA_CERTS may name a file with yours.`);
  }
  if (code.startsWith('ERR_SSL')) return failure(`does not speak TLS (${code}): is it http, not https?`);
  if (code === 'ENOTFOUND') return failure('has no address: is the name right?');
  const why = code === 'ECONNREFUSED' ? 'nothing listens there' : cause?.message || code || message;
  return failure(`cannot be reached, or broke off: ${why}.`, { retryable: true });
}
