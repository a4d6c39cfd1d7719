/** Drafts: guesses from the passage, and fills that stay what they are. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guessNext } from '../../../engine/infill/drafts.ts';
import type { Fill, FillOptions, Passage } from '../../../engine/infill/fill.ts';
import { fillBlank } from '../../../engine/infill/infill.ts';
import { type LoadedModel, loadModel } from '../../../engine/load-model.ts';
import type { Runtime, Session } from '../../../engine/runtime/runtime.ts';

const guess = (before: number[], span: number[], after: number[]) =>
  guessNext({ before: Int32Array.from(before), after: Int32Array.from(after) }, span);

describe('what may come next', () => {
  it('is what followed the last tokens where they stood, nearest before the blank', () => {
    expect(guess([1, 2, 3, 4, 5, 1, 2, 7, 8, 9, 6, 1], [2], [])).toEqual([7, 8, 9]);
    expect(guess([1, 2, 3, 4, 5, 6], [], [9, 5, 6, 7, 8])).toEqual([7, 8]);
    expect(guess([1, 2, 3], [4, 5, 4, 5], [])).toEqual([4, 5]);
  });
  it('agrees in as much as it can', () => {
    expect(guess([0, 1, 2, 3, 7, 9, 2, 3, 8, 8, 0, 1, 2], [3], [])).toEqual([7, 9, 2]);
  });
  it('is nothing where nothing agrees, nor across the blank', () => {
    expect(guess([1, 2, 3], [4], [5, 6])).toEqual([]);
    expect(guess([1], [2], [1, 3, 2, 4])).toEqual([]);
    expect(guess([], [], [])).toEqual([]);
  });
});

describe('a fill', () => {
  const passage: Passage = {
    path: 'sum.ts',
    languageId: 'typescript',
    before: `export function addNumbers(first: number, second: number): number {\n  return first + second;\n}\n\nexport function mulNumbers(first: number, second: number): number {\n  return `,
    after: `\n}\n\nexport function subNumbers(first: number, second: number): number {\n  return first - second;\n}\n`,
    forced: '',
    neighbours: [],
    kind: 'sentence',
  };
  const options: FillOptions = { maxTokens: 40, temperature: 0, topP: 1, seed: 3, singleLine: false, timeLimit: 0 };
  let model: LoadedModel;
  beforeAll(async () => {
    model = await loadModel('engine/embedded-model', { threads: 1, precision: 'int8' });
  });
  afterAll(() => model.runtime.dispose());

  /** How often a session was extended, and what came of it. */
  async function counted(own: FillOptions, runtime: Runtime = model.runtime): Promise<{ fill: Fill; steps: number }> {
    let steps = 0;
    const watched = (session: Session): Session => ({
      get length() {
        return session.length;
      },
      read: (rows, signal) => session.read(rows, signal),
      extend(rows, how) {
        steps++;
        return session.extend(rows, how);
      },
      rewind: (length) => session.rewind(length),
      fork: () => watched(session.fork()),
      dispose: () => session.dispose(),
    });
    const exact = runtime.exact ?? false;
    const watching = {
      ...runtime,
      exact,
      device: runtime.device,
      open: (capacity: number) => watched(runtime.open(capacity)),
    };
    return { fill: await fillBlank({ ...model, runtime: watching }, passage, own), steps };
  }

  it.each([0, 0.8])('at temperature %d has the same tokens and probabilities, in fewer steps', async (temperature) => {
    const [plain, drafted] = [
      await counted({ ...options, temperature, drafts: false }),
      await counted({ ...options, temperature, drafts: true }),
    ];
    expect(drafted.fill.tokens).toEqual(plain.fill.tokens);
    expect(drafted.fill).toEqual({ ...plain.fill, timings: expect.anything() });
    expect(plain.fill.tokens.length).toBeGreaterThan(3);
    if (temperature === 0) expect(drafted.steps).toBeLessThan(plain.steps);
  });

  it('is not drafted where rows together are not exact', async () => {
    const { steps } = await counted({ ...options, drafts: true }, { ...model.runtime, exact: false });
    expect(steps).toBe((await counted({ ...options, drafts: false })).steps);
  });
});
