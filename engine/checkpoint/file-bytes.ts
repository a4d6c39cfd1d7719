/** Whole reads from a file handle, whatever the system returns in one call. */
import type { FileHandle } from 'node:fs/promises';

/** One read call takes at most 2^31 - 1 bytes, so larger tensors are read in pieces. */
export const LARGEST_READ = 1 << 30;

/**
 * Bytes [at, at + length) in a buffer of their own, or at the beginning of `space`, which must hold them. Throws with
 * `path` when the file ends before.
 */
export async function readBytes(
  file: FileHandle,
  at: number,
  length: number,
  path: string,
  space?: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = space?.subarray(0, length) ?? new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, Math.min(length - done, LARGEST_READ), at + done);
    if (bytesRead === 0) throw new Error(`${path}: the file ended at byte ${at + done} while it was read.`);
    done += bytesRead;
  }
  return bytes;
}
