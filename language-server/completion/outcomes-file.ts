/**
 * Counts of outcomes in a file that several servers share: each adds what it has seen since it last wrote, so that none
 * writes over another, and a file that was removed begins anew.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileAtomically } from '../../engine/checkpoint/atomic-write.ts';
import { aged, BINS, type Bin, noOutcomes, sumOf } from './gate.ts';

/** Counts of the file with these added to them. Rejects when it cannot be written. */
export async function addToFile(file: string, added: readonly Bin[]): Promise<readonly Bin[]> {
  const bins = aged(sumOf(await readOutcomes(file), added));
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomically(file, `${JSON.stringify({ format: 1, bins })}\n`);
  return bins;
}

/** A file that is missing or damaged counts as empty. */
export async function readOutcomes(file: string): Promise<Bin[]> {
  try {
    const { format, bins } = JSON.parse(await readFile(file, 'utf8')) as { format: unknown; bins: unknown };
    return format === 1 && isBins(bins) ? bins : noOutcomes();
  } catch {
    return noOutcomes();
  }
}

export async function removeOutcomes(file: string): Promise<void> {
  await rm(file, { force: true });
}

function isBins(value: unknown): value is Bin[] {
  const isCount = (count: unknown) => typeof count === 'number' && Number.isInteger(count) && count >= 0;
  return (
    Array.isArray(value) && value.length === BINS && value.every((bin) => isCount(bin?.taken) && isCount(bin?.left))
  );
}
