/**
 * An open file once more, for reads or writes past the system's cache: copying into or out of the cache takes a processor
 * about as long as quantising does, and a checkpoint that goes through it drives out what else is there.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** What such a read or write, and its place in memory, are multiples of; no disk asks for more. */
export const BLOCK = 4096;
/** Bytes of a file below which it is not worth it: it takes a moment, and is better found in the cache the next time. */
export const LARGE = 256 << 20;

/** Undefined where the system or the file system has none. By the handle: under the path there may be another file by now. */
export async function openDirectly(file: FileHandle, flags: number): Promise<FileHandle | undefined> {
  if (process.platform !== 'linux') return undefined;
  try {
    return await open(`/proc/self/fd/${file.fd}`, flags | constants.O_DIRECT);
  } catch {
    return undefined;
  }
}
