/** Reads and writes past the system's cache, and what comes where they cannot be. */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BESIDE_PIECE, pieceReader } from '../../../engine/checkpoint/piece-reader.ts';
import { streamWriter } from '../../../engine/checkpoint/stream-writer.ts';
import { loadAddon } from '../../../engine/native.ts';
import { createRandom } from '../../../engine/objective/random.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloze-direct-'));
afterAll(() => rmSync(folder, { recursive: true }));

const random = createRandom(8);
const content = Uint8Array.from({ length: (1 << 20) + 1234 }, () => random.below(256));
const path = join(folder, 'weights');

async function reading<T>(
  large: number,
  use: (read: ReturnType<typeof pieceReader>['read']) => Promise<T>,
): Promise<T> {
  writeFileSync(path, content);
  const file = await open(path);
  const pieces = pieceReader(file, content.length, path, large);
  try {
    return await use(pieces.read);
  } finally {
    await pieces.close();
    await file.close();
  }
}

/** A piece's first and last byte, from 0. */
const RANGES = [
  [0, 4096],
  [8, 100_008],
  [4096, 12_288],
  [4100, 4101],
  [4101, 8200],
  [content.length - 5000, content.length],
  [content.length - 1234, content.length],
  [0, content.length],
] as const;

describe('pieces', () => {
  it.for([
    ['past the cache', 0],
    ['through it', Number.POSITIVE_INFINITY],
  ] as const)('%s are the bytes of the file', async ([, large]) => {
    const space = loadAddon().alignedBytes(content.length + BESIDE_PIECE);
    await reading(large, async (read) => {
      for (const [begin, end] of RANGES)
        expect(Buffer.compare(await read(begin, end - begin, space), content.subarray(begin, end))).toBe(0);
    });
  });

  it('are read two at a time', async () => {
    const spaces = RANGES.map(() => loadAddon().alignedBytes(content.length + BESIDE_PIECE));
    await reading(0, async (read) => {
      const all = await Promise.all(
        RANGES.map(([begin, end], at) => read(begin, end - begin, spaces[at] as Uint8Array<ArrayBuffer>)),
      );
      for (const [at, [begin, end]] of RANGES.entries())
        expect(Buffer.compare(all[at] as Uint8Array, content.subarray(begin, end))).toBe(0);
    });
  });

  it('come through the cache into memory that is not aligned, or has no room beside', async () => {
    const odd = loadAddon()
      .alignedBytes(content.length + BESIDE_PIECE)
      .subarray(3);
    const tight = loadAddon().alignedBytes(5000);
    await reading(0, async (read) => {
      expect(Buffer.compare(await read(4096, 5000, tight), content.subarray(4096, 9096))).toBe(0);
      expect(Buffer.compare(await read(4096, 5000, odd), content.subarray(4096, 9096))).toBe(0);
      expect(Buffer.compare(await read(0, 5000, tight), content.subarray(0, 5000))).toBe(0);
    });
  });

  it('of a file that is cut short meanwhile: a clear error', async () => {
    const space = loadAddon().alignedBytes(content.length + BESIDE_PIECE);
    await reading(0, async (read) => {
      await read(0, 4096, space);
      truncateSync(path, 10_000);
      expect(Buffer.compare(await read(4096, 5000, space), content.subarray(4096, 9096))).toBe(0);
      await expect(read(8192, 4096, space)).rejects.toThrow(`${path}: the file ended at byte 10000 while it was read`);
      await expect(read(20_000, 4096, space)).rejects.toThrow(`${path}: the file ended at byte 20000`);
    });
  });
});

describe('a stream', () => {
  const pieces = [1, 4095, 4096, 0, 300_000, content.length];

  async function written(large: number): Promise<Buffer> {
    const to = join(folder, 'written');
    const file = await open(to, 'w');
    try {
      const stream = await streamWriter(file, 0, large);
      // 17 MB: more than two of the writer's own spaces.
      for (let round = 0; round < 14; round++) {
        for (const length of pieces) {
          const bytes = content.slice(0, length);
          await stream.write(bytes);
          bytes.fill(0);
        }
      }
      await stream.end();
      await stream.close();
    } finally {
      await file.close();
    }
    return readFileSync(to);
  }

  const expected = Buffer.concat(
    Array.from({ length: 14 }, () => pieces.map((length) => content.subarray(0, length))).flat(),
  );

  it.for([
    ['past the cache', 0],
    ['through it', Number.POSITIVE_INFINITY],
  ] as const)('%s writes what it was given', async ([, large]) => {
    expect(Buffer.compare(await written(large), expected)).toBe(0);
  });

  it.runIf(process.platform === 'linux')('tells when the disk is full', async () => {
    const full = await open('/dev/full', 'w');
    const stream = await streamWriter(full, 0, Number.POSITIVE_INFINITY);
    await expect(stream.write(content)).rejects.toThrow(/ENOSPC/);
    await stream.close();
    await full.close();
  });
});
