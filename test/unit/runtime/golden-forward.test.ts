/** Logits and greedy tokens of the original GLM code through the native runtime: Part A read, Part B extended. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openNativeRuntime } from '../../../engine/runtime/native.ts';
import type { Runtime } from '../../../engine/runtime/runtime.ts';
import { goldenCases, goldenFolder, goldenTensors } from '../native/golden.ts';
import { LEVELS, trainerOf } from '../native/tiny.ts';
import {
  bestOf,
  expectCase,
  expectChoices,
  expectSteps,
  expectTwoBlanks,
  GLM_SOURCES,
  openSource,
  TOLERANCE,
} from './recorded-cases.ts';

describe.each(GLM_SOURCES)('$title', (source) => {
  const cases = goldenCases(source.file);
  it('has cases', () => expect(cases.length).toBeGreaterThan(1));

  describe.each(LEVELS)('at level %s', (level) => {
    let runtime: Runtime;
    beforeAll(async () => {
      runtime = await openNativeRuntime(await openSource(source), { level, precision: 'float32', threads: 2 });
    });
    afterAll(() => runtime.dispose());

    it.each(cases)('$name: logits of Part B', (record) => expectCase(runtime, record));
    it.each(cases.filter(({ steps }) => steps.length > 0))('$name: greedy steps', (record) =>
      expectSteps(runtime, record),
    );
  });

  it.each(cases)('$name: rows of Part A, as losses of some targets', async ({ rows, sep, logits }) => {
    const model = await openSource(source);
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
  await expectTwoBlanks(await openNativeRuntime(await goldenFolder('glm-130b'), { precision: 'float32', threads: 1 }));
});

it('GLM 2021 scores choices side by side, each in a session of its own', async () => {
  await expectChoices(await openNativeRuntime(await goldenFolder('glm-2021'), { precision: 'float32', threads: 2 }));
});
