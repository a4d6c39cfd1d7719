/** Sizes of models as the lists show them. Units are decimal and the same in all languages. */

const CELLS = 10;

/** 1.2 GB. */
export function bytesInWords(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
}

/** 7.3 M, 1.2 B. */
export function countInWords(count: number): string {
  return count >= 1e9 ? `${(count / 1e9).toFixed(1)} B` : `${(count / 1e6).toFixed(1)} M`;
}

/** What is taken of what there is: any part of a cell fills it, and what does not fit fills all. */
export function memoryBar(taken: number, available: number): string {
  const filled = Math.min(CELLS, Math.ceil((CELLS * taken) / Math.max(1, available)));
  return '▰'.repeat(filled) + '▱'.repeat(CELLS - filled);
}
