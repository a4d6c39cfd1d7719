/** Logits and greedy tokens of the original GLM code through onnxruntime: the same records as for the native runtime. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Runtime } from '../../../engine/runtime/runtime.ts';
import { goldenCases, goldenFolder, readGolden, rowsOf, sliceRows } from '../native/golden.ts';
import { openOnnx } from './host.ts';
import { bestOf, expectCase, expectLogits, expectSteps, SOURCES, TOLERANCE } from './records.ts';

describe.each(SOURCES)('$title', ({ folder, file, change }) => {
  const cases = goldenCases(file);
  let runtime: Runtime;
  beforeAll(async () => {
    const model = await goldenFolder(folder);
    runtime = await openOnnx({ ...model, config: { ...model.config, ...change } });
  });
  afterAll(() => runtime.dispose());

  it('has cases', () => expect(cases.length).toBeGreaterThan(1));
  it.each(cases)('$name: logits of Part B', (record) => expectCase(runtime, record));
  it.each(cases.filter(({ steps }) => steps.length > 0))('$name: greedy steps', (record) =>
    expectSteps(runtime, record),
  );
});

it('GLM-130B fills two blanks by reading the text again for each', async () => {
  const runtime = await openOnnx(await goldenFolder('glm-130b'));
  const record = readGolden('glm-130b/cases.json').find(({ name }: { name: string }) => name === 'fill_two_masks');
  const spans: number[][] = [];
  let session = runtime.open(64);
  for (const { fed_tokens, position_ids, next_token } of record.steps) {
    const rows = rowsOf(fed_tokens, position_ids, [...fed_tokens.keys()]);
    if (fed_tokens.length > 1) {
      session.dispose();
      session = runtime.open(64);
      await session.read(sliceRows(rows, 0, -1));
      spans.push([]);
    }
    const next = bestOf(await session.extend(fed_tokens.length > 1 ? sliceRows(rows, -1) : rows));
    expect(next).toBe(next_token);
    if (next !== record.end_token) spans.at(-1)?.push(next);
  }
  expect(spans).toEqual(record.spans);
  runtime.dispose();
});

it('GLM 2021 scores choices side by side, each in a session of its own', async () => {
  const runtime = await openOnnx(await goldenFolder('glm-2021'));
  const record = readGolden('glm-2021/cases.json').find(({ kind }: { kind: string }) => kind === 'multiple_choice');
  const partA = runtime.open(64);
  const { vocabSize } = runtime.config;
  const rows = rowsOf(record.input_ids, record.position_ids, [...record.input_ids.keys()]);
  await partA.read(sliceRows(rows, 0, record.prompt.length));
  for (const [choice, own] of record.choice_logit_rows.entries()) {
    const session = partA.fork();
    const found = await session.extend(sliceRows(rows, own[0], own.at(-1) + 1), { logits: 'all' });
    let score = 0;
    for (const [at, row] of own.entries()) {
      const logits = found.subarray(at * vocabSize, (at + 1) * vocabSize);
      const top = Math.max(...logits);
      const logSum = top + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0));
      score += (logits[record.choices[choice][at]] as number) - logSum;
      const recorded = record.logits.rows.indexOf(row);
      if (recorded >= 0) expectLogits(logits, record.logits.values[recorded], `row ${row}`);
    }
    expect(Math.abs(score - record.choice_log_probs[choice])).toBeLessThan(TOLERANCE);
    session.dispose();
  }
  expect(partA.length).toBe(record.prompt.length);
  runtime.dispose();
});
