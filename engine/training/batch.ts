/** Samples of different lengths laid one after another, as the native trainer takes them. */
import type { NativeBatch } from '../native.ts';
import type { InfillingSample } from '../objective/blank-infilling.ts';

export function toBatch(samples: readonly InfillingSample[]): NativeBatch {
  const rows = samples.reduce((sum, { tokens }) => sum + tokens.length, 0);
  const batch: NativeBatch = {
    tokens: new Int32Array(rows),
    positions: new Int32Array(rows),
    blockPositions: new Int32Array(rows),
    targets: new Int32Array(rows),
    lossMask: new Uint8Array(rows),
    lengths: Int32Array.from(samples, ({ tokens }) => tokens.length),
    separators: Int32Array.from(samples, ({ sep }) => sep),
  };
  let at = 0;
  for (const { tokens, positions, blockPositions, targets, lossMask } of samples) {
    batch.tokens.set(tokens, at);
    batch.positions.set(positions, at);
    batch.blockPositions.set(blockPositions, at);
    batch.targets.set(targets, at);
    batch.lossMask.set(lossMask, at);
    at += tokens.length;
  }
  return batch;
}

/** Rows of all samples together, and how many of them count in the loss. */
export function countRows(samples: readonly InfillingSample[]): { rows: number; counted: number } {
  let rows = 0;
  let counted = 0;
  for (const { tokens, lossMask } of samples) {
    rows += tokens.length;
    for (const counts of lossMask) counted += counts;
  }
  return { rows, counted };
}

/** Groups samples, in order, into batches of at most `most` rows (a longer sample stands alone). */
export function microBatches(samples: readonly InfillingSample[], most: number): InfillingSample[][] {
  const batches: InfillingSample[][] = [];
  let rows = Number.POSITIVE_INFINITY;
  for (const sample of samples) {
    if (rows + sample.tokens.length > most) {
      batches.push([]);
      rows = 0;
    }
    batches.at(-1)?.push(sample);
    rows += sample.tokens.length;
  }
  return batches;
}
