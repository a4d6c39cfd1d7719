/** How fast the disk is by itself: `dd`, through the system's cache and past it, whichever is faster. */
import { spawnSync } from 'node:child_process';
import type { HeldMemory } from './held-memory.ts';

export interface AloneReads {
  /** Through the system's cache, and past it, where the file system can. */
  cached: number;
  direct?: number;
}

/**
 * Seconds that the system takes to read a file from the disk, which it is made to forget before each read and after the
 * last. Undefined where `dd` cannot make it.
 */
export async function readAlone(path: string, memory: HeldMemory): Promise<AloneReads | undefined> {
  const dd = (...operands: string[]) => spawnSync('dd', [`if=${path}`, ...operands], { encoding: 'utf8' });
  const forget = () => dd('iflag=nocache', 'count=0').status === 0;
  const timed = (...operands: string[]) => {
    const start = performance.now();
    return dd('of=/dev/null', 'bs=8M', ...operands).status === 0 ? (performance.now() - start) / 1000 : undefined;
  };
  if (!forget()) return undefined;
  await memory.give();
  const cached = timed();
  forget();
  await memory.take();
  if (cached === undefined) return undefined;
  const direct = timed('iflag=direct');
  return { cached, ...(direct === undefined ? {} : { direct }) };
}

/** Of the faster of the two. */
export function quickest({ cached, direct = cached }: AloneReads): number {
  return Math.min(cached, direct);
}
