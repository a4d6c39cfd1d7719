/**
 * The matrix products of all levels against plain loops, in a small program of their own whose memory ends at guard
 * pages. The AMX product runs on stand-ins for its instructions (tile-emulation.h), so that AVX-512 is enough.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { LEVELS } from './tiny.ts';

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const sources = fileURLToPath(new URL('../../../native/src', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'cloze-gemm-'));
afterAll(() => rmSync(work, { recursive: true }));

const compiler = spawnSync('g++', ['--version']).status === 0 && process.platform === 'linux';
const AVX512 = ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq', '-mfma', '-mf16c'];

interface Variant {
  level: string;
  /** What the processor must have. */
  needs: string;
  flags: string[];
  /** The level's product alone; undefined for a source file of its own. */
  shape?: { width: number; rows: number };
}

const VARIANTS: Variant[] = [
  { level: 'portable', needs: 'portable', flags: [], shape: { width: 4, rows: 4 } },
  { level: 'avx2', needs: 'avx2', flags: ['-mavx2', '-mfma', '-mf16c'], shape: { width: 8, rows: 6 } },
  { level: 'avx512', needs: 'avx512', flags: AVX512, shape: { width: 16, rows: 12 } },
  {
    level: 'amx',
    needs: 'avx512',
    flags: [...AVX512, '-DROUNDED', '-include', join(here, 'tile-emulation.h')],
  },
];

describe('matrix products (needs g++ on Linux; skipped where the processor lacks the level)', () => {
  it.for(VARIANTS)('$level, needing $needs', { timeout: 60_000 }, async ({ level, needs, flags, shape }, { skip }) => {
    skip(!compiler || !LEVELS.includes(needs));
    const product = shape ? join(work, `${level}.cc`) : join(sources, 'level_amx.cc');
    if (shape) {
      const defines = `#define CLOZE_LEVEL ${level}\n#define CLOZE_W ${shape.width}\n#define CLOZE_MR ${shape.rows}\n`;
      writeFileSync(product, `${defines}#include "gemm_float.inc"\n`);
    }
    const program = join(work, level);
    const files = [product, join(here, 'gemm-check.cc')];
    await run('g++', [
      '-std=c++17',
      '-O1',
      '-w',
      ...flags,
      `-DLEVEL=${level}`,
      `-I${sources}`,
      ...files,
      '-o',
      program,
    ]);
    const { stdout } = await run(program);
    // AMX has no product of halves.
    expect(stdout).toBe(`${shape ? 913 : 609} products agree\n`);
  });
});
