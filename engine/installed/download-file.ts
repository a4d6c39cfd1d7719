/**
 * One file over HTTP, of known length and hash: written to a partial file that a broken connection, or a program that
 * was ended, goes on from; renamed when it is whole and its hash is right. A redirect is followed a few times, never
 * from https to http. Nothing beyond the promised length is read.
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { getPlain, type PlainAnswer } from '../remote/connection.ts';
import { RemoteFailure, type RetryOptions, withRetries } from '../remote/failure.ts';

export interface RemoteFile {
  url: URL;
  /** Bytes. */
  size: number;
  /** `git-sha1` is that of a git blob: SHA-1 of `blob SIZE\0` and the content. */
  hash: { kind: 'sha256' | 'git-sha1'; hex: string };
}

export interface DownloadOptions {
  retries: RetryOptions;
  /** Most milliseconds without a byte. */
  silence: number;
  /** Bytes of this file that are there. */
  onProgress(done: number): void;
}

const MOST_REDIRECTS = 5;
const RETRYABLE = [408, 425, 429, 500, 502, 503, 504];

/** Throws with the file's address, what was wrong and what to do. What is right of a partial file is kept. */
export async function downloadFile(
  file: RemoteFile,
  path: string,
  options: DownloadOptions,
  signal: AbortSignal,
): Promise<void> {
  const part = `${path}.part`;
  if (file.size === 0) await writeFile(part, '');
  // Each attempt that brings something has all its retries again: a long download outlives many interruptions.
  while ((await sizeOf(part)) < file.size) {
    const attempt = async (): Promise<void> => {
      const before = await sizeOf(part);
      await fetchRest(file, part, options, signal).catch(async (error: unknown) => {
        const interrupted = error instanceof RemoteFailure && error.retryable && (await sizeOf(part)) > before;
        if (!interrupted) throw error;
      });
    };
    await withRetries(attempt, options.retries, signal);
  }
  await checkHash(file, part, signal);
  await rename(part, path);
}

/** Asks for what is missing and appends it. */
async function fetchRest(file: RemoteFile, part: string, options: DownloadOptions, signal: AbortSignal): Promise<void> {
  const from = await sizeOf(part);
  if (from >= file.size) return;
  const headers: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {};
  await followed(file.url, headers, options.silence, (answer) => append(answer, file, part, from, options), signal);
}

async function append(
  { status, headers, body }: PlainAnswer,
  file: RemoteFile,
  part: string,
  asked: number,
  { onProgress }: DownloadOptions,
): Promise<void> {
  const { url, size } = file;
  if (status === 416) {
    await rm(part, { force: true });
    throw new RemoteFailure(`${url.href} has no such part; it is fetched anew.`, { retryable: true });
  }
  if (status !== 200 && status !== 206)
    throw new RemoteFailure(`${url.href} answered ${status}.`, { retryable: RETRYABLE.includes(status) });
  const from = status === 206 ? asked : 0;
  const promised = status === 206 ? rangeOf(headers.get('content-range')) : { from: 0, size: lengthOf(headers) };
  if (!promised || promised.from !== from || (promised.size !== undefined && promised.size !== size)) {
    throw new RemoteFailure(
      `${url.href} has another length than was announced (${promised?.size ?? 'not said'} bytes, not ${size}). Its list and its files do not belong together; try again later, or another mirror.`,
    );
  }
  const output = await open(part, from === 0 ? 'w' : 'r+');
  let at = from;
  try {
    for await (const chunk of body) {
      if (at + chunk.length > size) {
        await output.truncate(0);
        throw new RemoteFailure(
          `${url.href} sends more than the ${size} bytes that were announced; nothing of it was kept.`,
        );
      }
      await writeAll(output, chunk, at);
      at += chunk.length;
      onProgress(at);
    }
    await output.sync();
  } catch (error) {
    throw explained(error, part);
  } finally {
    await output.close();
  }
  if (at < size) throw new RemoteFailure(`${url.href} broke off after ${at} of ${size} bytes.`, { retryable: true });
}

/** Follows redirects by hand: bounded, and never to a connection that others could read or change. */
export async function followed<R>(
  first: URL,
  headers: Record<string, string>,
  silence: number,
  read: (answer: PlainAnswer) => Promise<R>,
  signal: AbortSignal,
): Promise<R> {
  let url = first;
  for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
    checkAddress(url);
    const answer = await getPlain(
      url,
      { headers, silence },
      async (plain) => {
        const target = plain.headers.get('location');
        if (plain.status >= 300 && plain.status < 400 && target !== null) return { next: target };
        return { result: await read(plain) };
      },
      signal,
    );
    if (!('next' in answer)) return answer.result;
    if (!URL.canParse(answer.next, url))
      throw new RemoteFailure(`${url.href} redirects to "${answer.next}", which is no address.`);
    const next = new URL(answer.next, url);
    if (url.protocol === 'https:' && next.protocol !== 'https:')
      throw new RemoteFailure(`${url.href} redirects to ${next.origin}, which is not encrypted; that is not followed.`);
    if (isOwnMachine(next) && !isOwnMachine(url))
      throw new RemoteFailure(`${url.href} redirects to this machine itself (${next.origin}); that is not followed.`);
    url = next;
  }
  throw new RemoteFailure(`${first.href} redirects more than ${MOST_REDIRECTS} times.`);
}

/** Throws unless it is https, or http on this machine. */
export function checkAddress(url: URL): void {
  if (url.username || url.password) throw new Error(`The address at ${url.host} may hold no name and no password.`);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isOwnMachine(url))) return;
  throw new Error(`${url.origin} is not encrypted: models are downloaded over https, or over http from this machine.`);
}

function isOwnMachine({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** First byte and whole length of `bytes 5-9/10` (RFC 9110, section 14.4). */
function rangeOf(value: string | null): { from: number; size: number | undefined } | undefined {
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(value ?? '');
  return match ? { from: Number(match[1]), size: match[2] === '*' ? undefined : Number(match[2]) } : undefined;
}

function lengthOf(headers: Headers): number | undefined {
  const value = headers.get('content-length');
  return value === null ? undefined : Number(value);
}

async function checkHash({ url, size, hash }: RemoteFile, part: string, signal: AbortSignal): Promise<void> {
  const made: Hash = createHash(hash.kind === 'sha256' ? 'sha256' : 'sha1');
  if (hash.kind === 'git-sha1') made.update(`blob ${size}\0`);
  let read = 0;
  for await (const chunk of createReadStream(part, { signal })) {
    made.update(chunk);
    read += chunk.length;
  }
  const found = made.digest('hex');
  if (found === hash.hex && read === size) return;
  await rm(part, { force: true });
  throw new RemoteFailure(
    `${url.href} was damaged on its way or changed: its hash is ${found.slice(0, 12)}…, not ${hash.hex.slice(0, 12)}…. Nothing of it was kept; try again, or another mirror.`,
  );
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

function explained(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new Error(`The disk is full: ${path} is incomplete. Free some space and run the same command again.`, {
    cause: error,
  });
}
