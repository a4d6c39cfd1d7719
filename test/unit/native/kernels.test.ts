/** The vector kernels of each level against plain loops, compiled apart from the addon. arm64.test.ts has those of ARM. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { LEVELS } from './tiny.ts';

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const sources = fileURLToPath(new URL('../../../native/src', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'cloze-kernels-'));
afterAll(() => rmSync(work, { recursive: true }));

const compiler = spawnSync('g++', ['--version']).status === 0 && process.platform === 'linux';
/** As native/binding.gyp has them. */
const ALWAYS = ['-std=c++17', '-O1', '-w', '-fno-math-errno', '-fno-trapping-math', '-ffp-contract=fast'];
const FLAGS = {
  portable: [],
  avx2: ['-mavx2', '-mfma', '-mf16c'],
  avx512: ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq', '-mfma', '-mf16c'],
} as const;

describe('vector kernels (needs g++ on Linux; skipped where the processor lacks the level)', () => {
  it.for(Object.entries(FLAGS))('%s', { timeout: 120_000 }, async ([level, flags], { skip }) => {
    skip(!compiler || !LEVELS.includes(level));
    const program = join(work, level);
    const files = [join(sources, `level_${level}.cc`), join(here, 'kernels-check.cc')];
    await run('g++', [...ALWAYS, ...flags, `-DLEVEL=${level}`, `-I${sources}`, ...files, '-o', program]);
    const { stdout } = await run(program);
    expect(stdout).toBe('174 kernels agree\n');
  });
});
