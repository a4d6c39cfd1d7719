/**
 * Large pieces of a large file, read past the system's cache straight into where they are wanted (direct-handle.ts). Where
 * that cannot be, and where the disk is slow enough to hide the copying, they come through the cache, which then has them
 * for the next time.
 */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { BLOCK, LARGE, openDirectly } from './direct-handle.ts';
import { readBytes } from './file-bytes.ts';

/** Bytes that a space for pieces has beside the piece, for what lies before and after it in its blocks. */
export const BESIDE_PIECE = 2 * BLOCK;
/** Bytes a second of one of two reads at a time. */
const SLOW = 0.25e9;
/** Reads in a row that make a disk a slow one. */
const SLOW_READS = 32;

export interface PieceReader {
  /** As `readBytes`, but what it gives may begin anywhere in `space`. */
  read(at: number, length: number, space: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** Of a file that stays open meanwhile, `size` bytes long; throws as `readBytes`. Smaller files than `large` are cached. */
export function pieceReader(file: FileHandle, size: number, path: string, large = LARGE): PieceReader {
  let opening: Promise<FileHandle | undefined> | undefined;
  let slow = 0;
  let refused = size < large;
  let turn: Promise<unknown> = Promise.resolve();

  /** Undefined where this must be read otherwise. */
  async function readDirectly(at: number, length: number, space: Uint8Array<ArrayBuffer>) {
    const begin = at - (at % BLOCK);
    const asked = Math.ceil((at + length - begin) / BLOCK) * BLOCK;
    // Four bytes are what the widest value has.
    if (refused || at % 4 !== 0 || asked > space.length) return undefined;
    opening ??= openDirectly(file, constants.O_RDONLY);
    const direct = await opening;
    if (!direct) return undefined;
    const start = performance.now();
    const { bytesRead } = await direct.read(space, 0, asked, begin);
    slow = bytesRead < (SLOW * (performance.now() - start)) / 1000 ? slow + 1 : 0;
    if (slow === SLOW_READS) refused = true;
    // The last block of a file is a part of one; any other end is for `readBytes` to tell.
    return begin + bytesRead < at + length ? undefined : space.subarray(at - begin, at - begin + length);
  }

  return {
    async read(at, length, space) {
      const bytes = await readDirectly(at, length, space).catch(() => {
        refused = true;
        return undefined;
      });
      if (bytes) return bytes;
      // One after another: the system reads ahead of one place in a file.
      const through = turn.then(() => readBytes(file, at, length, path, space));
      turn = through.catch(() => undefined);
      return through;
    },
    async close() {
      await (await opening)?.close();
    },
  };
}
