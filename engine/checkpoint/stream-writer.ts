/**
 * A file written from its beginning to its end. A large one goes past the system's cache (direct-handle.ts), the next
 * megabytes being made while those before them are written; forced to the disk at the end, it would have to go there anyhow.
 */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { loadAddon } from '../native.ts';
import { BLOCK, LARGE, openDirectly } from './direct-handle.ts';
import { LARGEST_READ } from './file-bytes.ts';

/** Bytes that are written at a time. */
const SPACE = 8 << 20;

export interface StreamWriter {
  /** `bytes` may change when it resolves. */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves when the system has all of it. */
  end(): Promise<void>;
  /** To be awaited before the file is closed, whether writing has failed or not. */
  close(): Promise<void>;
}

/** Into a new file that will have `size` bytes. Smaller ones than `large` go through the cache. */
export async function streamWriter(file: FileHandle, size: number, large = LARGE): Promise<StreamWriter> {
  const direct = size < large ? undefined : await openDirectly(file, constants.O_WRONLY);
  if (!direct) {
    let at = 0;
    return {
      async write(bytes) {
        await writeAt(file, bytes, at);
        at += bytes.length;
      },
      end: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
  }

  let refused = false;
  /** Whole blocks from `space`; a file system that has no such writes after all gets them through the cache. */
  async function writeBlocks(space: Uint8Array<ArrayBuffer>, at: number): Promise<void> {
    let done = 0;
    if (!refused) {
      try {
        done = (await (direct as FileHandle).write(space, 0, space.length, at)).bytesWritten;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
        refused = true;
      }
    }
    if (done < space.length) await writeAt(file, space.subarray(done), at + done);
  }

  let filling = loadAddon().alignedBytes(SPACE);
  let other = loadAddon().alignedBytes(SPACE);
  let [filled, at] = [0, 0];
  let writing = Promise.resolve();
  return {
    async write(bytes) {
      for (let done = 0; done < bytes.length; ) {
        const part = bytes.subarray(done, done + SPACE - filled);
        filling.set(part, filled);
        filled += part.length;
        done += part.length;
        if (filled < SPACE) continue;
        await writing;
        writing = writeBlocks(filling, at);
        // It is waited for before the next one.
        writing.catch(() => undefined);
        [filling, other] = [other, filling];
        at += SPACE;
        filled = 0;
      }
    },
    async end() {
      await writing;
      const whole = filled - (filled % BLOCK);
      if (whole > 0) await writeBlocks(filling.subarray(0, whole), at);
      await writeAt(file, filling.subarray(whole, filled), at + whole);
    },
    async close() {
      await writing.catch(() => undefined);
      await direct.close();
    },
  };
}

async function writeAt(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(bytes.length - done, LARGEST_READ), at + done);
    done += bytesWritten;
  }
}
