/** The recorded cases of the original code, and a runtime held to one of them. */
import { expect } from 'vitest';
import type { ModelFolder } from '../../../engine/model/load.ts';
import type { Runtime } from '../../../engine/runtime/runtime.ts';
import { type RecordedCase, rowsOf, sliceRows } from '../../../engine/verification/cases.ts';
import { goldenFolder, readGolden } from '../native/golden.ts';

export interface Source {
  title: string;
  folder: string;
  file: string;
  change?: Partial<ModelFolder['config']>;
}

/** Of the families that see Part A in both directions. */
export const GLM_SOURCES: Source[] = [
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

/** Of the later families, whose rows see none after them. */
export const CAUSAL_SOURCES: Source[] = [
  'chatglm2-6b',
  'chatglm3-6b',
  'codegeex2-6b',
  'glm-4-9b',
  'glm-hf',
  'glm4-hf',
  'glm4-moe-hf',
].map((folder) => ({ title: folder, folder, file: `${folder}/cases.json` }));

export const SOURCES: Source[] = [...GLM_SOURCES, ...CAUSAL_SOURCES];

export async function openSource({ folder, change }: Source): Promise<ModelFolder> {
  const model = await goldenFolder(folder);
  return { ...model, config: { ...model.config, ...change } };
}

/** The records have six significant digits. */
export const TOLERANCE = 2e-3;

export const bestOf = (logits: Float32Array | number[]) => logits.indexOf(Math.max(...logits));

export function expectLogits(found: Float32Array, wanted: readonly number[], place: string): void {
  expect(found).toHaveLength(wanted.length);
  const farthest = wanted.reduce((most, logit, token) => Math.max(most, Math.abs((found[token] as number) - logit)), 0);
  expect(farthest, place).toBeLessThan(TOLERANCE);
}

/** Part A read, Part B extended at once and, but for its first row, once more after a rewind. */
export async function expectCase(runtime: Runtime, { rows, sep, logits, best }: RecordedCase): Promise<void> {
  const { vocabSize, maxLength } = runtime.config;
  const session = runtime.open(maxLength);
  if (sep > 0) await session.read(sliceRows(rows, 0, sep));
  for (const from of [sep, sep + 1]) {
    if (from >= rows.tokens.length) continue;
    if (session.length > from) session.rewind(from);
    const all = await session.extend(sliceRows(rows, from), { logits: 'all' });
    const after = (row: number) => all.subarray((row - from) * vocabSize, (row - from + 1) * vocabSize);
    for (let row = from; row < rows.tokens.length; row++) expect(bestOf(after(row)), `row ${row}`).toBe(best[row]);
    for (const { row, values } of logits) if (row >= from) expectLogits(after(row), values, `row ${row}`);
  }
  session.dispose();
}

/** The greedy steps that the original made with its own cache. */
export async function expectSteps(runtime: Runtime, { steps, sep }: RecordedCase): Promise<void> {
  const session = runtime.open(runtime.config.maxLength);
  const [first] = steps as [RecordedCase['steps'][number]];
  // A causal model's prompt is read but for its last token, whose logits choose the next.
  const read = sep > 0 ? Math.min(sep, first.rows.tokens.length) : first.rows.tokens.length - 1;
  if (read > 0) await session.read(sliceRows(first.rows, 0, read));
  let length = read;
  for (const [index, { rows, next, logit }] of steps.entries()) {
    const fed = index === 0 ? sliceRows(rows, read) : rows;
    length += fed.tokens.length;
    // A step that fed Part A alone: its logits stand after a row of Part A.
    if (fed.tokens.length === 0) continue;
    const found = await session.extend(fed);
    expect(bestOf(found), `step ${index}`).toBe(next);
    expect(Math.abs((found[next] as number) - logit), `step ${index}`).toBeLessThan(TOLERANCE);
  }
  expect(session.length).toBe(length);
  session.dispose();
}

/** A text with two blanks, read once more for the second with the first one filled. */
export async function expectTwoBlanks(runtime: Runtime): Promise<void> {
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
}

/** Answers to choose from, each in a fork of the session that has read the question. */
export async function expectChoices(runtime: Runtime): Promise<void> {
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
  partA.dispose();
  runtime.dispose();
}
