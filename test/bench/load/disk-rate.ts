/** How fast the disk is by itself: `dd`, through the system's cache and past it, whichever is faster. */
import { spawnSync } from 'node:child_process';

export interface AloneReads {
  /** Through the system's cache, and past it, where the file system can. */
  cached: number;
  direct?: number;
}

/**
 * Seconds that the system takes to read a file from the disk, which it is made to forget before each read and after the
 * last. Undefined where `dd` cannot make it.
 */
export function readAlone(path: string): AloneReads | undefined {
  const dd = (...operands: string[]) => spawnSync('dd', [`if=${path}`, ...operands], { encoding: 'utf8' });
  const forget = () => dd('iflag=nocache', 'count=0').status === 0;
  const timed = (...operands: string[]) => {
    const start = performance.now();
    return dd('of=/dev/null', 'bs=8M', ...operands).status === 0 ? (performance.now() - start) / 1000 : undefined;
  };
  if (!forget()) return undefined;
  const cached = timed();
  if (cached === undefined) return undefined;
  forget();
  const direct = timed('iflag=direct');
  return { cached, ...(direct === undefined ? {} : { direct }) };
}

/** Of the faster of the two. */
export function quickest({ cached, direct = cached }: AloneReads): number {
  return Math.min(cached, direct);
}
