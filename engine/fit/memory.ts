/** How much memory a model may take on this machine. */
import { freemem, totalmem } from 'node:os';

export interface Memory {
  /** Bytes, within the limits that the process is confined to. */
  total: number;
  /** Bytes that can be had without taking them from another program. */
  available: number;
}

export function measureMemory(): Memory {
  const limit = process.constrainedMemory();
  const total = limit > 0 && limit < totalmem() ? limit : totalmem();
  // macOS counts as free only what nobody used yet, and fills it with files: what it has at all is the honest bound.
  if (process.platform === 'darwin') return { total, available: total };
  return { total, available: Math.min(total, process.availableMemory(), freemem()) };
}
