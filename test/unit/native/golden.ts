/** The recorded runs of the original GLM code in test/fixtures/golden, without their padding. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { floatsOf } from '../../../engine/checkpoint/safetensors.ts';
import { loadModelFolder, type ModelFolder } from '../../../engine/model/load.ts';
import type { NativeBatch } from '../../../engine/native.ts';
import { toBatch } from '../../../engine/training/batch.ts';
import { type PositionIds, type RecordedCase, recordedCases, rowsOf } from '../../../engine/verification/cases.ts';

export const goldenPath = (path: string) => fileURLToPath(new URL(`../../fixtures/golden/${path}`, import.meta.url));
export const readGolden = (path: string) => JSON.parse(readFileSync(goldenPath(path), 'utf8'));
export const goldenFolder = (path: string): Promise<ModelFolder> => loadModelFolder(goldenPath(path));

export async function goldenTensors(folder: ModelFolder): Promise<Map<string, Float32Array>> {
  const tensors = new Map<string, Float32Array>();
  for await (const { name, dtype, data } of folder.tensors()) tensors.set(name, floatsOf(data, dtype));
  return tensors;
}

/** All cases of a file that are one sequence with rows; texts encoded again and choices side by side have tests of their own. */
export function goldenCases(path: string): RecordedCase[] {
  return recordedCases(readGolden(path), path).filter(({ branches }) => branches.length === 1);
}

/** The batch of a training record; what is padded there is left out. */
export function goldenBatch(batch: {
  lengths: number[];
  input_ids: number[][];
  position_ids: PositionIds[];
  sep: number[];
  targets: number[][];
  loss_mask: number[][];
}): NativeBatch {
  return toBatch(
    batch.lengths.map((length, sample) => {
      const keep = Array.from({ length }, (_, row) => row);
      return {
        ...rowsOf(batch.input_ids[sample] as number[], batch.position_ids[sample] as PositionIds, keep),
        targets: Int32Array.from((batch.targets[sample] as number[]).slice(0, length)),
        lossMask: Uint8Array.from((batch.loss_mask[sample] as number[]).slice(0, length)),
        sep: batch.sep[sample] as number,
      };
    }),
  );
}
