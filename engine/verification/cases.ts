/**
 * Recorded runs of a family's original code (`cases.json`), without their padding: what was fed, who saw whom, the logits
 * of some rows and the greedy steps. Rows and steps become Part A and branches of Part B, which every runtime can run.
 */
import type { TokenRows } from '../runtime/runtime.ts';

export interface RecordedStep {
  rows: TokenRows;
  /** The token that the original chose, and its logit. */
  next: number;
  logit: number;
}

/** One sequence: complete logits after some rows, and the greedy steps that the original made with its cache. */
export interface RecordedCase {
  name: string;
  rows: TokenRows;
  /** Rows of Part A, which see each other; 0 in a causal model. */
  sep: number;
  /**
   * Stretches [from, to) of rows that see Part A and what precedes them within the stretch: the whole rest, or answers
   * that are compared side by side.
   */
  branches: { from: number; to: number }[];
  logits: { row: number; values: number[] }[];
  /** Best token after every row. */
  best: number[];
  steps: RecordedStep[];
}

/** One row of positions or two: [positions] or [positions, block positions]. */
export type PositionIds = number[] | number[][];

interface RecordedLogits {
  rows: number[];
  values: number[][];
  argmax_all_rows: number[];
}
interface StepRecord {
  fed_tokens: number[];
  position_ids: PositionIds;
  next_token: number;
  next_logit: number;
}
interface CaseRecord {
  name: string;
  kind?: string;
  input_ids: number[] | number[][];
  position_ids: PositionIds | PositionIds[];
  visible?: number[][] | number[][][];
  logits: RecordedLogits | RecordedLogits[];
  rows?: { logits: RecordedLogits; steps?: StepRecord[] }[];
  steps?: StepRecord[];
}

/** The cases of a file as parsed JSON; `path` stands for it in errors. A batch becomes a case for each of its rows. */
export function recordedCases(records: unknown, path: string): RecordedCase[] {
  if (!Array.isArray(records) || records.length === 0) throw new Error(`${path} holds no list of recorded cases.`);
  return (records as CaseRecord[]).flatMap((record, index) => {
    try {
      return casesOf(record);
    } catch (error) {
      throw new Error(
        `${path}: case ${index + 1} (${String(record?.name)}) cannot be run: ${(error as Error).message}`,
      );
    }
  });
}

function casesOf(record: CaseRecord): RecordedCase[] {
  const { name, visible, steps = [] } = record;
  if (!visible) {
    const empty: TokenRows = rowsOf([], [], []);
    return [
      { name, rows: empty, sep: 0, branches: [], logits: [], best: [], steps: steps.map((step) => stepOf(step)) },
    ];
  }
  if (!Array.isArray(record.input_ids[0])) {
    return [recordedCase(record as SingleRecord, record.logits as RecordedLogits, steps)];
  }
  return record.input_ids.map((input_ids, row) => {
    const own = { input_ids, position_ids: record.position_ids[row], visible: visible[row] };
    const results = record.rows?.[row] ?? { logits: (record.logits as RecordedLogits[])[row] as RecordedLogits };
    return recordedCase({ ...own, name: `${name}, row ${row}` } as SingleRecord, results.logits, results.steps);
  });
}

interface SingleRecord {
  name: string;
  kind?: string;
  input_ids: number[];
  position_ids: PositionIds;
  visible: number[][];
}

function recordedCase(
  { name, kind, input_ids, position_ids, visible }: SingleRecord,
  logits: RecordedLogits,
  steps: readonly StepRecord[] = [],
): RecordedCase {
  // The last row sees every column but the padding; of answers side by side, which have none, only its own.
  const kept = [...input_ids.keys()].filter((column) => kind === 'multiple_choice' || visible.at(-1)?.[column] === 1);
  const seen = kept.map((row) => kept.map((column) => visible[row]?.[column] === 1));
  const partA = seen[0]?.filter((sees) => sees).length ?? 0;
  const sep = partA === 1 ? 0 : partA;
  const branches: RecordedCase['branches'] = [];
  for (const [row, own] of seen.entries()) {
    if (row < sep) {
      if (own.some((sees, column) => sees !== column < sep)) throw new Error(`row ${row} does not see what a GLM sees`);
      continue;
    }
    const from = own.indexOf(true, sep);
    const last = branches.at(-1);
    if (last?.from === from) last.to = row + 1;
    else branches.push({ from, to: row + 1 });
    if (own.some((sees, column) => sees !== (column < sep || (column >= from && column <= row))) || from > row)
      throw new Error(`row ${row} does not see what a GLM sees`);
  }
  const places = new Map(kept.map((column, row) => [column, row]));
  return {
    name,
    rows: rowsOf(input_ids, position_ids, kept),
    sep,
    branches,
    logits: logits.rows.flatMap((column, index) => {
      const row = places.get(column);
      return row === undefined ? [] : [{ row, values: logits.values[index] as number[] }];
    }),
    best: kept.map((column) => logits.argmax_all_rows[column] as number),
    steps: steps.map((step, index) => stepOf(step, index === 0 ? places : undefined)),
  };
}

/** Of the first step of a padded sequence only the columns in use. */
function stepOf(step: StepRecord, places?: ReadonlyMap<number, number>): RecordedStep {
  const fed = step.fed_tokens.map((_, column) => column);
  const keep = places ? fed.filter((column) => places.has(column)) : fed;
  return { rows: rowsOf(step.fed_tokens, step.position_ids, keep), next: step.next_token, logit: step.next_logit };
}

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
