/** The recorded runs of the original GLM code in test/fixtures/golden, without their padding. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { floatsOf } from '../../../engine/checkpoint/safetensors.ts';
import { loadModelFolder, type ModelFolder } from '../../../engine/model/load.ts';
import type { NativeBatch } from '../../../engine/native.ts';
import type { TokenRows } from '../../../engine/runtime/runtime.ts';
import { toBatch } from '../../../engine/training/batch.ts';

export const goldenPath = (path: string) => fileURLToPath(new URL(`../../fixtures/golden/${path}`, import.meta.url));
export const readGolden = (path: string) => JSON.parse(readFileSync(goldenPath(path), 'utf8'));
export const goldenFolder = (path: string): Promise<ModelFolder> => loadModelFolder(goldenPath(path));

export async function goldenTensors(folder: ModelFolder): Promise<Map<string, Float32Array>> {
  const tensors = new Map<string, Float32Array>();
  for await (const { name, dtype, data } of folder.tensors()) tensors.set(name, floatsOf(data, dtype));
  return tensors;
}

/** One row of positions or two: [positions] or [positions, block positions]. */
type PositionIds = number[] | number[][];

export function rowsOf(tokens: readonly number[], ids: PositionIds, keep: readonly number[]): TokenRows {
  const [positions, blocks] = (Array.isArray(ids[0]) ? ids : [ids, tokens.map(() => 0)]) as [number[], number[]];
  const pick = (values: readonly number[]) => Int32Array.from(keep, (column) => values[column] as number);
  return { tokens: pick(tokens), positions: pick(positions), blockPositions: pick(blocks) };
}

export function sliceRows({ tokens, positions, blockPositions }: TokenRows, from: number, to?: number): TokenRows {
  return {
    tokens: tokens.slice(from, to),
    positions: positions.slice(from, to),
    blockPositions: blockPositions.slice(from, to),
  };
}

export interface Step {
  rows: TokenRows;
  next: number;
  logit: number;
}

/** One sequence: complete logits after some rows, and the greedy steps that the original made with its cache. */
export interface GoldenCase {
  name: string;
  rows: TokenRows;
  /** Rows of Part A; row i sees the first max(sep, i + 1) columns. */
  sep: number;
  logits: { row: number; values: number[] }[];
  /** Best token after every row. */
  best: number[];
  steps: Step[];
}

interface RecordedLogits {
  rows: number[];
  values: number[][];
  argmax_all_rows: number[];
}
interface RecordedStep {
  fed_tokens: number[];
  position_ids: PositionIds;
  next_token: number;
  next_logit: number;
}

/** All cases of a file whose visibility is GLM's; others (choices side by side, texts encoded again) are left out. */
export function goldenCases(path: string): GoldenCase[] {
  const cases: GoldenCase[] = [];
  for (const record of readGolden(path)) {
    if (!record.visible || record.kind === 'multiple_choice') continue;
    if (!Array.isArray(record.input_ids[0])) {
      cases.push(goldenCase(record.name, record, record.logits, record.steps));
      continue;
    }
    for (const [row, input_ids] of record.input_ids.entries()) {
      const own = { input_ids, position_ids: record.position_ids[row], visible: record.visible[row] };
      const results = record.rows?.[row] ?? { logits: record.logits[row] };
      cases.push(goldenCase(`${record.name}, row ${row}`, own, results.logits, results.steps));
    }
  }
  return cases;
}

function goldenCase(
  name: string,
  { input_ids, position_ids, visible }: { input_ids: number[]; position_ids: PositionIds; visible: number[][] },
  logits: RecordedLogits,
  steps: RecordedStep[] = [],
): GoldenCase {
  // The last row sees every column but the padding.
  const columns = [...input_ids.keys()].filter((column) => visible.at(-1)?.[column] === 1);
  const seen = columns.map((row) => columns.filter((column) => visible[row]?.[column] === 1).length);
  const sep = seen[0] === 1 ? 0 : (seen[0] as number);
  for (const [row, count] of seen.entries()) {
    if (count !== Math.max(sep, row + 1)) throw new Error(`${name}: row ${row} sees ${count} columns.`);
  }
  const places = new Map(columns.map((column, row) => [column, row]));
  return {
    name,
    rows: rowsOf(input_ids, position_ids, columns),
    sep,
    logits: logits.rows.flatMap((column, index) => {
      const row = places.get(column);
      return row === undefined ? [] : [{ row, values: logits.values[index] as number[] }];
    }),
    best: columns.map((column) => logits.argmax_all_rows[column] as number),
    steps: steps.map((step, index) => {
      const fed = step.fed_tokens.map((_, column) => column);
      const keep = index === 0 ? fed.filter((column) => places.has(column)) : fed;
      return {
        rows: rowsOf(step.fed_tokens, step.position_ids, keep),
        next: step.next_token,
        logit: step.next_logit,
      };
    }),
  };
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
