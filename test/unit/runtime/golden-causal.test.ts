/** Logits and greedy tokens of the original code of the later, causal families through the native runtime. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openNativeRuntime } from '../../../engine/runtime/native.ts';
import type { Runtime, Session } from '../../../engine/runtime/runtime.ts';
import { type RecordedCase, sliceRows } from '../../../engine/verification/cases.ts';
import { goldenCases, goldenFolder } from '../native/golden.ts';
import { LEVELS } from '../native/tiny.ts';
import { bestOf, CAUSAL_SOURCES, expectLogits, expectSteps, openSource } from './recorded-cases.ts';

/** `found` holds the logits after row `from` and the rows that follow it. */
function expectRows(found: Float32Array, from: number, { rows, logits, best }: RecordedCase, vocabSize: number): void {
  const after = (row: number) => found.subarray((row - from) * vocabSize, (row - from + 1) * vocabSize);
  expect(found).toHaveLength((rows.tokens.length - from) * vocabSize);
  for (let row = from; row < rows.tokens.length; row++) expect(bestOf(after(row)), `row ${row}`).toBe(best[row]);
  for (const { row, values } of logits) if (row >= from) expectLogits(after(row), values, `row ${row}`);
}

describe.each(CAUSAL_SOURCES)('$title', (source) => {
  const cases = goldenCases(source.file);
  it('has cases, all of them causal', () => {
    expect(cases.length).toBeGreaterThan(5);
    expect(cases.some(({ sep }) => sep !== 0)).toBe(false);
  });

  describe.each(LEVELS)('at level %s', (level) => {
    let runtime: Runtime;
    let session: Session;
    beforeAll(async () => {
      runtime = await openNativeRuntime(await openSource(source), { level, precision: 'float32', threads: 2 });
      session = runtime.open(runtime.config.maxLength);
    });
    afterAll(() => {
      session.dispose();
      runtime.dispose();
    });

    it.each(cases)('$name: all at once, after a part that was read, and again after a rewind', async (record) => {
      const { vocabSize } = runtime.config;
      const { rows } = record;
      session.rewind(0);
      expectRows(await session.extend(rows, { logits: 'all' }), 0, record, vocabSize);
      const read = Math.ceil((rows.tokens.length * 2) / 3);
      session.rewind(0);
      await session.read(sliceRows(rows, 0, read));
      expectRows(await session.extend(sliceRows(rows, read), { logits: 'all' }), read, record, vocabSize);
      // Nothing that was read has seen a later token, so that a causal session may be cut anywhere.
      session.rewind(2);
      expectRows(await session.extend(sliceRows(rows, 2), { logits: 'all' }), 2, record, vocabSize);
    });

    it.each(cases.filter(({ steps }) => steps.length > 0))('$name: greedy steps', (record) =>
      expectSteps(runtime, record),
    );
  });
});

it('glm-4-9b reads a long prompt as it would take it token by token, in bfloat16 too', async () => {
  const folder = await goldenFolder('glm-4-9b');
  const length = 200;
  const order = Int32Array.from({ length }, (_, row) => row);
  const rows = { tokens: order.map((row) => (row * 37) % 168), positions: order, blockPositions: order.map(() => 0) };
  for (const [precision, tolerance] of [
    ['float32', 1e-4],
    ['bfloat16', 0.5],
  ] as const) {
    const runtime = await openNativeRuntime(folder, { precision, threads: 2 });
    const session = runtime.open(length);
    await session.read(sliceRows(rows, 0, -1));
    const fork = session.fork();
    const read = await session.extend(sliceRows(rows, -1));
    expect(await fork.extend(sliceRows(rows, -1))).toEqual(read);
    session.rewind(0);
    let stepped = new Float32Array();
    for (let row = 0; row < length; row++)
      stepped = (await session.extend(sliceRows(rows, row, row + 1))) as typeof stepped;
    const farthest = Math.max(...read.map((logit, token) => Math.abs(logit - (stepped[token] as number))));
    expect(farthest).toBeLessThan(tolerance);
    runtime.dispose();
  }
});
