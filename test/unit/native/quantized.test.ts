/** The products of quantised weights of all levels against plain loops, in a small program of their own. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { LEVELS } from './tiny.ts';

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const sources = fileURLToPath(new URL('../../../native/src', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'cloze-quantized-'));
afterAll(() => rmSync(work, { recursive: true }));

const compiler = spawnSync('g++', ['--version']).status === 0 && process.platform === 'linux';
const vnni = compiler && / avx512_vnni /.test(readFileSync('/proc/cpuinfo', 'utf8'));
const AVX512 = ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq', '-mfma', '-mf16c'];
const TILES = ['-mamx-tile', '-mamx-int8', '-include', join(here, 'tile-emulation.h')];

const VARIANTS = [
  { level: 'portable', width: 4, available: true, flags: [] },
  { level: 'avx2', width: 8, available: LEVELS.includes('avx2'), flags: ['-mavx2', '-mfma', '-mf16c'] },
  { level: 'vnni', width: 16, available: vnni, flags: [...AVX512, '-mavx512vnni'] },
  // The tiles are emulated: no more is asked of the processor.
  { level: 'amx', width: 16, available: vnni, flags: [...AVX512, '-mavx512vnni', '-mavx512bf16', ...TILES] },
];

describe('products of quantised weights (needs g++ on Linux; skipped where the processor lacks the level)', () => {
  it.for(VARIANTS)('$level', { timeout: 120_000 }, async ({ level, width, available, flags }, { skip }) => {
    skip(!compiler || !available);
    const product = join(work, `${level}.cc`);
    writeFileSync(product, `#define CLOZE_LEVEL ${level}\n#define CLOZE_W ${width}\n#include "quantized.inc"\n`);
    const program = join(work, level);
    const files = [product, join(here, 'quantized-check.cc')];
    const options = ['-std=c++17', '-O1', '-w', '-fno-math-errno', ...flags, `-DLEVEL=${level}`, `-I${sources}`];
    await run('g++', [...options, ...files, '-o', program]);
    const { stdout } = await run(program);
    expect(stdout).toBe('218 checks agree\n');
  });
});
