/**
 * The kernels for 64-bit ARM against plain loops, cross-compiled and run by qemu: nothing here needs such a processor.
 * Debian: apt-get install g++-aarch64-linux-gnu qemu-user.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const sources = fileURLToPath(new URL('../../../native/src', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'cloze-arm64-'));
afterAll(() => rmSync(work, { recursive: true }));

const COMPILER = 'aarch64-linux-gnu-g++';
const QEMU = 'qemu-aarch64';
const available = [COMPILER, QEMU].every((command) => spawnSync(command, ['--version']).status === 0);
/** As native/binding.gyp has them, and static: no library of ARM need be installed for qemu. */
const OPTIONS = ['-std=c++17', '-O2', '-w', '-static', '-fno-math-errno', '-fno-trapping-math', '-ffp-contract=fast'];

const compile = (...args: string[]) => run(COMPILER, [...OPTIONS, `-I${sources}`, ...args]);

const CHECKS = [
  { check: 'kernels', level: 'neon', says: '174 kernels agree' },
  { check: 'gemm', level: 'neon', says: '913 products agree' },
  { check: 'quantized', level: 'neon', says: '218 checks agree' },
  { check: 'quantized', level: 'dotprod', says: '218 checks agree' },
];

describe.skipIf(!available)(`kernels for 64-bit ARM (needs ${COMPILER} and ${QEMU})`, () => {
  beforeAll(async () => {
    await compile('-c', join(sources, 'level_neon.cc'), '-o', join(work, 'neon.o'));
    const dotprod = '-march=armv8.2-a+dotprod';
    await compile(dotprod, '-c', join(sources, 'level_dotprod.cc'), '-o', join(work, 'dotprod.o'));
  }, 300_000);

  it.for(CHECKS)('$check, $level', { timeout: 300_000 }, async ({ check, level, says }) => {
    const program = join(work, `${check}-${level}`);
    await compile(`-DLEVEL=${level}`, join(here, `${check}-check.cc`), join(work, `${level}.o`), '-o', program);
    // An older processor has no products of bytes, and must not be given them.
    const processor = level === 'dotprod' ? 'max' : 'cortex-a53';
    const { stdout } = await run(QEMU, ['-cpu', processor, program]);
    expect(stdout).toBe(`${says}\n`);
  });
});
