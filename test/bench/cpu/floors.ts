/** The least time that a processor's own limits leave for reading and for a token, measured in the same run. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attentionWidths, parameterCount } from '../../../engine/model/config.ts';
import { multiplied, type Precision, type Shape } from './shapes.ts';

/** Multiplications with addition a second, of floats and, where VNNI does them, of bytes; bytes read a second, by size. */
export interface Limits {
  float: number;
  byte?: number;
  reads: Record<string, number>;
}

/** Bits of a weight, scales included. */
const BITS: Readonly<Record<Precision, number>> = { int8: 8, int4: 4.5, bfloat16: 16, float32: 32 };

/** Bytes that a token reads: every matrix, the head (8 bits in quantised models), keys and values of what is before it. */
export function bytesOfToken(shape: Shape, precision: Precision, before: number): number {
  const { layers, head } = multiplied(shape);
  const ofHead = precision === 'int4' ? BITS.int8 : BITS[precision];
  const cached = 2 * before * attentionWidths(shape.config).key * shape.config.layers;
  return Math.round((layers * BITS[precision] + head * ofHead) / 8 + cached * (precision === 'float32' ? 4 : 2));
}

/** Undefined without a C++ compiler. */
export function measureLimits(threads: number, sizes: readonly number[]): Limits | undefined {
  const work = mkdtempSync(join(tmpdir(), 'cloze-limits-'));
  try {
    const program = join(work, 'limits');
    const source = join(process.cwd(), 'test/bench/cpu/limits.cc');
    execFileSync('g++', ['-O3', '-march=native', '-std=c++17', '-w', '-pthread', source, '-o', program]);
    return JSON.parse(execFileSync(program, [threads, ...sizes].map(String), { encoding: 'utf8' })) as Limits;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Milliseconds: where weights are quantised, their products by bytes and attention by words, which take twice as long. */
export function floorOfReading(shape: Shape, precision: Precision, tokens: number, limits: Limits): number {
  const { config } = shape;
  const quantised = precision === 'int8' || precision === 'int4';
  const byte = quantised ? limits.byte : undefined;
  const weights = (multiplied(shape).layers * tokens) / (byte ?? limits.float);
  const seen = config.causal ? tokens / 2 : tokens;
  const attention =
    (2 * tokens * seen * attentionWidths(config).query * config.layers) / (byte ? byte / 2 : limits.float);
  return 1000 * (weights + attention);
}

/** Milliseconds, by the bytes that are read. */
export function floorOfToken(bytes: number, limits: Limits): number {
  return (1000 * bytes) / (limits.reads[bytes] as number);
}

export const millions = ({ config }: Shape): number => Math.round(parameterCount(config) / 1e6);
