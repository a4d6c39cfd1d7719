/** Logits and greedy tokens of the original GLM code through the native runtime: Part A read, Part B extended. */
import { describe, expect, it } from 'vitest';
import type { ModelFolder } from '../../../engine/model/load.ts';
import { openNativeRuntime } from '../../../engine/runtime/native.ts';
import type { Runtime, TokenRows } from '../../../engine/runtime/runtime.ts';
import { type RecordedCase, rowsOf, sliceRows } from '../../../engine/verification/cases.ts';
import { goldenCases, goldenFolder, goldenTensors, readGolden } from '../native/golden.ts';
import { LEVELS, trainerOf } from '../native/tiny.ts';

/** The records have six significant digits. */
const TOLERANCE = 2e-3;

interface Source {
  title: string;
  folder: string;
  file: string;
  change?: Partial<ModelFolder['config']>;
}

const SOURCES: Source[] = [
  { title: 'GLM-130B', folder: 'glm-130b', file: 'glm-130b/cases.json' },
  { title: 'GLM-130B stored as float16', folder: 'glm-130b/f16', file: 'glm-130b/cases.json' },
  { title: 'ChatGLM-6B', folder: 'chatglm-6b', file: 'chatglm-6b/cases.json' },
  {
    title: 'ChatGLM-6B with one position row',
    folder: 'chatglm-6b',
    file: 'chatglm-6b/cases-1d.json',
    change: { positions: 'rotary-1d' },
  },
  { title: 'GLM 2021', folder: 'glm-2021', file: 'glm-2021/cases.json' },
  {
    title: 'GLM 2021 with the tanh form of GELU',
    folder: 'glm-2021',
    file: 'glm-2021/cases-tanh-gelu.json',
    change: { activation: 'gelu-tanh' },
  },
];

async function open({ folder, change }: Source): Promise<ModelFolder> {
  const model = await goldenFolder(folder);
  return { ...model, config: { ...model.config, ...change } };
}

const bestOf = (logits: Float32Array | number[]) => logits.indexOf(Math.max(...logits));

function expectLogits(found: Float32Array, wanted: readonly number[], place: string): void {
  expect(found).toHaveLength(wanted.length);
  for (const [token, logit] of wanted.entries()) {
    expect(Math.abs((found[token] as number) - logit), `${place}, token ${token}`).toBeLessThan(TOLERANCE);
  }
}

/** A session that holds Part A of the rows, and the logits after each of the rows beyond. */
async function run(runtime: Runtime, rows: TokenRows, sep: number) {
  const session = runtime.open(runtime.config.maxLength);
  if (sep > 0) await session.read(sliceRows(rows, 0, sep));
  const all = rows.tokens.length > sep ? await session.extend(sliceRows(rows, sep), { logits: 'all' }) : undefined;
  const { vocabSize } = runtime.config;
  return { session, logitsAfter: (row: number) => all?.subarray((row - sep) * vocabSize, (row - sep + 1) * vocabSize) };
}

describe.each(SOURCES)('$title', (source) => {
  const cases = goldenCases(source.file);
  it('has cases', () => expect(cases.length).toBeGreaterThan(1));

  describe.each(LEVELS)('at level %s', (level) => {
    const options = { level, precision: 'float32', threads: 2 } as const;

    it.each(cases)('$name: logits of Part B', async ({ rows, sep, logits, best }) => {
      const runtime = await openNativeRuntime(await open(source), options);
      const { session, logitsAfter } = await run(runtime, rows, sep);
      for (const { row, values } of logits) {
        const found = logitsAfter(row);
        if (row >= sep) expectLogits(found as Float32Array, values, `row ${row}`);
      }
      for (let row = sep; row < rows.tokens.length; row++) {
        const found = logitsAfter(row) as Float32Array;
        expect(bestOf(found), `row ${row}`).toBe(best[row]);
      }
      session.dispose();
      runtime.dispose();
    });

    it.each(cases.filter(({ steps }) => steps.length > 0))('$name: greedy steps', async ({ steps, sep }) => {
      const runtime = await openNativeRuntime(await open(source), options);
      const session = runtime.open(runtime.config.maxLength);
      const [first] = steps as [RecordedCase['steps'][number]];
      const partA = Math.min(sep, first.rows.tokens.length);
      await session.read(sliceRows(first.rows, 0, partA));
      let tokens = 0;
      for (const [index, { rows, next, logit }] of steps.entries()) {
        const fed = index === 0 ? sliceRows(rows, partA) : rows;
        tokens += fed.tokens.length;
        // A step that fed Part A alone: its logits stand after a row of Part A.
        if (fed.tokens.length === 0) continue;
        const found = await session.extend(fed);
        expect(bestOf(found), `step ${index}`).toBe(next);
        expect(Math.abs((found[next] as number) - logit), `step ${index}`).toBeLessThan(TOLERANCE);
      }
      expect(session.length).toBe(partA + tokens);
      session.dispose();
      runtime.dispose();
    });
  });

  it.each(cases)('$name: rows of Part A, as losses of some targets', async ({ rows, sep, logits }) => {
    const model = await open(source);
    const trainer = await trainerOf(model.config, await goldenTensors(model));
    for (const { row, values } of logits) {
      const top = Math.max(...values);
      const logSum = top + Math.log(values.reduce((sum, logit) => sum + Math.exp(logit - top), 0));
      for (const target of [0, bestOf(values), values.length - 1]) {
        const lossMask = new Uint8Array(rows.tokens.length);
        lossMask[row] = 1;
        const loss = await trainer.evaluate({
          ...rows,
          lossMask,
          targets: new Int32Array(rows.tokens.length).fill(target),
          lengths: Int32Array.of(rows.tokens.length),
          separators: Int32Array.of(sep),
        });
        expect(Math.abs(loss.sum - (logSum - (values[target] as number))), `row ${row}`).toBeLessThan(TOLERANCE);
      }
    }
  });
});

it('GLM-130B fills two blanks by reading the text again for each', async () => {
  const runtime = await openNativeRuntime(await goldenFolder('glm-130b'), { precision: 'float32', threads: 1 });
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
  session.dispose();
  runtime.dispose();
});

it('GLM 2021 scores choices side by side, each in a session of its own', async () => {
  const runtime = await openNativeRuntime(await goldenFolder('glm-2021'), { precision: 'float32', threads: 2 });
  const record = readGolden('glm-2021/cases.json').find(({ kind }: { kind: string }) => kind === 'multiple_choice');
  const partA = runtime.open(64);
  const { vocabSize } = runtime.config;
  const columns = [...record.input_ids.keys()];
  const rows = rowsOf(record.input_ids, record.position_ids, columns);
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
  partA.dispose();
  runtime.dispose();
});
