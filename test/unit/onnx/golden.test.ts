/** Logits and greedy tokens of the original GLM code through onnxruntime: the same records as for the native runtime. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Runtime } from '../../../engine/runtime/runtime.ts';
import { goldenCases, goldenFolder } from '../native/golden.ts';
import {
  expectCase,
  expectChoices,
  expectSteps,
  expectTwoBlanks,
  openSource,
  SOURCES,
} from '../runtime/recorded-cases.ts';
import { openOnnx } from './host.ts';

describe.each(SOURCES)('$title', (source) => {
  const cases = goldenCases(source.file);
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openOnnx(await openSource(source));
  });
  afterAll(() => runtime.dispose());

  it('has cases', () => expect(cases.length).toBeGreaterThan(1));
  it.each(cases)('$name: logits of Part B', (record) => expectCase(runtime, record));
  it.each(cases.filter(({ steps }) => steps.length > 0))('$name: greedy steps', (record) =>
    expectSteps(runtime, record),
  );
});

it('GLM-130B fills two blanks by reading the text again for each', async () => {
  await expectTwoBlanks(await openOnnx(await goldenFolder('glm-130b')));
});

it('GLM 2021 scores choices side by side, each in a session of its own', async () => {
  await expectChoices(await openOnnx(await goldenFolder('glm-2021')));
});
