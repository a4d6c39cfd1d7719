/** Runs recorded cases on a runtime and compares: logits within a tolerance, best and greedy tokens exactly. */
import type { Runtime } from '../runtime/runtime.ts';
import { type RecordedCase, sliceRows } from './cases.ts';

export interface Verdict {
  name: string;
  /** Largest difference of a logit. */
  difference: number;
  /** Rows and steps compared. */
  rows: number;
  steps: number;
  /** What was wrong, the first of it; undefined where nothing was. */
  fault?: string;
}

/** `tolerance` is absolute, on logits. */
export async function verifyCase(runtime: Runtime, record: RecordedCase, tolerance: number): Promise<Verdict> {
  const verdict: Verdict = { name: record.name, difference: 0, rows: 0, steps: 0 };
  const session = runtime.open(runtime.config.maxLength);
  try {
    await verifyRows();
  } finally {
    session.dispose();
  }
  await verifySteps(runtime, record, tolerance, verdict);
  return verdict;

  /** Logits after rows of Part A are not computed by a runtime and not compared. */
  async function verifyRows(): Promise<void> {
    const { rows, sep, branches, logits, best } = record;
    const { vocabSize } = runtime.config;
    if (sep > 0) await session.read(sliceRows(rows, 0, sep));
    for (const { from, to } of branches) {
      session.rewind(sep);
      const all = await session.extend(sliceRows(rows, from, to), { logits: 'all' });
      for (let row = from; row < to; row++) {
        const found = all.subarray((row - from) * vocabSize, (row - from + 1) * vocabSize);
        verdict.rows++;
        const recorded = logits.find((entry) => entry.row === row)?.values ?? [];
        for (const [token, logit] of recorded.entries())
          note(verdict, found[token], logit, tolerance, `row ${row}, token ${token}`);
        const wanted = best[row] as number;
        if (wanted >= 0 && bestOf(found) !== wanted)
          verdict.fault ??= `after row ${row} token ${bestOf(found)} is best, not ${wanted}`;
      }
    }
  }
}

/** A step that feeds more than one token begins a sequence anew: all but its last token are Part A. */
async function verifySteps(
  runtime: Runtime,
  { steps, sep }: RecordedCase,
  tolerance: number,
  verdict: Verdict,
): Promise<void> {
  let session = runtime.open(runtime.config.maxLength);
  try {
    for (const [index, { rows, next, logit }] of steps.entries()) {
      const { length } = rows.tokens;
      let fed = rows;
      if (index === 0 || length > 1) {
        session.dispose();
        session = runtime.open(runtime.config.maxLength);
        const partA = sep > 0 && index === 0 ? Math.min(sep, length) : length - 1;
        if (partA > 0) await session.read(sliceRows(rows, 0, partA));
        fed = sliceRows(rows, partA);
      }
      // A step that fed Part A alone: its logits stand after a row of Part A.
      if (fed.tokens.length === 0) continue;
      const found = await session.extend(fed);
      verdict.steps++;
      if (bestOf(found) !== next) verdict.fault ??= `step ${index} chooses ${bestOf(found)}, not ${next}`;
      note(verdict, found[next], logit, tolerance, `step ${index}`);
    }
  } finally {
    session.dispose();
  }
}

function note(verdict: Verdict, found: number | undefined, wanted: number, tolerance: number, place: string): void {
  const difference = Math.abs((found ?? Number.NaN) - wanted);
  if (!(difference <= tolerance)) verdict.fault ??= `${place} has logit ${found}, not ${wanted}`;
  if (!(difference <= verdict.difference)) verdict.difference = difference;
}

function bestOf(logits: Float32Array): number {
  let best = 0;
  for (let token = 1; token < logits.length; token++)
    if ((logits[token] as number) > (logits[best] as number)) best = token;
  return best;
}
